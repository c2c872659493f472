"""How a case looks to each audience: at a glance, up to date, and without a trace of what is closed to it."""

from datetime import date, timedelta
from typing import Any

from house_of_cases import NOW, ZONE, Lived, utc
from sqlalchemy import select

from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.cases.faces import refresh
from tracker.cases.models import Case, CaseFace
from tracker.cases.service import edit_case
from tracker.clockwork.kinds import steps
from tracker.hearings.rules import on_day


def seen(face: CaseFace) -> dict[str, Any]:
    """Everything a face says."""
    return {c.key: getattr(face, c.key) for c in CaseFace.__table__.columns}


def test_a_face_for_each_audience_that_may_see_it(lived: Lived) -> None:
    for audience in (Audience.NAMED, Audience.DESK, Audience.VOLUNTEERS):
        case = lived.case(audience=audience)
        held = set(db.session.scalars(select(CaseFace.audience).where(CaseFace.case_id == case.id)))
        assert held == {Audience.NAMED, *(a for a in Audience if a <= audience)}


def test_a_case_that_is_closed_to_an_audience_loses_its_face(lived: Lived) -> None:
    case = lived.case(audience=Audience.VOLUNTEERS)
    with lived.at() as session:
        mine = session.get(Case, case.id)
        edit_case(session, mine, version=mine.version, audience=Audience.NAMED)
    held = set(db.session.scalars(select(CaseFace.audience).where(CaseFace.case_id == case.id)))
    assert held == {Audience.NAMED}


def test_the_worst_off_lends_the_case_its_status(lived: Lived) -> None:
    case = lived.case("One", "Two")
    lived.tell(case, "person.released", persons=[lived.person(case, 0)])
    lived.tell(case, "person.disappeared", "2024-03-01", persons=[lived.person(case, 1)])
    face = lived.face(case)
    assert (face.status, face.status_since) == ("enforced_disappearance", date(2024, 3, 1))
    assert [s["status"] for s in face.statuses] == ["released", "enforced_disappearance"]


def test_what_a_stricter_audience_knows_leaves_no_trace(lived: Lived) -> None:
    case = lived.case(audience=Audience.VOLUNTEERS)
    lived.tell(case, "person.arrested", audience=Audience.VOLUNTEERS)
    desk, volunteers = (seen(lived.face(case, rung)) for rung in (Audience.DESK, Audience.VOLUNTEERS))
    later = NOW + timedelta(hours=5)
    for what in ("person.released", "person.disappeared"):
        lived.tell(case, what, "2024-03-15", now=later, audience=Audience.NAMED, sourced=True)
    lived.hearing(case, audience=Audience.NAMED)
    assert lived.face(case, Audience.NAMED).status == "enforced_disappearance"
    assert lived.face(case, Audience.NAMED).next_on == date(2024, 4, 8)
    assert seen(lived.face(case, Audience.DESK)) == desk
    assert seen(lived.face(case, Audience.VOLUNTEERS)) == volunteers
    lived.tell(case, "case.news", "2024-03-16", now=later, sourced=True)
    assert seen(lived.face(case, Audience.DESK)) != desk
    assert seen(lived.face(case, Audience.VOLUNTEERS)) == volunteers


def test_faces_follow_when_the_next_date_has_passed(lived: Lived) -> None:
    case = lived.case()
    lived.hearing(case)
    lived.hearing(case, when=on_day(ZONE, date(2024, 4, 22)))
    assert lived.face(case).next_on == date(2024, 4, 8)
    assert steps.get("faces.refresh").run is refresh
    midnight = utc("2024-04-08T21:00")
    assert refresh(midnight - timedelta(microseconds=1)) == {"due": 0}
    assert lived.face(case).next_on == date(2024, 4, 8)
    assert refresh(midnight) == {"due": 1}
    assert lived.face(case).next_on == date(2024, 4, 22)
    assert refresh(midnight) == {"due": 0}, "looked at once"
    refresh(utc("2024-05-01T00:00"))
    assert (lived.face(case).next_on, lived.face(case).next_sort) == (None, "9999")
