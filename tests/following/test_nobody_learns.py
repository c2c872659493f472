"""`recipients.address_sealed`: nobody learns who follows, nor whether an address is known; and it goes when its owner
says so."""

import gzip
import json
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from canaries import Canaries
from crawl import ENDS_THE_WALK, every_address
from follow_ground import ADDRESS, DAY_BEFORE, NOW, WEEK_BEFORE, Follow, FollowAsk
from house_of_cases import statements
from sqlalchemy import delete, select, text, update

from tracker.accounts import trying
from tracker.audit.models import Act
from tracker.base.db import Model, db
from tracker.base.rotation import seal_anew, take_into_use
from tracker.base.work import short_transaction
from tracker.following.planning import forget_step
from tracker.following.tokens import leave_word
from tracker.outbox.models import Recipient
from tracker.outbox.queries import list_messages

MINUTE = timedelta(minutes=1)
OTHER = "somebody.else@elsewhere.example"
CANARY = Canaries({"local": "Qzfollower", "address": ADDRESS, "small": ADDRESS.lower()})


def bytes_of(answer: Any) -> tuple[int, list[tuple[str, str]], bytes]:
    """An answer but for what is random in every form."""
    body = re.sub(rb'(name="(?:csrf_token|once)"[^>]*value=")[^"]*', rb"\1", answer.get_data())
    return answer.status_code, sorted(answer.headers), body


def test_the_answer_and_the_work_are_the_same_whoever_has_that_address(followed: Any) -> None:
    case = followed.open_case()
    followed.follow(case)
    browser = followed.lived.app.test_client()
    seen = []
    for address in (OTHER, ADDRESS, ADDRESS.upper(), "owner@example.org"):
        held = followed.form(case, browser)
        with statements() as said:
            answer = followed.ask(case, address, browser=browser, held=held)
        page = followed.open(answer.headers["Location"])
        seen.append((bytes_of(answer), bytes_of(page), [re.sub(r"\s+", " ", each) for each in said.said]))
    assert all(each == seen[0] for each in seen)
    assert len(followed.addresses()) == 3, "two spellings of one mailbox are one"


def test_a_form_that_is_sent_twice_asks_once(followed: Any) -> None:
    case = followed.open_case()
    browser = followed.lived.app.test_client()
    held = followed.form(case, browser)
    answers = [followed.ask(case, browser=browser, held=held) for _ in range(3)]
    assert {(a.status_code, a.headers["Location"]) for a in answers} == {(303, "/follow/en/asked")}
    followed.tick()
    assert followed.kinds() == ["follow.confirm"]
    assert len(followed.rows(FollowAsk)) == 1


def test_a_link_begins_once_and_asking_again_changes_the_days(followed: Any) -> None:
    case = followed.open_case()
    followed.follow(case, days=(7,))
    link = followed.link()
    assert followed.post(link, NOW + MINUTE).status_code == 200
    followed.follow(case, now=NOW + 2 * MINUTE, days=(14, 3))
    (row,) = followed.rows(Follow)
    assert row.days_before == [14, 3]
    assert followed.post(link, NOW + 3 * MINUTE).status_code == 200, "the first link changes nothing any more"
    assert followed.rows(Follow)[0].days_before == [14, 3]
    kept = "".join(str(value) for row in followed.rows(FollowAsk) for value in vars(row).values())
    assert link.rpartition("/")[2] not in kept, "only the hash of the word is kept"


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"sealed-email": "no address"}, "That is not a mail address"),
        ({"sealed-email": "a@example.org, b@example.org"}, "That is not a mail address"),
        ({"sealed-email": ""}, "Write your mail address."),
        ({"days_before": []}, "Choose at least one."),
        ({"days_before": ["5"]}, "not"),
        ({"language": "xx"}, "not"),
    ],
)
def test_what_cannot_be_is_said_at_its_field_and_nothing_is_kept(
    followed: Any, said: dict[str, Any], field: str
) -> None:
    answer = followed.ask(followed.open_case(), **said)
    assert answer.status_code == 422
    assert field in answer.text
    assert (followed.rows(FollowAsk), followed.addresses()) == ([], [])


def test_a_case_that_is_not_public_has_no_form(followed: Any) -> None:
    case, hidden = followed.open_case(), followed.lived.case(title="Another")
    browser = followed.lived.app.test_client()
    held = followed.form(case, browser)
    answers = [browser.get(f"/follow/en/cases/{name}") for name in (hidden.public_id, "none-such")]
    answers += [browser.post(f"/follow/en/cases/{n}", data=held) for n in (hidden.public_id, "none-such")]
    answers += [browser.get(f"/follow/xx/cases/{case.public_id}")]
    assert {answer.status_code for answer in answers} == {404}
    assert len({re.sub(rb"none-such|" + hidden.public_id.encode(), b"", a.get_data()) for a in answers[:2]}) == 1


def test_a_form_without_its_token_is_not_taken(followed: Any) -> None:
    case = followed.open_case()
    answer = followed.lived.app.test_client().post(f"/follow/en/cases/{case.public_id}", data={"sealed-email": ADDRESS})
    assert answer.status_code == 400
    assert CANARY.in_answer(answer) == set()
    assert followed.addresses() == []


def test_the_address_stands_in_the_to_of_its_mails_and_nowhere_else(
    followed: Any, capsys: Any, caplog: Any, tracker_env: dict[str, str]
) -> None:
    case = followed.open_case()
    answer = followed.ask(case)
    assert CANARY.in_answer(answer) == set()
    followed.tick()
    link = followed.link()
    for made in (followed.open(link), followed.post(link), followed.open(link)):
        assert CANARY.in_answer(made) == set()
    followed.tick(WEEK_BEFORE)
    followed.sink.answers.rcpt_of[ADDRESS] = f"451 4.7.1 {ADDRESS} try again"
    followed.tick(DAY_BEFORE)
    followed.sink.answers.rcpt_of.clear()
    mails = followed.sink.to(ADDRESS)
    assert len(mails) == 2
    for mail in mails:
        lines = [line for line in mail.raw.splitlines() if CANARY.in_(line)]
        assert lines == [f"To: {ADDRESS}".encode()]
        assert CANARY.in_(mail.text + mail.html + str(mail.sender)) == set()
    out = followed.link()
    assert CANARY.in_answer(followed.open(out, DAY_BEFORE)) == set()
    app = followed.lived.app
    ids = {
        **dict.fromkeys(_arguments(app), "none-such"),
        "ref": case.ref,
        "code": "iopt",
        "lang": "en",
        "year": "2024",
        "public_id": case.public_id,
        **{name: 1 for name in _arguments(app) if name.endswith("_id") and name != "public_id"},
    }
    for user in (followed.lived.admin, followed.lived.owner):
        browser = followed.lived.browser(user, DAY_BEFORE)
        for rule, _method, address in every_address(app, ids, ["GET"]):
            if rule.endpoint not in ENDS_THE_WALK:
                answer = browser.get(address)
                data = answer.get_data()
                plain = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
                assert CANARY.in_(plain) == set(), address
                assert CANARY.in_(str(answer.headers)) == set(), address
    assert not [row for row in list_messages(db.session()) if row.kind.startswith("follow")]
    followed.post(out, DAY_BEFORE, **{"List-Unsubscribe": "One-Click"})
    db.session.rollback()
    for table in Model.metadata.sorted_tables:
        for row in db.session.execute(text(f"SELECT * FROM {table.name}")):
            assert CANARY.in_(repr(tuple(row))) == set(), table.name
    assert CANARY.in_(capsys.readouterr().err + caplog.text) == set()
    assert link.rpartition("/")[2] not in caplog.text
    for file in Path(tracker_env["TRACKER_INSTANCE"]).rglob("*"):
        if file.is_file():
            assert CANARY.in_(file.read_bytes()) == set(), file.name


def _arguments(app: Any) -> set[str]:
    return {name for rule in app.url_map.iter_rules() for name in rule.arguments} - {"path", "filename"}


def test_what_is_kept_of_it_in_the_audit_is_that_somebody_did_so(followed: Any) -> None:
    case = followed.open_case()
    before = _acts()
    followed.ask(case)
    assert _acts() == before, "what strangers ask for does not make the chain grow"
    followed.tick()
    followed.post(followed.link())
    followed.tick(WEEK_BEFORE)
    out = followed.link()
    followed.post(out.replace("/out/", "/forget/"), WEEK_BEFORE)
    db.session.rollback()
    acts = [act.act for act in db.session.scalars(select(Act).order_by(Act.seq)) if act.act.startswith("following.")]
    assert acts == ["following.confirm", "following.forget"], "a reminder that is planned is its own record"
    page = followed.lived.browser(followed.lived.owner, WEEK_BEFORE).get(f"/cases/{case.ref}/history")
    assert page.status_code == 200
    assert CANARY.in_(page.text) == set()
    assert "without an account" not in page.text
    assert "address forgotten" not in page.text


def _acts() -> int:
    db.session.rollback()
    return len(db.session.scalars(select(Act).where(Act.act.startswith("following."))).all())


def test_whoever_wants_to_be_forgotten_is(followed: Any) -> None:
    """One address follows two cases, and has asked for a third: rows and what waits go, and nothing leaves."""
    case, second, third = (followed.open_case(title=title) for title in ("One", "Two", "Three"))
    for each in (case, second):
        followed.follow(each)
    followed.follow(case, OTHER)
    followed.tick(WEEK_BEFORE)
    followed.ask(third, now=WEEK_BEFORE)
    came = len(followed.sink.to(ADDRESS))
    page = followed.link()
    assert followed.open(page, WEEK_BEFORE).status_code == 200
    forget = page.replace("/out/", "/forget/")
    assert followed.open(forget, WEEK_BEFORE).status_code == 405, "looking deletes nothing"
    assert followed.post(forget, WEEK_BEFORE).status_code == 303
    (kept,) = followed.addresses()
    gone = next(r for r in followed.rows(Recipient) if r.user_id is None and r.id != kept.id)
    assert (gone.address_sealed, gone.address_index, gone.language) == (None, None, None)
    assert {f.recipient_id for f in followed.rows(Follow)} == {kept.id}
    assert gone.id not in {a.recipient_id for a in followed.rows(FollowAsk)}
    states = {m.state for m in followed.messages() if m.recipient_id == gone.id}
    assert states == {"sent", "cancelled"}
    followed.tick(WEEK_BEFORE + MINUTE)
    followed.tick(DAY_BEFORE)
    assert len(followed.sink.to(ADDRESS)) == came
    assert followed.kinds(OTHER)[-1] == "follow.reminder"
    assert followed.post(forget, DAY_BEFORE).status_code == 303, "again it changes nothing"
    followed.follow(case, now=DAY_BEFORE + MINUTE)
    assert len(followed.addresses()) == 2, "whoever comes back is somebody new"


def test_a_mail_that_was_packed_already_does_not_leave_to_who_was_forgotten(followed: Any) -> None:
    case = followed.open_case()
    followed.follow(case)
    followed.sink.stop()
    followed.tick(WEEK_BEFORE)
    followed.sink.start()
    (waiting,) = followed.messages("follow.reminder")
    assert (waiting.state, waiting.envelope_id is not None) == ("waiting", True)
    followed.post(f"/follow/en/forget/{leave_word(waiting.recipient_id, [case.id])}", WEEK_BEFORE + MINUTE)
    followed.tick(WEEK_BEFORE + 10 * MINUTE)
    assert followed.kinds() == ["follow.confirm"]


def test_a_word_that_was_changed_by_a_letter_opens_nothing(followed: Any) -> None:
    case = followed.open_case()
    followed.follow(case)
    followed.tick(WEEK_BEFORE)
    good = followed.link()
    word = good.rpartition("/")[2]
    for bad in (word[:-1] + ("0" if word[-1] != "0" else "1"), "A" + word[1:], word.partition(".")[0], "", "é"):
        for what in ("out", "forget", "confirm"):
            assert followed.post(f"/follow/en/{what}/{bad}", WEEK_BEFORE).status_code == 404, (what, bad)
    assert len(followed.rows(Follow)) == 1


def test_three_mails_go_to_an_address_and_a_network_is_told_to_wait(followed: Any) -> None:
    case = followed.open_case()
    for _ in range(trying.FOLLOWS_OF_ADDRESS + 2):
        answer = followed.ask(case)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/follow/en/asked"), "the same, however often"
    followed.tick()
    assert len(followed.sink.to(ADDRESS)) == trying.FOLLOWS_OF_ADDRESS
    asked = trying.FOLLOWS_OF_ADDRESS + 2
    for number in range(trying.FOLLOWS_OF_NETWORK - asked):
        assert followed.ask(case, f"n{number}@elsewhere.example").status_code == 303
    refused = followed.ask(case, "one.more@elsewhere.example")
    assert refused.status_code == 429
    assert "Wait a quarter of an hour" in refused.text
    late = NOW + trying.TRIES_SPAN
    assert followed.ask(case, "one.more@elsewhere.example", now=late - timedelta(seconds=1)).status_code == 429
    assert followed.ask(case, "one.more@elsewhere.example", now=late).status_code == 303


def test_no_more_than_five_first_mails_go_to_an_address_in_a_day(followed: Any) -> None:
    case = followed.open_case()
    for hour in range(8):
        assert followed.ask(case, now=NOW + timedelta(hours=hour)).status_code == 303
    followed.tick(NOW + timedelta(hours=8))
    assert len(followed.sink.to(ADDRESS)) == 5


@pytest.mark.slow
def test_two_processes_share_one_limit(followed: Any, tracker_env: dict[str, str]) -> None:
    case = followed.open_case()
    child = Path(__file__).resolve().parent.parent / "follow_often.py"
    half = trying.FOLLOWS_OF_NETWORK // 2 + 3
    children = [
        subprocess.Popen(
            [sys.executable, str(child), case.public_id, str(half), str(n)],
            env={**tracker_env, "PYTHONPATH": str(child.parent.parent)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for n in range(2)
    ]
    seen = [status for each in children for status in json.loads(each.communicate(timeout=120)[0])]
    assert (seen.count(303), seen.count(429)) == (trying.FOLLOWS_OF_NETWORK, 2 * half - trying.FOLLOWS_OF_NETWORK)


def test_of_two_who_say_yes_at_once_one_begins(followed: Any) -> None:
    """The second finds the link used, whatever it had read before."""
    case = followed.open_case()
    followed.ask(case)
    followed.tick()
    link = followed.link()
    with short_transaction() as session:
        session.execute(update(FollowAsk).values(used_at=NOW))
    assert followed.post(link).status_code == 200
    assert followed.rows(Follow) == []


def test_an_address_is_sealed_anew_when_keys_rotate_and_is_written_to_as_before(followed: Any) -> None:
    """`recipients.address_sealed`"""
    case = followed.open_case()
    followed.follow(case)
    (before,) = [r.address_sealed for r in followed.addresses()]
    keyring = followed.lived.app.extensions["sealer"].keyring
    take_into_use(keyring)
    assert seal_anew(keyring)[0] >= 1
    (after,) = [r.address_sealed for r in followed.addresses()]
    assert before.split(":")[1] != after.split(":")[1]
    followed.tick(WEEK_BEFORE)
    assert followed.kinds()[-1] == "follow.reminder"


def test_an_address_that_nothing_needs_is_forgotten_within_the_hour(followed: Any) -> None:
    """`following.forget`"""
    case = followed.open_case()
    followed.follow(case)
    assert forget_step(NOW + MINUTE) == {"addresses": 0}
    with short_transaction() as session:
        session.execute(delete(Follow))
    assert forget_step(NOW + MINUTE) == {"addresses": 1}
    assert followed.addresses() == []
