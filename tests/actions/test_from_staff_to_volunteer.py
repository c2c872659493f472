"""An action made by staff, taken by a volunteer on a phone, counted, stopped."""

import re
from datetime import timedelta
from typing import Any

import pytest
from actions_ground import LETTER, minister, open_case
from browsing import press_and_wait
from house_of_cases import NOW, Lived, enter
from sqlalchemy import select

from tracker.actions.models import ActionLetter, UrgentAction
from tracker.actions.queries import list_targets_of
from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.steps.models import Step
from tracker.targets.models import Target
from tracker.targets.service import edit_target


def made_in_pages(lived: Lived, **said: Any) -> tuple[Any, str, str]:
    """Staff record whom to write to, write the action and open it, all in pages: their browser, where staff keep the
    action, and where volunteers read it."""
    case = open_case(lived)
    staff = lived.browser(lived.owner)
    target = minister(lived)
    answer = staff.fill(
        f"/cases/{case.ref}/actions/new",
        **{
            "title": "Say where the surgeon is",
            "ua_number": "First UA: 52/24",
            "targets": target.public_id,
            "subject": "Where is he?",
            "body": LETTER,
        }
        | said,
    )
    assert answer.status_code == 303, answer.text
    kept = answer.headers["Location"]
    form = re.search(r'action="([^"]+/activate)"(.*?)</form>', staff.get(kept).text, re.DOTALL)
    assert form is not None
    staff.send(form[1], dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form[2])))
    db.session.rollback()
    written = db.session.scalars(select(UrgentAction)).one()
    return staff, kept, f"/actions/{written.public_id}"


def test_a_volunteer_takes_it_and_is_counted_until_it_is_stopped(lived: Lived) -> None:
    staff, kept, address = made_in_pages(lived)
    volunteer = lived.browser(lived.volunteer, NOW + timedelta(hours=1))
    first = volunteer.get("/").text
    assert address in first
    page = volunteer.get(address).text
    assert "Please say where he is." in page
    assert (
        "mailto:minister@example.org?subject=Where%20is%20he%3F&amp;body=Dear%20Minister%2C%0D%0A%0D%0AI%20write"
        in page
    )

    assert volunteer.send(f"{address}/did-it", volunteer.filled(address, channel="email")).status_code == 303
    assert "it is counted" in volunteer.get(f"{address}/thanks").text
    db.session.rollback()
    step = db.session.scalars(select(Step)).one()
    assert (step.channel, step.count, step.user_id) == ("email", 1, lived.volunteer.id)

    staff.now = NOW + timedelta(hours=2)
    assert staff.fill(f"{kept}/stop", reason="asked").status_code == 303
    volunteer.now = NOW + timedelta(hours=3)
    assert "Stopped since you looked" in volunteer.get("/").text
    for surface in (address, f"{address}/print", f"{address}/calls", f"{address}/thanks"):
        said = volunteer.get(surface).text
        assert "Please do not write" in said, surface
        assert "Please say where he is." not in said, surface
        assert "mailto:" not in said, surface
    assert "Your letter was right when it was sent." in volunteer.get(address).text
    assert "Stopped since you looked" not in volunteer.get("/").text


@pytest.mark.browser
def test_from_the_list_to_i_did_it_in_five_taps_on_a_phone(lived: Lived, live_server: Any, page: Any) -> None:
    _staff, _kept, address = made_in_pages(lived)
    live_server.at = NOW + timedelta(hours=1)
    page.set_viewport_size({"width": 360, "height": 740})
    enter(page, live_server, lived.volunteer.email)
    page.goto(f"{live_server.url}/")
    taps = 0

    def tap(what: Any) -> None:
        nonlocal taps
        press_and_wait(what)
        taps += 1

    tap(page.get_by_role("link", name="Say where the surgeon is"))
    page.wait_for_url(f"{live_server.url}{address}")
    mail = page.get_by_role("link", name="Open in my mail program")
    assert str(mail.get_attribute("href")).startswith("mailto:minister@example.org?subject=")
    page.get_by_label("Make it your own").fill("Dear Minister,\nWhere is he?")
    assert str(mail.get_attribute("href")).endswith("body=Dear%20Minister%2C%0D%0AWhere%20is%20he%3F")
    tap(page.get_by_role("link", name="I did it"))
    tap(page.get_by_role("button", name="I did it"))
    page.wait_for_url(f"{live_server.url}{address}/thanks")
    # The mail program is one tap more.
    assert taps + 1 <= 5
    db.session.rollback()
    assert db.session.scalars(select(Step.count)).one() == 1


def test_a_change_keeps_who_may_take_it_and_whom_it_goes_to_though_they_left_office(lived: Lived) -> None:
    staff, kept, _address = made_in_pages(lived)
    new = minister(lived, name="O. O.")
    with lived.at() as session:
        gone = session.scalars(select(Target).where(Target.name == "N. N.")).one()
        edit_target(session, gone, version=gone.version, valid_to=NOW.date() - timedelta(days=1))
        gone_id = gone.public_id
    assert "N. N., Minister of Defence" in staff.get(f"{kept}/edit").text
    said = {"title": "Say where he is held", "targets": [gone_id, new.public_id]}
    assert staff.fill(f"{kept}/edit", **said).status_code == 303
    db.session.rollback()
    written = db.session.scalars(select(UrgentAction)).one()
    assert (written.title, written.audience) == ("Say where he is held", Audience.VOLUNTEERS)
    assert [target.public_id for target in list_targets_of(db.session(), written)] == [gone_id, new.public_id]


def test_a_letter_in_one_more_language_takes_no_other_letters_place(lived: Lived) -> None:
    staff, kept, _address = made_in_pages(lived)
    answer = staff.fill(f"{kept}/letters/new", language="en", body="Other words")
    assert answer.status_code == 422
    assert "There is a letter in this language already" in answer.text
    assert staff.fill(f"{kept}/letters/new", language="de", body="Wo ist er?").status_code == 303
    assert staff.fill(f"{kept}/letters/de", language="en", body="Wo ist er?").status_code == 422
    assert staff.fill(f"{kept}/letters/de", body="Sagen Sie, wo er ist.").status_code == 303
    db.session.rollback()
    letters = db.session.scalars(select(ActionLetter).order_by(ActionLetter.language))
    assert [(letter.language, letter.body) for letter in letters] == [("de", "Sagen Sie, wo er ist."), ("en", LETTER)]


def test_two_who_write_one_letter_see_each_others_words(lived: Lived) -> None:
    staff, kept, _address = made_in_pages(lived)
    mine = staff.filled(f"{kept}/letters/en", body="My words")
    colleague = lived.browser(lived.colleague)
    assert colleague.fill(f"{kept}/letters/en", body="Their words").status_code == 303
    answer = staff.send(f"{kept}/letters/en", mine)
    assert answer.status_code == 409
    assert "Their words" in answer.text
    assert "My words" in answer.text
    assert staff.send(f"{kept}/letters/en", staff.held(answer.text)).status_code == 303
    db.session.rollback()
    assert db.session.scalars(select(ActionLetter.body)).one() == "My words"


def test_a_letter_in_a_wrong_language_is_taken_away_and_never_the_last_one(lived: Lived) -> None:
    staff, kept, address = made_in_pages(lived)
    assert "Take the letter away" not in staff.get(kept).text
    assert staff.fill(f"{kept}/letters/new", language="de", body="Where is he?").status_code == 303
    assert f"{kept}/letters/de/remove" in staff.get(kept).text
    both = [staff.filled(f"{kept}/letters/{language}/remove") for language in ("de", "en")]
    assert staff.send(f"{kept}/letters/de/remove", both[0]).status_code == 303
    assert "Where is he?" not in lived.browser(lived.volunteer).get(address).text
    # Whoever had opened the other page before is told, and then it is the last one.
    answer = staff.send(f"{kept}/letters/en/remove", both[1])
    assert answer.status_code == 409
    answer = staff.fill(f"{kept}/letters/en/remove")
    assert answer.status_code == 422
    assert "An action that is open needs a letter." in answer.text
    assert staff.get(f"{kept}/letters/de/remove").status_code == 404
    db.session.rollback()
    assert db.session.scalars(select(ActionLetter.language)).all() == ["en"]


def test_who_puts_the_last_day_off_reads_it_in_words(lived: Lived) -> None:
    staff, kept, _address = made_in_pages(lived)
    staff.fill(f"{kept}/extend", act_until="2024-06-05")
    assert "It goes on until Wednesday 5 June 2024." in staff.get(kept).text


def test_who_opens_what_a_colleague_has_changed_meanwhile_is_told_so(lived: Lived) -> None:
    staff, kept, _address = made_in_pages(lived)
    mine = staff.filled(f"{kept}/extend", act_until="2024-06-05")
    assert lived.browser(lived.colleague).fill(f"{kept}/extend", act_until="2024-06-12").status_code == 303
    answer = staff.send(f"{kept}/extend", mine)
    assert answer.status_code == 409
    assert "Somebody changed this while you were writing" in answer.text


def test_staff_write_an_update_from_the_page_of_the_action_it_follows(lived: Lived) -> None:
    staff, kept, address = made_in_pages(lived)
    volunteer = lived.browser(lived.volunteer, NOW + timedelta(hours=1))
    volunteer.send(f"{address}/did-it", volunteer.filled(address, channel="email"))
    assert staff.fill(f"{kept}/letters/new", language="ar", body="أين هو؟").status_code == 303
    page = staff.get(kept).text
    more = re.search(r'href="([^"]+follows=[^"]+)"', page)
    assert more is not None
    offered = staff.filled(more[1])
    assert (offered["ua_number"], offered["title"]) == (["UA 52/24-1"], ["Say where the surgeon is"])
    assert offered["body"] == [LETTER]
    assert "It follows \u2068UA 52/24\u2069" in staff.get(more[1]).text
    answer = staff.fill(more[1], title="He is held still")
    assert answer.status_code == 303, answer.text
    update = answer.headers["Location"]
    said = staff.get(update).text
    assert "It follows:" in said
    assert f'href="{kept}"' in said
    assert "Followed by:" in staff.get(kept).text
    assert f'href="{update}"' in staff.get(kept).text
    form = re.search(r'action="([^"]+/activate)"(.*?)</form>', said, re.DOTALL)
    assert form is not None
    staff.send(form[1], dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form[2])))
    read = volunteer.get(f"/actions/{update.rpartition('/')[2]}").text
    assert f'It follows: <a href="{address}">' in read
    assert "You wrote then, on Monday 18 March 2024. This is a new letter." in read
    assert "It follows:" not in volunteer.get(address).text
    # Both pages propose that the earlier one is closed, for that reason, until it is.
    proposed = f"{kept}/close?reason=replaced"
    for page in (kept, update):
        assert "is not closed yet" in staff.get(page).text
        assert f'href="{proposed}"' in staff.get(page).text
    assert staff.fill(proposed).status_code == 303
    for page in (kept, update):
        assert "is not closed yet" not in staff.get(page).text
    assert "Say where the surgeon is" not in volunteer.get("/actions/").text


def test_a_page_leads_to_no_action_of_the_chain_that_is_closed_to_its_reader(lived: Lived) -> None:
    staff, kept, address = made_in_pages(lived)
    follows = f"{kept.rpartition('/')[0]}/new?follows={address.rpartition('/')[2]}"
    update = staff.fill(follows, title="Told in confidence", ua_number="", audience="named")
    assert update.status_code == 303, update.text
    assert "Followed by:" in staff.get(kept).text
    colleague = lived.browser(lived.colleague)
    assert colleague.get(update.headers["Location"]).status_code == 404
    page = colleague.get(kept).text
    assert "Followed by:" not in page
    assert "Told in confidence" not in page
    # Nor does one that follows such an action say that there is none.
    with lived.at() as session:
        first, second = session.scalars(select(UrgentAction).order_by(UrgentAction.id))
        first.audience, second.audience = Audience.NAMED, Audience.DESK
    page = colleague.get(update.headers["Location"]).text
    assert "It follows:" not in page
    assert "is not recorded in this case" not in page


def test_an_update_of_what_is_not_kept_says_so_on_its_page(lived: Lived) -> None:
    staff, kept, _address = made_in_pages(lived, ua_number="FI 005/18-3")
    assert "the action it follows is not recorded in this case" in staff.get(kept).text


def test_an_update_of_an_action_without_a_number_follows_it_all_the_same(lived: Lived) -> None:
    staff, kept, address = made_in_pages(lived, ua_number="")
    update = staff.fill(f"{kept.rpartition('/')[0]}/new?follows={address.rpartition('/')[2]}", title="He is held still")
    db.session.rollback()
    first, second = db.session.scalars(select(UrgentAction).order_by(UrgentAction.id))
    assert (second.previous_id, second.chain, second.update_number) == (first.id, "update", 1)
    assert f'href="{kept}"' in staff.get(update.headers["Location"]).text
    elsewhere = lived.case("Nadera Amira")
    strange = f"/cases/{elsewhere.ref}/actions/new?follows={address.rpartition('/')[2]}"
    assert staff.get(strange).status_code == 404
