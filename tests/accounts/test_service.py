"""Making and changing desks and accounts, on both engines."""

from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from signed_in import PASSWORD, SET_UP_AT, make_account, make_desk
from sqlalchemy import func, select

from tracker.accounts import queries, service
from tracker.accounts.kinds import desk_clock_changes
from tracker.accounts.models import Desk, User
from tracker.base.db import db
from tracker.base.errors import NotFound, Refused, VersionConflict
from tracker.base.work import COMMAND, unit_of_work
from tracker.outbox.models import Recipient

NOW = datetime(2024, 4, 1, 9, tzinfo=UTC)

DESK: dict[str, Any] = {"code": "iopt", "name": "Israel", "countries": ["IL"], "zone": "Asia/Jerusalem"}
ACCOUNT: dict[str, Any] = {
    "email": "amal@example.org", "name": "Amal", "role": "staff", "password": PASSWORD, "desk": None,
    "coordinator": False,
}  # fmt: skip


def refused_field(act: Any, **values: Any) -> str | None:
    """The field `act` refuses these values for."""
    with pytest.raises(Refused) as refused, unit_of_work("test", COMMAND, now=NOW) as now:
        act(db.session(), **values, now=now)
    return refused.value.field


def test_a_desk_is_kept_as_it_was_given(app: Flask) -> None:
    make_desk(code="IOPT", countries=("il", "PS", "IL"), working_days=(7, 1, 2, 3, 4))
    db.session.expire_all()
    desk = queries.get_desk(db.session(), "iopt")
    assert (desk.code, desk.countries, desk.zone) == ("iopt", ["IL", "PS"], "Asia/Jerusalem")
    assert desk.working_days == [7, 1, 2, 3, 4]
    assert (desk.stale_critical_days, desk.stale_high_working_days) == (3, 7)
    assert (desk.stale_medium_days, desk.stale_low_days, desk.version) == (21, 60, 1)


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"code": "no desk"}, "code"),
        ({"name": " "}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"countries": []}, "country"),
        ({"countries": ["IL", "XX"]}, "country"),
        ({"zone": "Jerusalem"}, "zone"),
        ({"zone": "Asia/../../etc/passwd"}, "zone"),
        ({"working_days": [9]}, "working_days"),
    ],
)
def test_a_desk_that_cannot_be_is_refused_by_its_field(app: Flask, wrong: dict[str, Any], field: str) -> None:
    assert refused_field(service.add_desk, **{**DESK, **wrong}) == field
    assert db.session.scalar(select(func.count()).select_from(Desk)) == 0


def test_a_desk_is_there_once(app: Flask) -> None:
    make_desk()
    assert refused_field(service.add_desk, **{**DESK, "code": "Iopt"}) == "code"


def test_an_account_is_kept_with_its_desk_and_mail_can_go_to_it(app: Flask) -> None:
    make_desk()
    make_account("Amal.Haddad@Example.org", desk="IOPT", coordinator=True)
    db.session.expire_all()
    user = queries.get_account(db.session(), " amal.haddad@example.ORG")
    assert (user.email, user.email_key) == ("Amal.Haddad@example.org", "amal.haddad@example.org")
    assert (user.name, user.role, user.active, user.created_at) == ("Amal Haddad", "staff", True, SET_UP_AT)
    assert [(m.desk.code, m.coordinator, m.deputy) for m in user.memberships] == [("iopt", True, False)]
    assert user.password.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert db.session.scalar(select(Recipient.user_id)) == user.id
    assert user.reading_zone == "Asia/Jerusalem"
    assert [r.name for r in user.roles] == ["staff"]


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"email": "Amal <amal@example.org>"}, "email"),
        ({"role": "root"}, "role"),
        ({"password": "short"}, "password"),
        ({"password": "amal.example.12"}, "password"),
        ({"desk": "nowhere"}, "desk"),
        ({"role": "volunteer", "desk": "iopt"}, "desk"),
        ({"coordinator": True}, "coordinator"),
        ({"name": "x" * 121}, "name"),
    ],
)
def test_an_account_that_cannot_be_is_refused_by_its_field(app: Flask, wrong: dict[str, Any], field: str) -> None:
    make_desk()
    assert refused_field(service.add_account, **{**ACCOUNT, **wrong}) == field
    assert db.session.scalar(select(func.count()).select_from(User)) == 0


def test_an_account_is_there_once_whatever_the_case_of_its_letters(app: Flask) -> None:
    make_account("amal@example.org")
    assert refused_field(service.add_account, **{**ACCOUNT, "email": "AMAL@example.org"}) == "email"


def test_what_is_asked_for_and_not_there_is_not_found(app: Flask) -> None:
    assert queries.find_account(db.session(), "amal@example.org") is None
    with pytest.raises(NotFound, match="no account amal@"):
        queries.get_account(db.session(), "amal@example.org")
    with pytest.raises(NotFound, match="no desk iopt"):
        queries.get_desk(db.session(), "iopt")


def change(version: int, **thresholds: int) -> Desk:
    with unit_of_work("accounts.change_desk", COMMAND, now=NOW) as now:
        return service.change_desk(
            db.session(), "iopt", version=version, thresholds=thresholds, working_days=(7, 1, 2, 3, 4), now=now
        )


def test_a_desks_clocks_change_and_rooms_above_hear_of_it_once(app: Flask) -> None:
    make_desk()
    heard: list[int] = []
    desk_clock_changes.add("test", lambda _session, desk_id, _now: heard.append(desk_id))
    try:
        desk = change(1, stale_low_days=90)
        assert (desk.stale_low_days, desk.stale_critical_days, desk.version) == (90, 3, 2)
        assert desk.working_days == [7, 1, 2, 3, 4]
        change(2, stale_low_days=90)
        assert heard == [desk.id], "what changes nothing is no change"
        assert queries.get_desk(db.session(), "iopt").version == 2
    finally:
        desk_clock_changes._things.pop("test")


def test_a_change_made_on_an_older_version_shows_what_is_stored(app: Flask) -> None:
    make_desk()
    change(1, stale_low_days=90)
    with pytest.raises(VersionConflict) as conflict:
        change(1, stale_low_days=30)
    assert conflict.value.theirs == {
        "stale_critical_days": 3, "stale_high_working_days": 7, "stale_medium_days": 21, "stale_low_days": 90,
        "working_days": [7, 1, 2, 3, 4], "version": 2,
    }  # fmt: skip
    assert queries.get_desk(db.session(), "iopt").stale_low_days == 90


@pytest.mark.one_engine
def test_a_threshold_of_no_days_is_refused_by_its_field(app: Flask) -> None:
    make_desk()
    with pytest.raises(Refused) as refused:
        change(1, stale_medium_days=0)
    assert refused.value.field == "stale_medium_days"


@pytest.mark.one_engine
def test_ones_own_zone_and_language_must_be_there(app: Flask) -> None:
    user = make_account()
    for wrong, field in (({"zone": "Mars/Olympus"}, "zone"), ({"language": "xx"}, "language")):
        values = {"zone": "", "language": "en", **wrong}
        with pytest.raises(Refused) as refused, unit_of_work("test", COMMAND, now=NOW):
            service.change_own(db.session(), user, **values, languages=("en", "ar"))
        assert refused.value.field == field
    with unit_of_work("test", COMMAND, now=NOW):
        service.change_own(db.session(), user, zone="Europe/London", language="ar", languages=("en", "ar"))
    assert (user.reading_zone, user.language) == ("Europe/London", "ar")


def test_who_may_set_a_desk_up(app: Flask) -> None:
    desk = make_desk()
    make_desk("egypt", "Egypt", ("EG",), "Africa/Cairo")
    assert queries.may_set_up(make_account("a@example.org", "admin"), desk)
    assert queries.may_set_up(make_account("b@example.org", desk="iopt", coordinator=True), desk)
    assert not queries.may_set_up(make_account("c@example.org", desk="iopt"), desk)
    assert not queries.may_set_up(make_account("d@example.org", desk="egypt", coordinator=True), desk)
    assert not queries.may_set_up(make_account("e@example.org", "volunteer"), desk)
