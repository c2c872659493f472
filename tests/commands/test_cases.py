"""The commands that say who may see a case: through the same gate as the pages."""

from typing import Any

import pytest
from house_of_cases import Lived, lived

from tracker.base.audience import Audience
from tracker.base.clock import true_now

__all__ = ["lived"]

pytestmark = pytest.mark.one_engine


def test_a_case_is_opened_and_closed_through_the_gate(lived: Lived, run_tracker: Any) -> None:
    case = lived.case("Ahmad Khalefa")
    refused = run_tracker("cases", "set", case.ref, "--audience", "volunteers")
    assert (refused.code, refused.out) == (2, "")
    assert "Ahmad Khalefa: nobody has said whether it may be known to: volunteers." in refused.err
    lived.agrees(case)
    done = run_tracker("cases", "set", case.ref.lower(), "--audience", "volunteers", "--json")
    assert (done.code, done.json) == (0, {"ref": case.ref, "audience": "volunteers", "before": "desk"})
    assert run_tracker("cases", "set", case.ref, "--audience", "public").code == 2
    assert run_tracker("cases", "set", case.ref, "--audience", "everybody").code == 2
    assert run_tracker("cases", "set", "IOPT-9999", "--audience", "desk").code == 2
    assert run_tracker("cases", "set", case.ref, "--audience", "named").code == 0
    assert lived.fresh(case).audience == Audience.NAMED


def test_publicity_is_stopped_by_a_command(lived: Lived, run_tracker: Any) -> None:
    case = lived.case(audience=Audience.VOLUNTEERS)
    assert run_tracker("cases", "stop-publicity", case.ref).code == 2
    assert run_tracker("cases", "stop-publicity", case.ref, "--reason", "family").code == 2
    done = run_tracker("cases", "stop-publicity", case.ref, "--reason", "asked", "--how", "call", "--json")
    assert done.code == 0
    assert {k: done.json[k] for k in ("ref", "audience", "reason")} == {
        "ref": case.ref,
        "audience": "desk",
        "reason": "asked",
    }
    assert done.json["stopped_at"][:10] == true_now().date().isoformat()
    again = run_tracker("cases", "set", case.ref, "--audience", "volunteers")
    assert again.code == 2
    assert "second person" in again.err
