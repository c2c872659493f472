"""The target book: recorded in pages, refused where it cannot be, and what people find about it."""

import pytest
from actions_ground import day, minister
from house_of_cases import NOW, Lived
from sqlalchemy import select

from tracker.base.db import db
from tracker.base.errors import Refused
from tracker.targets.models import Target, TargetReport
from tracker.targets.queries import find_embassy, list_officials


def test_staff_record_somebody_to_write_to(lived: Lived) -> None:
    browser = lived.browser(lived.owner)
    assert "The target book is empty." in browser.get("/targets").text
    answer = browser.fill(
        "/targets/new", office="Prosecutor General", country="eg", email="office@example.org", postal="a\r\n\r\n b \r\n"
    )
    assert answer.status_code == 303
    db.session.rollback()
    target = db.session.scalars(select(Target)).one()
    assert (target.country, target.postal, target.language) == ("EG", "a\nb", "en")
    assert "Prosecutor General" in browser.get("/targets?q=prosec").text
    assert "Nobody like that" in browser.get("/targets?q=%25").text
    assert browser.fill(f"/targets/{target.public_id}", phone="+20 2 555 0100").status_code == 303
    assert browser.fill(f"/targets/{target.public_id}", phone="+20", country="Egypt").status_code == 422
    assert lived.browser(lived.volunteer).get("/targets").status_code == 403


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"country": "Israel"}, "country"),
        ({"country": "UK"}, "country"),
        ({"kind": "embassy", "hosted_in": "UK"}, "hosted_in"),
        ({"kind": "embassy"}, "hosted_in"),
        ({"hosted_in": "CA"}, "hosted_in"),
        ({"email": "minister at example"}, "email"),
        ({"phone": "ring"}, "phone"),
        ({"office": " "}, "office"),
        ({"name": "N" * 201}, "name"),
        ({"postal": "\n".join("abcdefghi")}, "postal"),
        ({"valid_from": day("2024-02-02"), "valid_to": day("2024-02-01")}, "valid_to"),
    ],
)
def test_what_cannot_be_is_refused_on_its_field(lived: Lived, fields: dict[str, object], field: str) -> None:
    with pytest.raises(Refused) as why:
        minister(lived, **fields)
    assert why.value.field == field


def test_an_office_is_held_from_its_first_day_to_its_last(lived: Lived) -> None:
    minister(lived, valid_from=day("2024-03-18"), valid_to=day("2024-03-20"))
    held = [len(list_officials(db.session(), day(f"2024-03-{n}"))) for n in (17, 18, 20, 21)]
    assert held == [0, 1, 1, 0]


def test_an_embassy_is_found_where_the_writer_is(lived: Lived) -> None:
    minister(lived, kind="embassy", office="Embassy in Ottawa", hosted_in="ca")
    session = db.session()
    assert find_embassy(session, "IL", "ca", NOW.date()) is not None
    assert find_embassy(session, "IL", "DE", NOW.date()) is None


def test_a_volunteer_says_once_that_mail_came_back_and_staff_see_to_it(lived: Lived) -> None:
    target = minister(lived)
    volunteer, staff = lived.browser(lived.volunteer), lived.browser(lived.owner)
    for _again in range(2):
        assert volunteer.fill(f"/targets/{target.public_id}/report", what="email_bounced").status_code == 303
    db.session.rollback()
    assert len(db.session.scalars(select(TargetReport)).all()) == 1
    assert "mail came back" in staff.get("/targets").text
    page = staff.get(f"/targets/{target.public_id}").text
    assert "my e-mail came back" in page
    token = staff.held(page)["csrf_token"]
    assert staff.send(f"/targets/{target.public_id}/settle", {"csrf_token": token, "once": "y" * 22}).status_code == 303
    assert "mail came back" not in staff.get("/targets").text
