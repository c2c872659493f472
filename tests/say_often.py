"""A worker of its own that takes down what one account says, for tests: an action, an account, an instant, how often;
waits for a line, and prints how many of its words were taken down."""

import sys
from datetime import datetime

from tracker import create_app
from tracker.accounts.models import User
from tracker.actions.models import UrgentAction
from tracker.base.db import db
from tracker.base.errors import Refused
from tracker.base.work import COMMAND, unit_of_work
from tracker.steps.service import record_step


def main(action_id: int, user_id: int, now: datetime, times: int) -> None:
    """Say it, and count what was taken down."""
    taken = 0
    with create_app().app_context():
        db.session.get(User, user_id)
        print("ready", flush=True)
        sys.stdin.readline()
        for _ in range(times):
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
                taken += 1
            except Refused:
                continue
    print(taken)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), datetime.fromisoformat(sys.argv[3]), int(sys.argv[4]))
