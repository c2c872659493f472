"""`tracker cases set` and `stop-publicity`: the same gate as in pages, and what is wrong said in a line."""

from typing import Any

from house_of_cases import Lived, lived
from sqlalchemy import select

from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.cases.models import CaseGrant
from tracker.consent.kinds import STOP_REASONS

__all__ = ["lived"]


def test_a_case_opens_by_command_only_as_far_as_everybody_agreed(lived: Lived, run_tracker: Any) -> None:
    case = lived.case("Ahmad Khalefa")
    refused = run_tracker("cases", "set", case.ref, "--audience", "volunteers")
    assert refused.code == 2
    assert "Ahmad Khalefa" in refused.err
    assert lived.fresh(case).audience == Audience.DESK
    lived.agrees(case)
    done = run_tracker("cases", "set", case.ref, "--audience", "volunteers", "--json")
    assert done.json == {"ref": case.ref, "audience": "volunteers", "before": "desk", "named": []}
    assert lived.fresh(case).audience == Audience.VOLUNTEERS


def test_somebody_is_let_in_where_nobody_is_left(lived: Lived, run_tracker: Any) -> None:
    case = lived.case(audience=Audience.NAMED)
    done = run_tracker("cases", "set", case.ref, "--named", lived.colleague.email, "--json")
    assert done.json["named"] == [lived.colleague.email]
    db.session.rollback()
    assert db.session.scalars(select(CaseGrant.user_id).where(CaseGrant.case_id == case.id)).all() == [
        lived.colleague.id
    ]
    assert run_tracker("cases", "set", case.ref, "--named", lived.volunteer.email).code == 2
    assert run_tracker("cases", "set", case.ref).code == 2
    assert run_tracker("cases", "set", "NONE-1", "--audience", "desk").code == 2


def test_publicity_is_stopped_by_command(lived: Lived, run_tracker: Any) -> None:
    case = lived.case()
    lived.agrees(case)
    run_tracker("cases", "set", case.ref, "--audience", "volunteers")
    wrong = run_tracker("cases", "stop-publicity", case.ref, "--reason", "the family")
    assert wrong.code == 2
    assert lived.fresh(case).audience == Audience.VOLUNTEERS
    done = run_tracker("cases", "stop-publicity", case.ref, "--reason", STOP_REASONS[0], "--json")
    assert (done.json["ref"], done.json["audience"]) == (case.ref, "desk")
    assert lived.fresh(case).audience == Audience.DESK
    assert run_tracker("cases", "set", case.ref, "--audience", "volunteers").code == 2
