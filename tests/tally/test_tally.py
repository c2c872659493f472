"""What was done for an action, added up for who keeps it."""

import csv
import html
import io
import re
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from actions_ground import action, minister, open_case
from house_of_cases import NOW, Lived
from signed_in import make_account

from tracker.accounts.models import User
from tracker.actions.models import UrgentAction
from tracker.actions.queries import list_targets_of
from tracker.audit.models import Act
from tracker.base.db import db
from tracker.steps.models import Step
from tracker.steps.service import record_step
from tracker.targets.models import Target


def said(lived: Lived, written: UrgentAction, user: User | None = None, **fields: Any) -> None:
    """Somebody says that they wrote."""
    with lived.at(NOW + timedelta(minutes=5)) as session:
        record_step(
            session,
            session.get_one(UrgentAction, written.id),
            user=session.get_one(User, user.id) if user else None,
            **{"channel": "email", "again_is_meant": True} | fields,
        )


def targets_of(written: UrgentAction) -> Sequence[Target]:
    """Whom an action goes to."""
    return sorted(list_targets_of(db.session(), written), key=lambda target: target.id)


def rows_of(page: str) -> dict[str, str]:
    """What the tables of a page say, by the head of each row."""
    found = re.findall(r'<th scope="row">(.*?)</th><td>(.*?)</td>', page, re.DOTALL)
    return {html.unescape(re.sub("<.*?>", "", n)).strip(): re.sub("<.*?>", "", v).strip() for n, v in found}


def page_of(written: UrgentAction, ref: str) -> str:
    """The address of its tally."""
    return f"/cases/{ref}/actions/{written.public_id}/tally"


def test_parts_under_five_are_shown_to_nobody_and_the_count_is_said_to_be_self_reported(lived: Lived) -> None:
    case = open_case(lived)
    written = action(lived, case, minister(lived), minister(lived, name="", office="=cmd|' /C calc'!A0"))
    first, second = (target.id for target in targets_of(written))
    said(lived, written, lived.volunteer, count=9, target_id=first)
    said(lived, written, lived.volunteer, count=4, channel="letter", target_id=second)
    said(lived, written, lived.colleague, count=20, channel="call", target_id=second)
    page = lived.browser(lived.owner, NOW + timedelta(hours=1)).get(page_of(written, case.ref))
    assert page.status_code == 200
    assert "33 letters, mails and calls" in page.text
    assert "nobody checks it" in page.text
    assert "fewer than 5 people with an account" in page.text
    # Four letters are too few, and the nine e-mails with them: else 33 less the others would say it.
    rows = rows_of(page.text)
    assert rows["telephone call"] == "20"
    assert rows["letter"] == rows["e-mail"] == "not shown"
    assert rows["N. N., Minister of Defence"] == "9"
    assert "style=" not in page.text.split("<main", 1)[1]


def test_five_people_are_counted_and_groups_and_staff_are_none_of_them(lived: Lived) -> None:
    case = open_case(lived)
    written = action(lived, case)
    for number in range(5):
        said(lived, written, make_account(f"v{number}@example.org", "volunteer"))
    said(lived, written, lived.owner, source="staff", count=500)
    page = lived.browser(lived.owner, NOW + timedelta(hours=1)).get(page_of(written, case.ref)).text
    assert "5 people with an account" in page
    assert "505 letters, mails and calls" in page


def test_the_table_for_spreadsheets_holds_no_formula_and_no_more_than_the_page(lived: Lived) -> None:
    case = open_case(lived)
    written = action(lived, case, minister(lived, name="", office="=HYPERLINK(0)"))
    said(lived, written, lived.volunteer, count=12, target_id=targets_of(written)[0].id)
    said(lived, written, lived.colleague, count=2, channel="fax")
    answer = lived.browser(lived.owner, NOW + timedelta(hours=1)).get(f"{page_of(written, case.ref)}/tally.csv")
    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    assert answer.data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"), newline="")))
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]
    assert ["target", "'=HYPERLINK(0)", "not shown"] in rows
    assert ["channel", "fax", "not shown"] in rows
    assert ["all", "", "14"] in rows
    assert ["people", "", "not shown"] in rows


def test_who_takes_the_table_away_shows_again_that_it_is_them(lived: Lived) -> None:
    case = open_case(lived)
    table = f"{page_of(action(lived, case), case.ref)}/tally.csv"
    staff = lived.browser(lived.owner, NOW)
    assert staff.get(table).status_code == 200
    staff.now = NOW + timedelta(minutes=11)
    asked = staff.get(table)
    assert (asked.status_code, asked.headers["Location"].partition("?")[0]) == (303, "/confirm")


def test_weeks_begin_on_monday_and_are_in_order(lived: Lived) -> None:
    case = open_case(lived)
    written = action(lived, case, issued_on=date(2024, 3, 1))
    for day in (date(2024, 3, 17), date(2024, 3, 18), date(2024, 3, 10)):
        said(lived, written, lived.volunteer, count=10, done_on=day)
    rows = rows_of(lived.browser(lived.owner, NOW + timedelta(hours=1)).get(page_of(written, case.ref)).text)
    weeks = [name for name in rows if "Mar" in name]
    assert [name.split(",")[0] for name in weeks] == ["Mon 4 Mar 2024", "Mon 11 Mar 2024", "Mon 18 Mar 2024"]


def test_staff_add_letters_that_reached_them_another_way(lived: Lived) -> None:
    case = open_case(lived)
    written = action(lived, case)
    staff = lived.browser(lived.owner, NOW + timedelta(hours=1))
    address = page_of(written, case.ref)
    assert staff.fill(address, channel="letter", count="300").status_code == 303
    again = staff.fill(address, channel="letter", count="300")
    assert again.status_code == 422
    assert "You have said this already" in again.text
    assert staff.send(address, staff.held(again.text) | {"confirm": "y"}).status_code == 303
    db.session.rollback()
    steps = list(db.session.query(Step))
    assert [(s.source, s.channel, s.count, s.user_id) for s in steps] == [("staff", "letter", 300, lived.owner.id)] * 2
    assert db.session.query(Act).filter(Act.act == "tally.add").count() == 2
    # What one was told is not what one wrote: the page of the action says nothing of it.
    assert "You wrote on" not in staff.get(f"/actions/{written.public_id}").text
    back = re.search(r'action="([^"]+/undo)".*?name="csrf_token" value="([^"]+)"', staff.get(address).text, re.DOTALL)
    assert back
    other = lived.browser(lived.colleague, NOW + timedelta(hours=1))
    theirs = re.search(r'name="csrf_token" value="([^"]+)"', other.get(address).text)
    assert theirs
    assert other.send(back[1], {"csrf_token": theirs[1]}).status_code == 404
    assert staff.send(back[1], {"csrf_token": back[2]}).status_code == 303
    assert "300 letters, mails and calls" in staff.get(address).text
    # More than a group can write is a slip of the key; a day to come as well.
    assert staff.fill(address, count="2001").status_code == 422
    assert staff.fill(address, count="2000", done_on="2024-03-20").status_code == 422


def test_only_who_keeps_the_case_reads_it(lived: Lived) -> None:
    case = open_case(lived)
    written = action(lived, case)
    address = page_of(written, case.ref)
    for user, status in ((lived.volunteer, 403), (lived.outsider, 403), (lived.admin, 403), (lived.colleague, 200)):
        for asked in (address, f"{address}/tally.csv"):
            assert lived.browser(user, NOW + timedelta(hours=1)).get(asked).status_code == status, (user.email, asked)


def test_the_page_of_the_action_leads_there(lived: Lived) -> None:
    case = open_case(lived)
    written = action(lived, case)
    staff = lived.browser(lived.owner, NOW + timedelta(hours=1))
    assert page_of(written, case.ref) in staff.get(f"/cases/{case.ref}/actions/{written.public_id}").text


def test_volunteers_read_a_number_from_fifty_on(lived: Lived) -> None:
    case = open_case(lived)
    written = action(lived, case)
    volunteer = lived.browser(lived.volunteer, NOW + timedelta(hours=1))
    said(lived, written, lived.owner, source="staff", count=49)
    assert "by what people tell us" not in volunteer.get(f"/actions/{written.public_id}").text
    said(lived, written, lived.owner, source="staff", count=1)
    assert "50 letters, by what people tell us" in volunteer.get(f"/actions/{written.public_id}").text
