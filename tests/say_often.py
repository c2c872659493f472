"""A worker of its own that takes down what one account says, for tests: an action, an account, an instant. It says
`ready`, waits for a line, says whether the word was `taken` or `refused`, and commits after another line."""

import sys
from datetime import datetime

from tracker import create_app
from tracker.accounts.models import User
from tracker.actions.models import UrgentAction
from tracker.base.db import db
from tracker.base.errors import Refused
from tracker.base.work import COMMAND, unit_of_work
from tracker.steps.service import record_step


def main(action_id: int, user_id: int, now: datetime) -> None:
    """Say it, and what came of it."""
    with create_app().app_context():
        db.session.get(User, user_id)
        db.session.rollback()
        print("ready", flush=True)
        sys.stdin.readline()
        try:
            with unit_of_work("tests", COMMAND, now=now):
                session = db.session()
                record_step(
                    session,
                    session.get_one(UrgentAction, action_id),
                    channel="email",
                    user=session.get_one(User, user_id),
                    again_is_meant=True,
                )
                print("taken", flush=True)
                sys.stdin.readline()
        except Refused:
            print("refused", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), datetime.fromisoformat(sys.argv[3]))
