"""The chain is proved: whatever is changed, swapped, taken away or written anew is named, at its first act."""

import hashlib
import json
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, RunTracker
from flask import Flask
from house_of_cases import Lived
from signed_in import make_account, make_desk
from sqlalchemy import event, select, text
from sqlalchemy.exc import ProgrammingError

from tracker.audit import verifying
from tracker.audit.models import Act, ActPart
from tracker.audit.verifying import Verdict, keep_anchor, make_anchor, read_anchors, verify
from tracker.base import clock, ddl
from tracker.base.db import WRITES, db
from tracker.base.errors import Refused


def walk(app: Flask, *anchors: verifying.Anchor) -> Verdict:
    """What a walk along the chain finds."""
    db.session.rollback()
    return verify(db.engine, app.extensions["sealer"], anchors)


def found(app: Flask, *anchors: verifying.Anchor) -> tuple[int | None, str | None]:
    """The first bad act, and what is wrong with it."""
    verdict = walk(app, *anchors)
    return verdict.bad_seq, verdict.fault


def anchored(app: Flask) -> verifying.Anchor:
    """An anchor of the chain as it stands."""
    db.session.rollback()
    return make_anchor(db.session(), app.extensions["sealer"], clock.now())


def tamper(*said: str) -> None:
    """Write past every trigger, as whoever owns the database can."""
    db.session.rollback()
    with db.engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
        for table in ("acts", "act_parts"):
            if connection.dialect.name == "sqlite":
                connection.execute(text(f"DROP TRIGGER {table}_no_update"))
                connection.execute(text(f"DROP TRIGGER {table}_no_delete"))
            else:
                connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        for one in said:
            connection.execute(text(one))
        if connection.dialect.name == "postgresql":
            for table in ("acts", "act_parts"):
                connection.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER USER"))
        ddl.apply(connection)


@pytest.fixture
def acts(app: Flask) -> int:
    """Eight acts."""
    for number in range(8):
        make_desk(f"d{number}", f"Desk {number}")
    return 8


def test_it_works(app: Flask, acts: int) -> None:
    verdict = walk(app)
    assert (verdict.count, verdict.seq, verdict.fault) == (acts, acts, None)
    assert verdict.says == "The chain is whole: 8 acts."


def test_an_empty_chain_is_whole(app: Flask) -> None:
    assert walk(app).says == "The chain is whole: 0 acts."
    with pytest.raises(Refused, match="no act to anchor"):
        anchored(app)


def test_it_is_walked_in_batches(app: Flask, acts: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifying, "BATCH", 3)
    assert walk(app).count == acts
    tamper("UPDATE acts SET act = 'x' WHERE seq = 7")
    assert found(app) == (7, "hash")


@pytest.mark.parametrize(
    ("said", "bad"),
    [
        ("UPDATE acts SET act = 'desks.drop' WHERE seq = 3", (3, "hash")),
        ("UPDATE acts SET actor_id = 9 WHERE seq = 1", (1, "hash")),
        ("UPDATE acts SET at = '2001-01-01T00:00:00.000000Z' WHERE seq = 2", (2, "hash")),
        ("UPDATE acts SET changes_sealed = '' WHERE seq = 4", (4, "hash")),
        ("UPDATE acts SET shows = true WHERE seq = 4", (4, "hash")),
        ("UPDATE acts SET case_id = 1 WHERE seq = 4", (4, "hash")),
        ("UPDATE acts SET hash = prev_hash WHERE seq = 5", (5, "hash")),
        ("UPDATE acts SET prev_hash = 'x' WHERE seq = 5", (5, "prev_hash")),
        ("DELETE FROM acts WHERE seq = 1", (2, "gap")),
        ("DELETE FROM acts WHERE seq BETWEEN 4 AND 5", (6, "gap")),
        ("DELETE FROM acts WHERE seq = 8", (7, "head")),
        ("DELETE FROM acts", (0, "head")),
        ("DELETE FROM chain_head", (8, "head")),
        ("UPDATE chain_head SET hash = 'x'", (8, "head")),
        ("INSERT INTO act_parts (seq, case_id, changes_sealed) VALUES (3, 1, 'x')", (3, "hash")),
        ("INSERT INTO act_parts (seq, case_id, changes_sealed) VALUES (99, 1, 'x')", (8, "head")),
    ],
)
def test_what_was_changed_is_named(app: Flask, acts: int, said: str, bad: tuple[int, str]) -> None:
    tamper(said)
    assert found(app) == bad


def test_two_acts_that_were_swapped_are_named(app: Flask, acts: int) -> None:
    tamper(
        "UPDATE acts SET seq = 100 WHERE seq = 3",
        "UPDATE acts SET seq = 3 WHERE seq = 6",
        "UPDATE acts SET seq = 6 WHERE seq = 100",
    )
    assert found(app) == (3, "prev_hash")


def test_an_act_that_stands_there_twice_is_named(app: Flask, acts: int) -> None:
    # The key of the table forbids it: whoever owns the database takes that away, too.
    tamper("CREATE TABLE copied AS SELECT * FROM acts", "INSERT INTO copied SELECT * FROM acts WHERE seq = 4")
    with db.engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
        if connection.dialect.name == "sqlite":
            for table in ("acts_no_update", "acts_no_delete"):
                connection.execute(text(f"DROP TRIGGER {table}"))
        connection.execute(text("DROP TABLE acts"))
        connection.execute(text("ALTER TABLE copied RENAME TO acts"))
    assert found(app) == (4, "duplicate")


@pytest.mark.one_engine
def test_what_is_no_instant_is_an_answer_and_no_fault(app: Flask, acts: int) -> None:
    tamper("UPDATE acts SET at = 'yesterday' WHERE seq = 2")
    assert found(app) == (2, "hash")


def test_a_tail_that_was_taken_away_with_its_head_is_told_by_an_anchor(app: Flask, acts: int) -> None:
    before = anchored(app)
    tamper(
        "DELETE FROM acts WHERE seq > 6",
        "UPDATE chain_head SET seq = 6, hash = (SELECT hash FROM acts WHERE seq = 6)",
    )
    assert found(app) == (None, None), "nothing in the database tells it"
    assert found(app, before) == (6, "truncated")


def test_a_tail_that_was_written_anew_with_hashes_of_no_key_is_named(app: Flask, acts: int) -> None:
    """Whoever has the database and not the keyring can make everything fit but the hashes."""
    db.session.rollback()
    said, last = [], db.session.scalars(select(Act.hash).where(Act.seq == 4)).one()
    for act in db.session.scalars(select(Act).where(Act.seq > 4).order_by(Act.seq)).all():
        made = hashlib.sha256(f"{act.seq} {last} forged".encode()).hexdigest()
        said.append(f"UPDATE acts SET act = 'forged', prev_hash = '{last}', hash = '{made}' WHERE seq = {act.seq}")
        last = made
    tamper(*said, f"UPDATE chain_head SET hash = '{last}'")
    assert found(app) == (5, "hash")


def test_a_chain_that_was_written_anew_with_the_key_is_told_by_an_anchor(app: Flask, acts: int) -> None:
    before, sealer = anchored(app), app.extensions["sealer"]
    said, last = [], db.session.scalars(select(Act.prev_hash).where(Act.seq == 7)).one()
    for act in db.session.scalars(select(Act).where(Act.seq >= 7).order_by(Act.seq)).all():
        db.session.expunge(act)
        act.act, act.prev_hash = "forged", last
        made = verifying.act_hash(act, sealer)
        said.append(f"UPDATE acts SET act = 'forged', prev_hash = '{last}', hash = '{made}' WHERE seq = {act.seq}")
        last = made
    tamper(*said, f"UPDATE chain_head SET hash = '{last}'")
    assert found(app) == (None, None), "nothing in the database tells it"
    assert found(app, before) == (8, "anchor")


def test_an_act_in_several_cases_is_sealed_for_each_and_covered_by_one_hash(app: Flask, lived: Lived) -> None:
    first, second = lived.case("Amira"), lived.case("Walid")
    lived.hearing(first, second)
    db.session.rollback()
    act = db.session.scalars(select(Act).order_by(Act.seq.desc())).first()
    assert act is not None
    assert act.case_id is None
    parts = db.session.scalars(select(ActPart).where(ActPart.seq == act.seq).order_by(ActPart.case_id)).all()
    assert [part.case_id for part in parts] == [first.id, second.id]
    sealer = app.extensions["sealer"]
    opened = [
        json.loads(
            sealer.unseal_for(
                db.session(), f"case:{p.case_id}", p.changes_sealed, f"act_parts|{p.seq}|{p.case_id}|changes"
            )
        )
        for p in parts
    ]
    for told, other in ((opened[0], second), (opened[1], first)):
        assert {change["table"] for change in told} >= {"hearings", "entries", "appearances"}
        assert other.id not in {f[1] for c in told for name, f in c["fields"].items() if name == "case_id"}
    assert json.loads(sealer.unseal_for(db.session(), "house", act.changes_sealed, f"acts|{act.seq}|changes")) == []
    assert walk(app).fault is None
    tamper(f"DELETE FROM act_parts WHERE case_id = {second.id}")
    assert found(app) == (act.seq, "hash")


def test_nothing_of_a_person_is_sealed_for_the_house(app: Flask, lived: Lived) -> None:
    """What is sealed with the key of the house would outlive the key of the case."""
    for name in ("Farid", "Ghada", "Hani", "Iman", "Jamal"):
        make_account(f"{name.lower()}@example.org", desk="iopt", name=name)
    case, other = lived.case("Amira Canary"), lived.case("Walid")
    lived.hearing(case, other, court="Canary Court", note="canary")
    lived.tell(case, "case.news", text="canary", sourced=True)
    sealer = app.extensions["sealer"]
    db.session.rollback()
    opened = [
        sealer.unseal_for(db.session(), "house", act.changes_sealed, f"acts|{act.seq}|changes").decode()
        for act in db.session.scalars(select(Act).where(Act.case_id.is_(None)))
    ]
    assert len(opened) > 5
    assert "canary" not in "".join(opened).lower()


@pytest.mark.parametrize("table", ["acts", "act_parts"])
@pytest.mark.parametrize("verb", ["UPDATE {} SET seq = seq", "DELETE FROM {}", "TRUNCATE {}"])
def test_the_tables_of_the_chain_are_only_added_to(app: Flask, lived: Lived, table: str, verb: str) -> None:
    lived.hearing(lived.case("Amira"), lived.case("Walid"))
    db.session.rollback()
    if verb.startswith("TRUNCATE") and db.engine.dialect.name == "sqlite":
        verb = "DELETE FROM {}"  # it has no other word for it
    with pytest.raises(Exception, match="append-only"):
        db.session.execute(text(verb.format(table)))
    db.session.rollback()


def test_sixteen_writers_at_once_make_one_chain(app: Flask) -> None:
    faults: list[BaseException] = []

    def write(number: int) -> None:
        try:
            for again in range(4):
                with app.app_context():
                    make_desk(f"d{number}x{again}", f"Desk {number} {again}")
                    db.session.remove()
        except BaseException as fault:
            faults.append(fault)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(16)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert faults == []
    verdict = walk(app)
    assert (verdict.count, verdict.fault) == (64, None)


def test_a_walk_beside_writers_finds_nothing(app: Flask, acts: int) -> None:
    """Head and links are of one moment, whatever is written while it walks."""
    ended, faults = threading.Event(), []

    def write() -> None:
        number = 0
        while not ended.is_set():
            with app.app_context():
                make_desk(f"w{number}", f"While {number}")
                db.session.remove()
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _again in range(25):
            faults.append(found(app))
    finally:
        ended.set()
        writer.join()
    assert set(faults) == {(None, None)}


DIES = """
import os, signal, sys
from tracker.app import build
from tracker.audit import service
from tracker.base.db import db
from tracker.base.work import COMMAND, unit_of_work, writes_audit
from tracker.accounts.service import add_desk

def dies(session, work):
    if sys.argv[1] == "after":
        service.write_act(session, work)
    os.kill(os.getpid(), signal.SIGKILL)

with build().app_context():
    writes_audit(dies)
    with unit_of_work("desks.add", COMMAND) as now:
        add_desk(db.session(), "gone", "Gone", ["IL"], "UTC", now=now)
"""


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_process_that_ends_before_it_commits_leaves_neither_act_nor_record(
    app: Flask, acts: int, tracker_env: dict[str, str], when: str
) -> None:
    ended = subprocess.run([sys.executable, "-c", DIES, when], env=tracker_env, cwd=Path.cwd(), check=False)
    assert ended.returncode == -signal.SIGKILL
    assert walk(app).count == acts
    make_desk("gone", "Free again")
    assert walk(app).count == acts + 1


def test_memory_does_not_grow_with_the_chain(app: Flask, acts: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """No statement asks for the whole of it at once."""
    monkeypatch.setattr(verifying, "BATCH", 2)
    asked: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda _c, _u, said, *_m: asked.append(said))
    assert walk(app).count == acts
    parts = [said for said in asked if "FROM act_parts" in said and "min(" not in said]
    assert len(parts) == acts / 2


@pytest.mark.only_postgres
def test_the_tracker_runs_with_the_rights_the_docs_leave_it(app: Flask, lived: Lived) -> None:
    """As docs/audit.md says: a role that owns nothing, and may not change what was done."""
    docs = (ROOT / "docs" / "audit.md").read_text()
    role = f"app_{os.getpid()}_{clock.monotonic():.0f}"
    rights = docs.split("```sql", 1)[1].split("```", 1)[0].replace("tracker_app", role)
    with db.engine.begin() as owner:
        owner.execute(text(f"CREATE ROLE {role}"))
        for right in filter(None, (r.strip() for r in rights.split(";"))):
            owner.execute(text(right))

    def become(connection: Any, *_more: Any) -> None:
        connection.execute(f"SET ROLE {role}")
        connection.commit()

    db.session.rollback()
    db.engine.dispose()
    event.listen(db.engine, "connect", become)
    try:
        lived.hearing(lived.case("Amira"), lived.case("Walid"))
        assert walk(app).fault is None
        for forbidden in (
            "UPDATE acts SET act = 'x'",
            "DELETE FROM act_parts",
            "TRUNCATE acts",
            "DELETE FROM chain_head",
        ):
            with pytest.raises(ProgrammingError, match="permission denied"):
                db.session.execute(text(forbidden))
            db.session.rollback()
        with pytest.raises(ProgrammingError, match="must be owner"):
            db.session.execute(text("ALTER TABLE acts DISABLE TRIGGER USER"))
        db.session.rollback()
    finally:
        event.remove(db.engine, "connect", become)
        db.session.remove()
        db.engine.dispose()
        with db.engine.begin() as owner:
            owner.execute(text(f"DROP OWNED BY {role}"))
            owner.execute(text(f"DROP ROLE {role}"))


# Anchors --------------------------------------------------------------------------------------------------------------


def test_anchors_fit_while_the_chain_grows(app: Flask, acts: int, tmp_path: Path) -> None:
    path = tmp_path / "anchors"
    for number in range(3):
        keep_anchor(anchored(app), path)
        make_desk(f"more{number}", "More")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    kept = read_anchors(path, db.session(), app.extensions["sealer"])
    assert [anchor.seq for anchor in kept] == [8, 9, 10]
    assert walk(app, *kept).says == "The chain is whole and fits 3 anchors: 11 acts."


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda held: held | {"seq": 4}, "another keyring"),
        (lambda held: held | {"mac": "0" * 64}, "another keyring"),
        (lambda held: {"seq": 4}, "is no anchor"),
        (lambda held: held | {"seq": "8"}, "is no anchor"),
        (lambda held: held | {"at": "now"}, "is no anchor"),
        (lambda held: [held], "is no anchor"),
    ],
)
@pytest.mark.one_engine
def test_an_anchor_that_was_not_made_here_is_refused(
    app: Flask, acts: int, tmp_path: Path, change: Callable[[Any], Any], says: str
) -> None:
    path = tmp_path / "anchors"
    path.write_text(json.dumps(change(json.loads(anchored(app).line))))
    with pytest.raises(Refused, match=says):
        read_anchors(path, db.session(), app.extensions["sealer"])


def test_an_anchor_of_another_database_is_refused(app: Flask, acts: int, tmp_path: Path) -> None:
    """The same keyring, and another house."""
    path = tmp_path / "anchors"
    keep_anchor(anchored(app), path)
    db.session.rollback()
    with db.engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
        connection.execute(text("DELETE FROM data_keys"))
    with pytest.raises(Refused, match="of another database"):
        read_anchors(path, db.session(), app.extensions["sealer"])


@pytest.mark.one_engine
def test_no_anchor_is_made_of_a_chain_that_does_not_fit(app: Flask, acts: int) -> None:
    tamper("DELETE FROM acts WHERE seq = 8")
    with pytest.raises(Refused, match="tracker audit verify"):
        anchored(app)


# The commands ---------------------------------------------------------------------------------------------------------


def test_the_commands(run_tracker: RunTracker, app: Flask, acts: int, tmp_path: Path) -> None:
    said = run_tracker("audit", "verify", "--json")
    assert (said.code, said.json["whole"], said.json["count"], said.json["first_bad"]) == (0, True, 8, None)
    printed = run_tracker("audit", "anchor")
    assert printed.json["seq"] == 8
    path = tmp_path / "kept"
    assert run_tracker("audit", "anchor", "--out", str(path)).out == ""
    assert json.loads(path.read_text())["hash"] == said.json["hash"]
    assert "fits 1 anchor: 8 acts" in run_tracker("audit", "verify", "--anchor", str(path)).out
    tamper("UPDATE acts SET act = 'x' WHERE seq = 3")
    broken = run_tracker("audit", "verify", "--json")
    assert (broken.code, broken.json["first_bad"]["seq"], broken.json["first_bad"]["fault"]) == (1, 3, "hash")
    assert broken.json["count"] == 2


@pytest.mark.one_engine
def test_wrong_use_ends_with_two(run_tracker: RunTracker, app: Flask, acts: int, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    for name, says in (("none", "cannot be read"), ("empty", "holds no anchor")):
        wrong = run_tracker("audit", "verify", "--anchor", str(tmp_path / name))
        assert (wrong.code, says in wrong.err) == (2, True)
    assert run_tracker("audit", "anchor", "--out", str(tmp_path / "no" / "such")).code == 2
    assert os.listdir(tmp_path / "instance")
