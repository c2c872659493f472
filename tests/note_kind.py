"""A kind of message for tests: a note about a subject that is true until it is moved. Run as a program, it delivers.

    python tests/note_kind.py [INSTANT]

with the tracker's settings in the environment; prints what `deliver` answers, as JSON.
"""

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import ColumnElement, String, cast, exists, literal, select
from sqlalchemy.orm import Session

from tracker.base.house import HouseFact
from tracker.outbox.kinds import Mail, NoLonger, kinds, message_kind
from tracker.outbox.models import Message

CODES = ("test.note", "test.account")


class Note:
    """True until a fact `moved:<subject>` says otherwise. `tells` may hold `breaks` (cannot be composed), `silent` (has
    nothing to say), `slow` (takes so many seconds to compose), `night` (waits until seven), `shares` (may be one mail
    with others) and `text`."""

    @staticmethod
    def still_true(_now: datetime) -> ColumnElement[bool]:
        moved = literal("moved:").concat(cast(Message.subject_id, String))
        return ~exists(select(HouseFact.key).where(HouseFact.key == moved).correlate(Message))

    @staticmethod
    def render(_session: Session, messages: Sequence[Message], now: datetime) -> Mail:
        for message in messages:
            if message.tells.get("silent"):
                raise NoLonger
            time.sleep(message.tells.get("slow", 0))
            if message.tells.get("breaks"):
                raise ValueError("a name nobody may read in a log")
        said = ", ".join(str(m.tells.get("text", f"note {m.subject_id}")) for m in messages)
        return Mail(
            f"Notes: {said}",
            f"{said}\n.\nat {now:%H:%M}",
            f"<p>{said}</p>",
            {"List-Unsubscribe": "<https://x.example/u>"},
        )

    @staticmethod
    def why_not(_session: Session, message: Message, _now: datetime) -> str:
        return "there is nothing to say" if message.tells.get("silent") else f"subject {message.subject_id} was moved"

    @staticmethod
    def waits_for_morning(message: Message, now: datetime) -> bool:
        return bool(message.tells.get("night")) and now.hour < 7

    @staticmethod
    def may_share(message: Message) -> bool:
        return bool(message.tells.get("shares"))


@contextmanager
def announced() -> Iterator[None]:
    """Announce the kinds for the block."""
    message_kind("test.note", if_unsure="retry_once")(Note)
    message_kind("test.account", if_unsure="wait")(Note)
    try:
        yield
    finally:
        things: dict[str, Any] = kinds._things
        for code in CODES:
            things.pop(code)


def row(number: int, recipient_id: int, due_at: datetime, **more: Any) -> dict[str, Any]:
    """A message to plan: note `number` for a recipient."""
    return {
        "dedupe_key": f"note:{number}:{recipient_id}",
        "kind": "test.note",
        "subject_kind": "note",
        "subject_id": number,
        "subject_rev": 1,
        "recipient_id": recipient_id,
        "cause": "owner",
        "tells": {},
        "due_at": due_at,
        "give_up_at": due_at + timedelta(days=2),
        "created_at": due_at,
        **more,
    }


def bare_house(settings: Any) -> Flask:
    """The outbox alone over the settings' database: what its children and its tests run in."""
    from tracker.accounts import models
    from tracker.base.db import db, engine_options, prepare_engine
    from tracker.base.sealing import Keyring, Sealer

    app = Flask("tracker", instance_path=str(settings.instance))
    app.extensions["settings"] = settings
    app.config["SQLALCHEMY_DATABASE_URI"] = settings.database_url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(settings.database_url)
    db.init_app(app)
    with app.app_context():
        assert models.User.metadata is db.metadata
        prepare_engine(db.engine)
    app.extensions["sealer"] = Sealer(Keyring.load(settings.keyring))
    return app


def main() -> None:
    """Deliver once, as a process of its own."""
    from tracker.app import settings_module
    from tracker.base import clock
    from tracker.outbox.deliver import deliver

    at = datetime.fromisoformat(sys.argv[1]) if len(sys.argv) > 1 else None
    with bare_house(settings_module().load()).app_context(), announced(), clock.fixed_at(at):
        print(json.dumps(dict(deliver(clock.now()))))


if __name__ == "__main__":
    main()
