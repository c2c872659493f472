"""One account speaks so often and no oftener: what asks a thousand times is a script."""

import http.client
import re
import secrets
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from actions_ground import action, minister, open_case
from house_of_cases import NOW, Lived
from signed_in import sign_in
from sqlalchemy import func, select

from tracker.accounts.models import User
from tracker.actions.models import UrgentAction
from tracker.base.db import db
from tracker.base.errors import NeedsConfirmation, Refused
from tracker.base.once import TOKEN_LENGTH, new_token
from tracker.steps.models import CHANNELS, Step
from tracker.steps.rules import PER_ACTION_A_DAY, PER_DAY
from tracker.steps.service import record_step, undo_step

LATER = NOW + timedelta(hours=1)


@pytest.fixture
def say(lived: Lived) -> Callable[..., Step]:
    """Somebody says that they wrote, and means it."""

    def run(written: UrgentAction, now: datetime = LATER, by: User | None = None, **fields: Any) -> Step:
        with lived.at(now) as session:
            return record_step(
                session,
                session.get_one(UrgentAction, written.id),
                user=session.get_one(User, (by or lived.volunteer).id),
                **{"channel": "email", "again_is_meant": True} | fields,
            )

    return run


def count_steps() -> int:
    """How many words stand in the log."""
    db.session.rollback()
    return db.session.scalar(select(func.count(Step.id))) or 0


def test_the_same_word_twice_asks_and_another_word_does_not(lived: Lived, say: Callable[..., Step]) -> None:
    written = action(lived, open_case(lived))
    say(written, again_is_meant=False)
    with pytest.raises(NeedsConfirmation):
        say(written, again_is_meant=False)
    say(written, again_is_meant=False, channel="letter")
    say(written, again_is_meant=False, by=lived.colleague)
    say(written)
    assert count_steps() == 4


def test_what_was_taken_back_is_no_word_any_more_but_counts_as_having_spoken(
    lived: Lived, say: Callable[..., Step]
) -> None:
    written = action(lived, open_case(lived))
    for _ in range(PER_ACTION_A_DAY):
        step = say(written, again_is_meant=False)
        with lived.at(LATER) as session:
            undo_step(session, session.get_one(User, lived.volunteer.id), written, step.public_id)
    with pytest.raises(Refused, match="several times today"):
        say(written)


def test_six_words_an_action_and_day_and_again_after_a_day(lived: Lived, say: Callable[..., Step]) -> None:
    case = open_case(lived)
    written, other = action(lived, case), action(lived, case, ua_number="UA 53/24")
    for _ in range(PER_ACTION_A_DAY):
        say(written)
    with pytest.raises(Refused, match="several times today"):
        say(written)
    say(other)
    say(written, by=lived.colleague)
    with pytest.raises(Refused):
        say(written, LATER + timedelta(days=1, seconds=-1))
    say(written, LATER + timedelta(days=1))


def test_forty_words_a_day_over_all_actions(lived: Lived, say: Callable[..., Step]) -> None:
    case, target = open_case(lived), minister(lived)
    actions = [action(lived, case, target, ua_number=f"UA {number}/24") for number in range(1, 9)]
    for number in range(PER_DAY):
        say(actions[number % len(actions)])
    assert PER_DAY / len(actions) < PER_ACTION_A_DAY
    with pytest.raises(Refused, match="several times today"):
        say(actions[0])
    assert count_steps() == PER_DAY


def test_staff_who_write_down_what_they_were_told_are_no_script(lived: Lived, say: Callable[..., Step]) -> None:
    written = action(lived, open_case(lived))
    for _ in range(PER_ACTION_A_DAY + 1):
        say(written, source="staff", by=lived.owner)
    assert count_steps() == PER_ACTION_A_DAY + 1


@pytest.mark.one_engine
def test_a_form_counts_once_and_none_without_its_token(lived: Lived) -> None:
    written = action(lived, open_case(lived))
    volunteer = lived.browser(lived.volunteer, LATER)
    address = f"/actions/{written.public_id}"
    form = volunteer.filled(address)
    for _ in range(3):
        assert volunteer.send(f"{address}/did-it", form).headers["Location"] == f"{address}/thanks"
    assert count_steps() == 1
    without = {name: value for name, value in form.items() if name != "csrf_token"} | {"once": new_token()}
    assert volunteer.send(f"{address}/did-it", without).status_code == 400
    assert volunteer.send(f"{address}/did-it", without | {"csrf_token": "made-up"}).status_code == 400
    assert count_steps() == 1


# A script -------------------------------------------------------------------------------------------------------------

#: How often it posts, and how many of its posts are on the way at once.
TIMES, AT_ONCE = 1000, 4


def posted(url: str, address: str, cookie: str, token: str, times: int) -> Counter[int]:
    """What a script gets for posting so often, each time as if it were another form."""
    line = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    found: Counter[int] = Counter()
    head = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
    for number in range(times):
        said = {
            "csrf_token": token,
            "once": secrets.token_urlsafe(16)[:TOKEN_LENGTH],
            "channel": CHANNELS[number % len(CHANNELS)],
            "count": "20",
            "done_on": NOW.date().isoformat(),
            "confirm": "y",
        }
        line.request("POST", f"{address}/did-it", urlencode(said), head)
        answer = line.getresponse()
        answer.read()
        found[answer.status] += 1
    line.close()
    return found


@pytest.mark.slow
def test_a_counter_posted_a_thousand_times_by_a_script_counts_six_times(lived: Lived, live_server: Any) -> None:
    written = action(lived, open_case(lived))
    live_server.at = LATER
    browser = sign_in(lived.app, lived.volunteer, LATER)
    kept = browser.get_cookie(lived.app.session_interface.cookie)
    assert kept
    address, cookie = f"/actions/{written.public_id}", f"{kept.key}={kept.value}"
    line = http.client.HTTPConnection(urlsplit(live_server.url).netloc, timeout=60)
    line.request("GET", address, headers={"Cookie": cookie})
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', line.getresponse().read().decode())
    line.close()
    assert token
    # On PostgreSQL, where more can happen at once, a fifth of it shows the same.
    times = TIMES if db.engine.dialect.name == "sqlite" else TIMES // 5
    seen: list[Counter[int]] = []
    threads = [
        threading.Thread(
            target=lambda: seen.append(posted(live_server.url, address, cookie, token[1], times // AT_ONCE))
        )
        for _ in range(AT_ONCE)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(seen, Counter()) == {303: PER_ACTION_A_DAY, 422: times - PER_ACTION_A_DAY}
    assert count_steps() == PER_ACTION_A_DAY


CHILD = Path(__file__).resolve().parent.parent / "say_often.py"


def test_two_workers_at_once_do_not_pass_the_limit(
    lived: Lived, say: Callable[..., Step], tracker_env: dict[str, str]
) -> None:
    """The last word that is left is said to two processes at once: the second counts before the first has committed."""
    written = action(lived, open_case(lived))
    for _ in range(PER_ACTION_A_DAY - 1):
        say(written)
    children = [
        subprocess.Popen(
            [sys.executable, str(CHILD), str(written.id), str(lived.volunteer.id), LATER.isoformat()],
            env={**tracker_env, "PYTHONPATH": str(CHILD.parent.parent)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    first, second = children

    def heard(child: subprocess.Popen[str]) -> str:
        assert child.stdout
        return child.stdout.readline().strip()

    def tell(child: subprocess.Popen[str]) -> None:
        assert child.stdin
        child.stdin.write("go on\n")
        child.stdin.flush()

    assert [heard(child) for child in children] == ["ready", "ready"]
    tell(first)
    assert heard(first) == "taken"
    tell(second)
    tell(second)
    # Time enough to count five: it must be waiting for the first.
    time.sleep(2)
    tell(first)
    assert heard(second) == "refused"
    for child in children:
        child.communicate(timeout=60)
    assert [child.returncode for child in children] == [0, 0]
    assert count_steps() == PER_ACTION_A_DAY
