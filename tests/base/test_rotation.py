"""Keys are rotated while everything runs, and a rotation that ended anywhere in the middle goes on."""

import base64
import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, RunTracker
from flask import Flask
from signed_in import give_app, make_account, make_desk, sign_in
from sources import PACKAGE, dotted, python_files, tree
from sqlalchemy import insert, select, text

from tracker.accounts.models import SignIn
from tracker.accounts.service import change_address
from tracker.base import rotation
from tracker.base.db import WRITES, db
from tracker.base.errors import Misconfigured, Refused
from tracker.base.sealing import DataKey, Keyring, Ring, Sealer, key_place
from tracker.base.work import COMMAND, unit_of_work
from tracker.factors.models import CodeApp
from tracker.factors.service import find_secret
from tracker.outbox.models import Message
from tracker.outbox.service import read_former_address


def keys_of(path: Path) -> list[str]:
    """The ids in a keyring, in their order."""
    return [line.partition(":")[0] for line in path.read_text().split()]


@pytest.fixture
def ring(instance: Path) -> Path:
    """The file of this test's keyring."""
    return instance / "keyring"


def sealed_with() -> set[str]:
    """The keys with which anything is sealed."""
    db.session.rollback()
    held = [*db.session.scalars(select(DataKey.wrapped)), *db.session.scalars(select(SignIn.data_sealed))]
    return {value.split(":")[1] for value in held}


def many_keys(app: Flask, count: int) -> None:
    """So many cases with a key of their own."""
    keyring = app.extensions["sealer"].keyring
    rows = [
        {"subject": f"case:{n}", "wrapped": keyring.seal(bytes([n % 256]) * 32, key_place(f"case:{n}"))}
        for n in range(1, count + 1)
    ]
    with db.engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
        connection.execute(insert(DataKey), rows)


def test_what_apps_and_former_addresses_are_sealed_with_is_changed_too(app: Flask, run_tracker: RunTracker) -> None:
    """`code_apps.secret_sealed`, `messages.address_sealed`: both open afterwards, where they stand."""
    make_desk()
    user = make_account()
    secret = give_app(user)
    with unit_of_work("accounts.change_address", COMMAND) as now:
        change_address(db.session(), db.session.merge(user), "another@example.org", now)
    done = run_tracker("keys", "rotate", "--json")
    assert (done.code, done.json["finished"], done.json["unopened"]) == (0, True, 0)
    db.session.rollback()
    db.session.expire_all()
    told = db.session.scalars(select(Message).where(Message.address_sealed.is_not(None))).one()
    kept = db.session.scalars(select(CodeApp)).one()
    for sealed in (told.address_sealed, kept.secret_sealed):
        assert str(sealed).split(":")[1] == done.json["primary"]
    assert read_former_address(app.extensions["sealer"], told) == "amal@example.org"
    assert find_secret(kept) == secret


def test_it_works(app: Flask, run_tracker: RunTracker, ring: Path) -> None:
    make_desk()
    browser = sign_in(app, make_account())
    old, root = keys_of(ring)
    sealer = app.extensions["sealer"]
    sealed, blind = sealer.seal_for(db.session(), "house", b"plain", "a|1|b"), sealer.keyring.blind("x", "y")
    db.session.rollback()

    done = run_tracker("keys", "rotate", "--json")
    assert (done.code, done.json["finished"], done.json["unopened"]) == (0, True, 0)
    fresh = done.json["primary"]
    assert keys_of(ring) == [fresh, old, root]
    assert stat.S_IMODE(ring.stat().st_mode) == 0o600
    assert sealed_with() == {fresh}
    # This process was started with the old keyring.
    assert browser.get("/account").status_code == 200
    assert sealer.unseal_for(db.session(), "house", sealed, "a|1|b") == b"plain"
    assert sealer.keyring.seal(b"x", "a|1|b").split(":")[1] == fresh

    shown = run_tracker("keys", "list", "--json")
    assert [(key["id"], key["state"], sum(key["sealed"].values())) for key in shown.json] == [
        (fresh, "primary", 2),
        (old, "old", 0),
    ]
    assert run_tracker("keys", "rotate", "--retire", old).code == 0
    assert keys_of(ring) == [fresh, root]
    assert browser.get("/account").status_code == 200
    assert sealer.keyring.blind("x", "y") == Keyring.load(ring).blind("x", "y") == blind
    whole = run_tracker("audit", "verify", "--json")
    assert whole.json["whole"]


def test_no_command_shows_a_key(app: Flask, run_tracker: RunTracker, ring: Path) -> None:
    make_desk()
    said = [run_tracker("keys", *words) for words in (("list",), ("list", "--json"), ("rotate",), ("rotate", "--add"))]
    said.append(run_tracker("keys", "list"))
    secrets = [line.partition(":")[2] for line in ring.read_text().split()]
    assert len(secrets) == 4
    assert not [s for s in secrets for done in said if s in done.out + done.err]


@pytest.mark.one_engine
def test_on_several_machines_the_new_key_waits_until_each_has_it(
    app: Flask, run_tracker: RunTracker, ring: Path, tmp_path: Path
) -> None:
    make_desk()
    old = keys_of(ring)[0]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text(ring.read_text())
    there = Keyring.load(elsewhere)
    fresh = run_tracker("keys", "rotate", "--add", "--json").json["added"]
    assert keys_of(ring)[:2] == [old, f"+{fresh}"]
    assert Keyring.load(ring).ring.primary == old
    assert run_tracker("keys", "rotate", "--add").code == 2
    elsewhere.write_text(ring.read_text())
    assert run_tracker("keys", "rotate", "--json").json["primary"] == fresh
    # The other machine, whose process was not started anew and whose file is one step behind, opens what this one made.
    wrapped = db.session.scalars(select(DataKey.wrapped)).one()
    assert wrapped.split(":")[1] == fresh
    assert there.unseal(wrapped, key_place("house"))


@pytest.mark.one_engine
def test_a_ring_of_the_first_days_keeps_its_root_when_its_oldest_key_goes(
    app: Flask, run_tracker: RunTracker, ring: Path
) -> None:
    key = base64.b64encode(b"k" * 32).decode()
    ring.write_text(f"first:{key}\n")
    before = Keyring.load(ring).blind("x", "y")
    make_desk()
    assert run_tracker("keys", "rotate").code == 0
    assert run_tracker("keys", "rotate", "--retire", "first").code == 0
    assert keys_of(ring)[1:] == ["root"]
    assert Keyring.load(ring).blind("x", "y") == before
    assert run_tracker("audit", "verify").code == 0


@pytest.mark.one_engine
def test_what_is_needed_is_not_retired(app: Flask, run_tracker: RunTracker, ring: Path) -> None:
    make_desk()
    old = keys_of(ring)[0]
    for asked, says in ((old, "the key that seals"), ("nothing", "holds no key"), ("root", "holds no key")):
        refused = run_tracker("keys", "rotate", "--retire", asked)
        assert (refused.code, says in refused.err) == (2, True)
    rotation.take_into_use(app.extensions["sealer"].keyring)
    refused = run_tracker("keys", "rotate", "--retire", old)
    assert (refused.code, "1 rows are sealed with" in refused.err) == (2, True)
    assert keys_of(ring)[1] == old


def test_no_key_is_made_under_one_that_was_retired(app: Flask, run_tracker: RunTracker, ring: Path) -> None:
    """A process elsewhere, whose copy of the keyring nobody has changed, is told instead of losing a key."""
    make_desk()
    stale = Sealer(Keyring.of_text(ring.read_text()))
    old = keys_of(ring)[0]
    assert run_tracker("keys", "rotate").code == 0
    assert run_tracker("keys", "rotate", "--retire", old).code == 0
    with pytest.raises(Misconfigured, match="retired"), unit_of_work("tests", COMMAND):
        stale.seal_for(db.session(), "case:1", b"x", "a|1|b")
    db.session.rollback()
    assert db.session.scalar(select(DataKey.id).where(DataKey.subject == "case:1")) is None


def test_what_somebody_changed_meanwhile_is_not_written_over(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    many_keys(app, 3)
    keyring = app.extensions["sealer"].keyring
    rotation.take_into_use(keyring)
    whole, changed = rotation._batches, []

    def beside(sealed: Any, ring: Keyring) -> Any:
        for rows in whole(sealed, ring):
            if not changed:
                changed.append(ring.seal(b"n" * 32, key_place("case:2")))
                with db.engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
                    connection.execute(
                        text("UPDATE data_keys SET wrapped = :new WHERE subject = 'case:2'"), {"new": changed[0]}
                    )
            yield rows

    monkeypatch.setattr(rotation, "_batches", beside)
    assert rotation.seal_anew(keyring) == (2, 0)
    db.session.rollback()
    assert db.session.scalar(select(DataKey.wrapped).where(DataKey.subject == "case:2")) == changed[0]


def test_what_does_not_open_is_left_and_told(app: Flask, run_tracker: RunTracker, ring: Path) -> None:
    many_keys(app, 2)
    with db.engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
        connection.execute(text("UPDATE data_keys SET subject = 'case:9' WHERE subject = 'case:1'"))
    done = run_tracker("keys", "rotate", "--json")
    assert (done.json["sealed_anew"], done.json["unopened"], done.json["finished"]) == (1, 1, False)
    assert "1 rows do not open" in done.err


DIES = """
import os, signal, sys
from tracker.base import rotation
from tracker.cli import main

when, one_pass, batch = sys.argv.pop(1), rotation._one_pass, rotation._batches

def die(*_given, **_more):
    os.kill(os.getpid(), signal.SIGKILL)

def after_some(sealed, keyring):
    for number, rows in enumerate(batch(sealed, keyring)):
        if number == 2:
            die()
        yield rows

rotation.BATCH = 10
if when == "before the file":
    os.replace = die
elif when == "after the file":
    rotation.seal_anew = die
else:
    rotation._batches = after_some
main()
"""


@pytest.mark.parametrize("when", ["before the file", "after the file", "in the middle"])
def test_a_rotation_that_was_ended_anywhere_goes_on(
    app: Flask, run_tracker: RunTracker, tracker_env: dict[str, str], ring: Path, when: str
) -> None:
    many_keys(app, 45)
    old = keys_of(ring)[0]
    ended = subprocess.run([sys.executable, "-c", DIES, when, "keys", "rotate"], env=tracker_env, cwd=ROOT, check=False)
    assert ended.returncode == -signal.SIGKILL
    begun = keys_of(ring)
    assert len(begun) == (2 if when == "before the file" else 3)
    sealer = app.extensions["sealer"]
    assert sealer.find_key(db.session(), "case:7") == bytes([7]) * 32, "everything opens at every moment"
    db.session.rollback()
    assert run_tracker("keys", "rotate", "--json").json["finished"]
    assert len(keys_of(ring)) == 3, "the one that was begun, and no other"
    assert when == "before the file" or keys_of(ring) == begun
    assert old not in sealed_with()
    found = {n: sealer.find_key(db.session(), f"case:{n}") for n in range(1, 46)}
    assert found == {n: bytes([n]) * 32 for n in range(1, 46)}


@pytest.mark.one_engine
def test_a_ring_in_the_environment_says_what_to_set(
    app: Flask, run_tracker: RunTracker, ring: Path, tracker_env: dict[str, str]
) -> None:
    make_desk()
    held = ring.read_text().split()
    ring.unlink()

    def run(*words: str) -> Any:
        return run_tracker("keys", *words, env={"TRACKER_KEYRING_KEYS": " ".join(held)})

    asked = run("rotate", "--json")
    line = asked.json["set"]
    assert (asked.code, line[0], "TRACKER_KEYRING_KEYS" in asked.err) == (0, "+", True)
    assert not ring.exists()
    held.insert(1, line)
    waits = run("rotate")
    assert (waits.code, "first in TRACKER_KEYRING_KEYS" in waits.err) == (2, True)
    held[:] = [line[1:], held[0], *held[2:]]
    done = run("rotate", "--json")
    assert (done.code, done.json["primary"], done.json["finished"]) == (0, line[1:].partition(":")[0], True)
    assert [key["state"] for key in run("list", "--json").json] == ["primary", "old"]
    refused = run_tracker("keys", "list", env={"TRACKER_KEYRING_KEYS": held[0], "TRACKER_KEYRING": str(ring)})
    assert (refused.code, "TRACKER_KEYRING" in refused.err) == (2, True)


@pytest.mark.one_engine
def test_a_file_that_may_not_be_written_is_said(app: Flask, ring: Path, tmp_path: Path) -> None:
    held = Keyring.of_text(ring.read_text())
    with pytest.raises(Refused, match="TRACKER_KEYRING_KEYS"):
        rotation.take_into_use(held)


@pytest.mark.parametrize(
    "lines", [["+a:{k}"], ["root:{k}"], ["a:{k}", "a:{k}"], ["a:{k}", "+a:{k}"], ["a:c2hvcnQ="], [":{k}"]]
)
def test_lines_that_make_no_ring_are_refused(lines: list[str]) -> None:
    key = base64.b64encode(b"k" * 32).decode()
    with pytest.raises(Misconfigured, match="TRACKER_KEYRING"):
        Ring.read("\n".join(lines).format(k=key))


@pytest.mark.one_engine
def test_what_is_sealed_with_the_ring_itself_is_announced(app: Flask) -> None:
    """What is not would be lost when its key is retired."""
    assert set(rotation.sealed_columns.codes()) >= {"data_keys.wrapped", "sign_ins.data_sealed"}
    found = [
        path.relative_to(PACKAGE).as_posix()
        for path in python_files()
        if path.name not in ("sealing.py", "rotation.py")
        and any(dotted(getattr(node, "func", node)).endswith("keyring.seal") for node in _calls(path))
        and "sealed_columns.add" not in path.read_text()
    ]
    assert not found, f"announce the column in sealed_columns: {found}"


def _calls(path: Path) -> list[Any]:
    import ast

    return [node for node in ast.walk(tree(path)) if isinstance(node, ast.Call)]


def test_each_rotation_stands_in_the_audit(app: Flask, run_tracker: RunTracker) -> None:
    make_desk()
    run_tracker("keys", "rotate", "--add")
    run_tracker("keys", "rotate")
    db.session.rollback()
    acts = db.session.execute(text("SELECT act, subject FROM acts ORDER BY seq")).all()
    assert [act for act, _subject in acts] == ["desks.add", "keys.add", "keys.rotate"]
    assert json.dumps([subject for _act, subject in acts[1:]]).count("key:") == 2
    assert os.environ.get("TRACKER_KEYRING_KEYS") is None
