"""The commands of hearings: what is off stays off until it is put back."""

from typing import Any

import pytest
from house_of_cases import Lived, lived

__all__ = ["lived"]

pytestmark = pytest.mark.one_engine


def test_what_is_off_is_put_back_before_it_is_corrected(lived: Lived, run_tracker: Any) -> None:
    hearing = lived.hearing(lived.case())
    other = lived.hearing(lived.case())
    number = str(hearing.id)
    cancelled = run_tracker("hearings", "cancel", number, "--json")
    assert (cancelled.code, cancelled.json["id"], cancelled.json["state"]) == (0, hearing.id, "cancelled")
    refused = run_tracker("hearings", "correct", number, "--date", "2024-04-09", "--confirm")
    assert refused.code == 2
    assert "put it back first" in refused.err
    back = run_tracker("hearings", "reinstate", number, "--json")
    assert (back.code, back.json["state"], back.json["schedule_rev"]) == (0, "scheduled", 3)
    assert run_tracker("hearings", "correct", number, "--date", "2024-04-09", "--confirm").code == 0
    assert lived.fresh(other).state == "scheduled"
