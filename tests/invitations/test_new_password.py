"""`account.reset`: asked for without telling who has an account; used once; it ends every sign-in."""

import re
from datetime import timedelta
from typing import Any

import pytest
from house_of_invitations import CHOSEN, NOW
from signed_in import PASSWORD, make_account, sign_in
from sqlalchemy import event, func, select, text

from tracker.accounts import service as accounts
from tracker.base.concealed import conceal
from tracker.base.db import db
from tracker.base.work import COMMAND, unit_of_work
from tracker.clockwork.kinds import steps
from tracker.invitations import service
from tracker.invitations.models import AccountLink, ResetAsk

STAFF = "staff@example.org"
MOMENT = timedelta(seconds=1)
HOUR = timedelta(hours=1)


def ask(house: Any, email: str = STAFF, now: Any = NOW) -> Any:
    """Somebody asks, and the clock runs."""
    answer = house.send("/password/forgotten", now, email=email)
    house.deliver(now)
    return answer


def test_a_new_password_is_set_once_and_ends_every_sign_in(house: Any) -> None:
    browser = sign_in(house.app, house.staff, NOW)
    assert house.page("/account", browser=browser).status_code == 200
    ask(house)
    (mail,) = house.sink.to(STAFF)
    assert mail.kind == "account.reset"
    path = house.path(STAFF)
    for _ in range(3):
        assert house.page(path).status_code == 200
    assert house.page("/account", browser=browser).status_code == 200, "asking and looking end nothing"
    assert house.send(path, password=CHOSEN).status_code == 303
    assert house.page("/account", browser=browser).status_code == 303
    assert not house.signs_in(STAFF, PASSWORD)
    assert house.signs_in(STAFF, CHOSEN)
    again = house.send(path, password="another-" + CHOSEN)
    assert again.status_code == 410
    assert "was used" in again.text


@pytest.mark.parametrize("off", [-MOMENT, 0 * MOMENT, MOMENT])
def test_it_is_good_just_before_an_hour_and_not_at_it(house: Any, off: timedelta) -> None:
    ask(house)
    answer = house.send(house.path(STAFF), NOW + HOUR + off, password=CHOSEN)
    assert answer.status_code == (303 if off < 0 * MOMENT else 410)


def test_the_answer_and_the_work_are_the_same_whoever_has_an_account(house: Any) -> None:
    house.invite("invited@example.org")
    make_account("closed@example.org")
    with unit_of_work("close", COMMAND, now=NOW):
        accounts.disable(db.session(), house.account("closed@example.org"), NOW)
    said = set()
    for email in (STAFF, "nobody@example.org", "invited@example.org", "closed@example.org"):
        sent: list[str] = []

        def listener(_connection: Any, _cursor: Any, statement: str, *_rest: Any, into: list[str] = sent) -> None:
            into.append(statement)

        event.listen(db.engine, "before_cursor_execute", listener)
        try:
            answer = house.send("/password/forgotten", email=email)
        finally:
            event.remove(db.engine, "before_cursor_execute", listener)
        page = re.sub(r'value="[^"]+"|nonce="[^"]+"', "", answer.text)
        said.add((answer.status_code, page, tuple(sent)))
    assert len(said) == 1
    house.deliver()
    assert [m.recipients for m in house.sink.mails if m.kind == "account.reset"] == [(STAFF,)]


def test_what_was_asked_for_is_kept_sealed_and_not_for_long(house: Any) -> None:
    house.send("/password/forgotten", email="nobody@example.org")
    rows = str(db.session.execute(text("SELECT * FROM reset_asks")).all())
    assert "nobody" not in rows
    assert rows != "[]"
    db.session.rollback()
    acts = db.session.scalar(text("SELECT count(*) FROM acts WHERE act LIKE 'invitations%'"))
    assert acts == 0, "strangers do not make the chain grow"
    steps.get("invitations.answer").run(NOW)
    assert db.session.scalar(select(func.count()).select_from(ResetAsk)) == 0


def test_asking_again_sends_no_second_mail_for_five_minutes(house: Any) -> None:
    for minutes, mails in ((0, 1), (1, 1), (4.99, 1), (5, 2), (6, 2)):
        ask(house, now=NOW + timedelta(minutes=minutes))
        assert len(house.sink.to(STAFF)) == mails, minutes


def test_a_strangers_asking_takes_no_link_away(house: Any) -> None:
    ask(house)
    first = house.path(STAFF)
    ask(house, now=NOW + timedelta(minutes=6))
    second = house.path(STAFF)
    assert first != second
    assert house.send(first, NOW + timedelta(minutes=7), password=CHOSEN).status_code == 303
    assert house.send(second, NOW + timedelta(minutes=7), password=CHOSEN).status_code == 410


def test_who_asks_too_often_waits(house: Any) -> None:
    answers = [house.send("/password/forgotten", email=STAFF).status_code for _ in range(21)]
    assert answers == [200] * 20 + [429]
    assert house.signs_in(STAFF, PASSWORD), "it is not counted as trying to sign in"


def test_an_admin_starts_one_and_sets_no_password(house: Any) -> None:
    before = house.account(STAFF).password
    answer = house.as_user(
        house.admin, f"/accounts/{conceal('account', house.staff.id)}/reset", password="mine-not-theirs"
    )
    assert answer.status_code == 303
    assert house.account(STAFF).password == before
    house.deliver()
    assert "An admin has sent you this link" in house.sink.to(STAFF)[0].text
    assert house.send(house.path(STAFF), password=CHOSEN).status_code == 303


@pytest.mark.parametrize("what", ["disable", "change_role", "leave_desk"])
def test_an_open_link_ends_with_access(house: Any, what: str) -> None:
    ask(house)
    more = {"change_role": ("volunteer",), "leave_desk": ("iopt",)}.get(what, ())
    with unit_of_work("let go", COMMAND, now=NOW):
        getattr(accounts, what)(db.session(), house.account(STAFF), *more, NOW)
    assert house.send(house.path(STAFF), password=CHOSEN).status_code == 410


def test_a_link_of_another_keyring_is_not_sent(house: Any) -> None:
    """The word is made as the mail is written: where it would open nothing, nothing leaves."""
    with unit_of_work("reset", COMMAND, now=NOW):
        link = service.start_reset(db.session(), None, house.account(STAFF), NOW)
        db.session.flush()
        link.nonce = "0" * 64
    assert house.deliver()["sent"] == 0


def test_links_that_are_long_over_are_forgotten(house: Any) -> None:
    ask(house)
    steps.get("invitations.forget").run(NOW + timedelta(days=90))
    assert db.session.scalar(select(func.count()).select_from(AccountLink)) == 1
    steps.get("invitations.forget").run(NOW + timedelta(days=90, hours=2))
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(AccountLink)) == 0
