"""`account.address`: somebody changes their own mail address by a link that goes there; nobody learns who has one."""

import re
from datetime import timedelta
from typing import Any

import pytest
from house_of_invitations import CHOSEN, NOW
from signed_in import PASSWORD, form_token, make_account, sign_in
from sqlalchemy import event, select

from tracker.accounts import service as accounts
from tracker.accounts.trying import ADDRESSES_OF_ACCOUNT, TRIES_SPAN
from tracker.audit.models import Act
from tracker.base import clock
from tracker.base.db import db
from tracker.base.work import COMMAND, unit_of_work
from tracker.invitations.models import AccountLink
from tracker.outbox.bounces import stop_sending
from tracker.outbox.models import Message, Recipient
from tracker.outbox.service import recipient_for

STAFF, OTHER = "staff@example.org", "Basel@elsewhere.example"
MOMENT = timedelta(seconds=1)


def ask(house: Any, email: str = OTHER, now: Any = NOW) -> Any:
    """Basel writes another address, and the clock runs."""
    answer = house.as_user(house.account(STAFF), "/account/address", now, email=email)
    house.deliver(now)
    return answer


def confirm(house: Any, path: str, browser: Any, now: Any = NOW) -> Any:
    """Press the button of the page behind a link."""
    with clock.fixed_at(now):
        return browser.post(path, data={"csrf_token": form_token(browser)})


def test_the_other_address_holds_once_its_owner_says_so(house: Any) -> None:
    here, elsewhere = sign_in(house.app, house.staff, NOW), sign_in(house.app, house.staff, NOW)
    assert house.page("/account/address", browser=here).status_code == 200
    assert ask(house).status_code == 303
    (mail,) = house.sink.to(OTHER)
    assert mail.kind == "account.address"
    path = house.path(OTHER)
    assert path.startswith("/account/address/")
    assert house.account(STAFF) is not None, "nothing has changed yet"
    assert house.sink.to(STAFF) == []
    for _ in range(3):
        assert house.page(path, browser=here).status_code == 200, "looking uses nothing up"
    assert confirm(house, path, here).headers["Location"] == "/account"
    stored = house.account(OTHER.lower())
    assert (stored.id, stored.email) == (house.staff.id, OTHER), "as it was written"
    assert house.page("/account", browser=here).status_code == 200, "who confirmed it goes on, under a new id"
    assert house.page("/account", browser=elsewhere).status_code == 303
    house.deliver()
    (told,) = house.sink.to(STAFF)
    assert told.kind == "account.changed"
    assert "another mail address" in told.text
    assert "elsewhere" not in told.text.lower()
    assert house.signs_in(OTHER, PASSWORD)
    assert not house.signs_in(STAFF, PASSWORD)
    acts = db.session.scalars(select(Act.act).where(Act.actor_id == house.staff.id, Act.act.like("%address%"))).all()
    assert acts == ["invitations.ask_address", "invitations.take_address"]
    again = confirm(house, path, here)
    assert again.status_code == 410
    assert "was used" in again.text


@pytest.mark.parametrize("off", [-MOMENT, 0 * MOMENT, MOMENT])
def test_it_is_good_just_before_72_hours_and_not_at_them(house: Any, off: timedelta) -> None:
    ask(house)
    late = NOW + timedelta(hours=72) + off
    answer = confirm(house, house.path(OTHER), sign_in(house.app, house.staff, late), late)
    assert answer.status_code == (303 if off < 0 * MOMENT else 410)


def test_only_the_hash_of_the_word_is_kept_and_the_address_sealed_in_its_mail(house: Any) -> None:
    ask(house)
    word = house.path(OTHER).rpartition("/")[2]
    link = db.session.scalars(select(AccountLink)).one()
    message = db.session.scalars(select(Message)).one()
    kept = [str(value) for row in (link, message) for value in vars(row).values()]
    assert not any(word in value for value in kept)
    assert OTHER not in "".join(kept)
    assert link.email_key == OTHER.lower()


def test_a_link_that_went_astray_gives_nobody_an_account(house: Any) -> None:
    """Who reads the other mailbox has to be signed in as whose account it is."""
    ask(house)
    path = house.path(OTHER)
    assert house.page(path).headers["Location"].startswith("/sign-in")
    for user in (house.coordinator, house.admin):
        browser = sign_in(house.app, user, NOW)
        missing = house.page("/account/address/none-such", browser=browser)
        found = house.page(path, browser=browser)
        assert (found.status_code, missing.status_code) == (404, 404)
        assert confirm(house, path, browser).status_code == 404
    assert house.account(STAFF) is not None


def test_the_answer_and_the_work_are_the_same_whoever_has_that_address(house: Any) -> None:
    house.invite("invited@example.org")
    house.deliver()
    said = set()
    for number, email in enumerate(("nobody@example.org", "admin@example.org", "invited@example.org")):
        sent: list[str] = []

        def listener(_connection: Any, _cursor: Any, statement: str, *_rest: Any, into: list[str] = sent) -> None:
            into.append(statement)

        browser = sign_in(house.app, house.account(STAFF), NOW)
        with clock.fixed_at(NOW):
            token = form_token(browser)
            event.listen(db.engine, "before_cursor_execute", listener)
            try:
                answer = browser.post("/account/address", data={"csrf_token": token, "email": email})
            finally:
                event.remove(db.engine, "before_cursor_execute", listener)
            page = browser.get("/account").text
        told = re.findall(r'role="status">(.*?)</div>', page, re.S)
        if number:  # the first ends no other link
            said.add((answer.status_code, str(told), tuple(sent)))
        house.deliver()
    assert len(said) == 1
    assert [m.recipients for m in house.sink.mails if m.kind == "account.address"] == [("nobody@example.org",)]
    reasons = set(db.session.scalars(select(Message.reason).where(Message.state == "skipped")))
    assert reasons <= {"its link has been used, or has ended"}


def test_somebody_who_came_with_that_address_meanwhile_keeps_it(house: Any) -> None:
    ask(house)
    make_account(OTHER.lower(), name="Somebody else")
    browser = sign_in(house.app, house.staff, NOW)
    refused = confirm(house, house.path(OTHER), browser)
    assert refused.status_code == 422
    assert house.account(STAFF).id == house.staff.id
    assert house.page("/account", browser=browser).status_code == 200, "nothing has ended"


@pytest.mark.parametrize(
    ("email", "says"), [("STAFF@example.org", "your address already"), ("no address", "address"), ("", "Write an")]
)
def test_what_cannot_be_is_said_on_its_field(house: Any, email: str, says: str) -> None:
    answer = ask(house, email)
    assert answer.status_code == 422
    assert says in answer.text
    assert db.session.scalars(select(AccountLink)).all() == []


def test_it_is_asked_again_who_it_is(house: Any) -> None:
    browser = sign_in(house.app, house.staff, NOW)
    later = house.page("/account/address", NOW + timedelta(minutes=10), browser)
    assert later.headers["Location"] == "/confirm?next=/account/address"


def test_another_link_takes_the_first_away_and_a_new_password_all(house: Any) -> None:
    ask(house)
    first = house.path(OTHER)
    ask(house, "third@example.org")
    browser = sign_in(house.app, house.staff, NOW)
    assert confirm(house, first, browser).status_code == 410
    with unit_of_work("reset", COMMAND, now=NOW):
        from tracker.invitations.service import start_reset

        start_reset(db.session(), None, house.account(STAFF), NOW)
    house.deliver()
    assert house.send(house.path(STAFF), password=CHOSEN).status_code == 303
    assert confirm(house, house.path("third@example.org"), sign_in(house.app, house.staff, NOW)).status_code == 410


@pytest.mark.parametrize("what", ["disable", "change_role"])
def test_an_open_link_ends_with_access(house: Any, what: str) -> None:
    ask(house)
    more = ("volunteer",) if what == "change_role" else ()
    with unit_of_work("let go", COMMAND, now=NOW):
        getattr(accounts, what)(db.session(), house.staff, *more, NOW)
    with unit_of_work("let in", COMMAND, now=NOW):
        accounts.enable(db.session(), house.staff)
    browser = sign_in(house.app, house.account(STAFF), NOW)
    assert confirm(house, house.path(OTHER), browser).status_code == 410


def test_strangers_mailboxes_are_not_filled(house: Any) -> None:
    answers = [ask(house, f"n{number}@example.org").status_code for number in range(ADDRESSES_OF_ACCOUNT + 1)]
    assert answers == [303] * ADDRESSES_OF_ACCOUNT + [429]
    assert ask(house, "later@example.org", NOW + TRIES_SPAN).status_code == 303


def test_while_mail_to_the_present_address_comes_back_no_link_is_promised(house: Any) -> None:
    with unit_of_work("test", COMMAND, now=NOW):
        stop_sending(db.session(), recipient_for(db.session(), house.staff.id), "it came back", NOW)
    answer = ask(house)
    assert answer.status_code == 422
    assert "comes back" in answer.text


def test_a_mistyped_address_that_is_refused_stops_no_mail_to_the_right_one(house: Any) -> None:
    house.sink.answers.rcpt = "550 5.1.1 no such user here"
    ask(house)
    assert db.session.scalars(select(Message.state)).all() == ["not_delivered"]
    recipient = select(Recipient).where(Recipient.user_id == house.staff.id).execution_options(populate_existing=True)
    assert db.session.scalars(recipient).one().suppressed_at is None
    db.session.rollback()
