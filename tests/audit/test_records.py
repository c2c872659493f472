"""What no watched row shows and matters all the same is put on record: signing in, being refused, being ended."""

import json
from typing import Any

import pytest
from flask import Flask
from house_of_cases import Lived, utc
from signed_in import PASSWORD, form_token, make_account, make_desk, sign_in
from sqlalchemy import select

from tracker.accounts import service, trying
from tracker.accounts.models import User
from tracker.audit.models import Act
from tracker.base.db import db
from tracker.base.work import COMMAND, Actor, note_done, note_read, unit_of_work
from tracker.hearings import service as hearings
from tracker.hearings.models import Hearing


def told(app: Flask, act: str) -> list[Any]:
    """What the house keeps of each act of this name: [(table, how, {field: value after})]."""
    db.session.rollback()
    sealer, found = app.extensions["sealer"], []
    for row in db.session.scalars(select(Act).where(Act.act == act).order_by(Act.seq)):
        subject = f"case:{row.case_id}" if row.case_id else "house"
        changes = json.loads(sealer.unseal_for(db.session(), subject, row.changes_sealed, f"acts|{row.seq}|changes"))
        found.append([(c["table"], c["how"], {k: v[1] for k, v in c["fields"].items()}) for c in changes])
    return found


def fill_in(client: Any, password: str) -> int:
    """Send the sign-in form; the status of the answer."""
    page = client.get("/sign-in").text
    token = page.split('name="csrf_token"', 1)[1].split('value="', 1)[1].split('"', 1)[0]
    given = {"csrf_token": token, "email": "amal@example.org", "password": password}
    return int(client.post("/sign-in", data=given).status_code)


@pytest.mark.one_engine
def test_signing_in_and_out(app: Flask) -> None:
    make_desk()
    user = make_account(role="volunteer")
    client = app.test_client()
    assert fill_in(client, PASSWORD) == 303
    (((table, how, fields),),) = told(app, "accounts.sign_in")
    assert (table, how, fields["user_id"]) == ("sign_ins", "done", user.id)
    assert PASSWORD not in json.dumps(fields)
    client.post("/sign-out", data={"csrf_token": form_token(client)})
    ((gone,),) = told(app, "accounts.sign_out")
    assert gone == ("sign_ins", "done", {"user_id": user.id, "ended": 1})


def test_being_refused_after_too_many_tries_is_kept_once(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    make_account()
    monkeypatch.setattr(trying, "TRIES_OF_ACCOUNT", 2)
    answers = [fill_in(app.test_client(), "wrong") for _try in range(5)]
    assert answers == [422, 422, 429, 429, 429]
    assert told(app, "accounts.refuse") == [[("sign_in_tries", "done", {"limits": ["account"]})]]
    kind, actor = db.session.execute(select(Act.actor_kind, Act.actor_id).where(Act.act == "accounts.refuse")).one()
    assert (kind, actor) == ("stranger", None)


def test_an_account_that_is_disabled_says_how_many_sign_ins_ended(app: Flask) -> None:
    user = make_account()
    sign_in(app, user)
    sign_in(app, user)
    with unit_of_work("accounts.disable", COMMAND) as now:
        held = db.session.get(User, user.id)
        assert held is not None
        service.disable(db.session(), held, now)
    ((*_others, ended),) = [sorted(told(app, "accounts.disable")[0], key=lambda change: change[1] == "done")]
    assert ended == ("sign_ins", "done", {"user_id": user.id, "ended": 2})
    fields = {name: value for _t, _h, said in told(app, "accounts.disable")[0] for name, value in said.items()}
    assert fields["active"] is False
    assert fields["fs_uniquifier"] == "hidden"


@pytest.mark.one_engine
def test_outcomes_that_are_taken_back_are_kept(app: Flask, lived: Lived) -> None:
    case = lived.case("Amira")
    hearing = lived.hearing(case)
    with lived.at(utc("2024-04-09T08:00")) as session:
        held = session.get(Hearing, hearing.id, populate_existing=True)
        hearings.record_outcome(session, held, "took_place", version=held.version)
    with unit_of_work("hearings.reinstate", COMMAND):
        held = db.session.get(Hearing, hearing.id, populate_existing=True)
        assert held is not None
        hearings.reinstate_hearing(db.session(), held, version=held.version)
    (changes,) = told(app, "hearings.reinstate")
    assert ("appearances", None) in {(table, said.get("outcome", "")) for table, _how, said in changes}


@pytest.mark.one_engine
def test_what_is_noted_by_hand_stands_with_its_case(app: Flask) -> None:
    with unit_of_work("tests", Actor("user", 3, "Amal")):
        note_done("exports", 1, 7, rows=12)
        note_read("contacts", 2, 7, reason="checking")
    assert told(app, "tests") == [[("exports", "done", {"rows": 12}), ("contacts", "read", {"reason": "checking"})]]
    row = db.session.scalars(select(Act)).one()
    assert (row.case_id, row.shows) == (7, True)
