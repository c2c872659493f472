"""What the mails say: enough to act on, nothing that harms when it is read over a shoulder."""

import re
from datetime import date, datetime, time
from typing import Any

import pytest

from tracker.accounts.models import User
from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.base.work import COMMAND, unit_of_work
from tracker.cases.models import Case
from tracker.cases.queries import list_people
from tracker.consent.service import record_consent
from tracker.hearings.models import Hearing
from tracker.hearings.rules import on_day
from tracker.hearings.service import Confirmation, confirm_hearing, correct_hearing

pytestmark = pytest.mark.one_engine

ZONE = "Asia/Jerusalem"

#: The day before, at the desk's eight o'clock.
DAY_BEFORE = "2024-04-07T05:00Z"

NINE_THIRTY = on_day(ZONE, date(2024, 4, 8), time(9, 30))


def the_mail(court: Any, now: str = DAY_BEFORE, **about: Any) -> Any:
    """The one mail a follower gets of a hearing on Monday 8 April at 09:30."""
    user = court.follower("amal@example.org", zone=about.pop("reader_zone", None))
    court.hearing(court.case(), about.pop("when", NINE_THIRTY), **about)
    court.tick(now)
    (mail,) = court.mails(user)
    return mail


def test_the_subject_is_neutral_and_says_when_where_what_and_which(court: Any) -> None:
    mail = the_mail(court)
    db.session.rollback()
    case = db.session.query(Case).one()
    assert mail.message["Subject"] == f"Tomorrow 09:30 Haifa: hearing, {case.nickname} ({case.ref})"
    assert "Halabi" not in mail.raw.decode()
    assert "A trial" not in mail.raw.decode()


def test_it_says_day_time_zone_court_and_what_really_remains(court: Any) -> None:
    mail = the_mail(court)
    for part in (mail.text, mail.html):
        assert "When" in part
        assert "Monday 8 April 2024, 09:30 Asia/Jerusalem" in part
        assert "Court, Haifa" in part
        assert "Tomorrow, in 25 hours" in part
    assert "On your clock" not in mail.text


def test_the_readers_own_clock_is_said_where_it_differs(court: Any) -> None:
    mail = the_mail(court, now="2024-04-07T07:00Z", reader_zone="Europe/London")
    assert "On your clock: 07:30 Europe/London" in mail.text


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({}, "Nobody has confirmed this date."),
        ({"confirmation": Confirmation("the lawyer")}, "Confirmed 16 days ago by: the lawyer."),
        ({"certainty": "provisional"}, "The date is provisional. Nobody has confirmed this date."),
        (
            {"certainty": "provisional", "confirmation": Confirmation("the lawyer")},
            "The date is provisional. Last told 16 days ago by: the lawyer.",
        ),
    ],
)
def test_it_says_how_fresh_the_date_is(court: Any, about: dict[str, Any], said: str) -> None:
    assert f"How sure: {said}" in the_mail(court, **about).text


def test_who_confirmed_it_is_said_of_the_reader_only(court: Any) -> None:
    reader = court.follower("amal@example.org")
    other = court.follower("bina@example.org")
    hearing = court.hearing(court.case(), NINE_THIRTY)
    court.act("2024-04-04T05:00Z", confirm_hearing, hearing, Confirmation(user_id=reader.id))
    court.tick(DAY_BEFORE)
    assert "Confirmed 3 days ago by you." in court.mails(reader)[0].text
    assert "Confirmed 3 days ago by a colleague." in court.mails(other)[0].text


def test_it_says_what_is_not_settled(court: Any) -> None:
    assert "Nobody is named to observe it." in the_mail(court).text


def test_an_observer_is_settled(court: Any) -> None:
    assert "Not settled" not in the_mail(court, observer="the embassy").text


def test_it_links_to_the_case_says_why_it_came_and_how_to_stop(court: Any) -> None:
    mail = the_mail(court)
    db.session.rollback()
    ref = db.session.query(Case).one().ref
    base = court.app.extensions["settings"].base_url
    assert f"{base}/cases/{ref}" in mail.text
    assert "because you follow the desk of this case" in mail.text
    (stop,) = re.findall(r"(\S+/reminders/stop/\S+)", mail.text)
    assert stop in mail.html
    assert "".join(str(mail.message["List-Unsubscribe"]).split()) == f"<{stop}>"
    assert mail.message["X-Tracker-Kind"] == "hearing.reminder"


def test_it_is_written_in_the_readers_language(court: Any) -> None:
    user = court.follower("amal@example.org")
    with unit_of_work("accounts.change", COMMAND):
        db.session.get_one(type(user), user.id).language = "ar"
    court.hearing(court.case(), NINE_THIRTY, court="District court", place="Haifa")
    court.tick(DAY_BEFORE)
    (mail,) = court.mails(user)
    assert 'lang="ar" dir="rtl"' in mail.html
    assert "أبريل" in mail.text
    # Latin names keep their own direction and their place in the sentence, and the comma is the reader's.
    assert "المكان: \u2068District court\u2069، \u2068Haifa\u2069" in mail.text
    assert "\u2068Haifa\u2069: جلسة" in str(mail.message["Subject"])


def test_markup_and_line_ends_in_a_place_stay_text(court: Any) -> None:
    mail = the_mail(court, place="<b>Haifa</b> & Acre")
    assert "&lt;b&gt;Haifa&lt;/b&gt; &amp; Acre" in mail.html
    assert "<b>Haifa</b> & Acre" in mail.text
    assert mail.message["Subject"].startswith("Tomorrow 09:30 <b>Haifa</b> & Acre: hearing")


def test_a_subject_cannot_carry_another_header(court: Any) -> None:
    user = court.follower("amal@example.org")
    hearing = court.hearing(court.case(), NINE_THIRTY)
    with unit_of_work("test", COMMAND):
        db.session.get_one(Hearing, hearing.id).place = "Haifa\r\nBcc: all@example.org"
    court.tick(DAY_BEFORE)
    (mail,) = court.mails(user)
    assert mail.message["Bcc"] is None
    assert "Haifa Bcc: all@example.org" in mail.message["Subject"]


def test_what_is_missing_is_said_so(court: Any) -> None:
    user = court.follower("amal@example.org")
    court.hearing(court.case(), on_day(ZONE, date(2024, 4, 8)), court="", place="")
    court.tick(DAY_BEFORE)
    (mail,) = court.mails(user)
    assert mail.message["Subject"].startswith("Tomorrow: hearing, ")
    assert "Monday 8 April 2024, time not announced, Asia/Jerusalem" in mail.text
    assert "Where: place not known" in mail.text


def test_a_wrong_hour_on_the_right_day_is_no_wrong_date(court: Any) -> None:
    user = court.follower("amal@example.org")
    hearing = court.hearing(court.case(), NINE_THIRTY)
    court.tick("2024-04-01T05:00Z")
    court.mails(user)
    court.act("2024-04-02T05:00Z", correct_hearing, hearing, on_day(ZONE, date(2024, 4, 8), time(11)))
    court.tick("2024-04-02T05:01Z")
    (mail,) = court.mails(user)
    assert mail.text.startswith("We gave a wrong time or place.")
    assert "We told you: Monday 8 April 2024, 09:30 Asia/Jerusalem" in mail.text
    assert "It is: Monday 8 April 2024, 11:00 Asia/Jerusalem" in mail.text


def test_many_cases_are_counted_in_the_subject_and_named_in_the_body(court: Any) -> None:
    user = court.follower("amal@example.org")
    court.hearing([court.case() for _n in range(4)], NINE_THIRTY)
    court.tick(DAY_BEFORE)
    (mail,) = court.mails(user)
    assert "2 more" in mail.message["Subject"]
    assert all(f"(IOPT-000{n})" in mail.text for n in (1, 2, 3, 4))


def test_quiet_hours_hold_a_late_mail_back_until_seven(court: Any) -> None:
    user = court.follower("amal@example.org")
    hearing = court.hearing(court.case(), on_day(ZONE, date(2024, 4, 25), time(9, 30)))
    court.tick("2024-04-18T05:00Z")
    court.mails(user)
    court.act("2024-04-18T20:00Z", correct_hearing, hearing, on_day(ZONE, date(2024, 4, 26), time(9, 30)))
    court.tick("2024-04-18T20:00Z")  # 23:00 there, and both dates are a week off
    court.tick("2024-04-19T03:59Z")
    assert court.mails(user) == []
    court.tick("2024-04-19T04:00Z")
    assert [m.kind for m in court.mails(user)] == ["hearing.changed"]


def test_news_of_what_is_near_passes_quiet_hours(court: Any) -> None:
    user = court.follower("amal@example.org")
    hearing = court.hearing(court.case(), NINE_THIRTY)
    court.tick("2024-04-04T05:00Z")
    court.mails(user)
    court.act("2024-04-06T20:00Z", correct_hearing, hearing, on_day(ZONE, date(2024, 5, 26), time(9, 30)))
    court.tick("2024-04-06T20:00Z")
    assert [m.kind for m in court.mails(user)] == ["hearing.changed"]


def test_who_is_not_staff_any_more_is_told_of_a_change_by_initials_and_city(court: Any) -> None:
    user, named = court.follower("amal@example.org"), court.staff("named@example.org")
    case = court.case(owner=named, audience=Audience.VOLUNTEERS)
    hearing = court.hearing(case, NINE_THIRTY, audience=Audience.VOLUNTEERS)
    court.tick("2024-04-01T05:00Z")
    for reader in (user, named):
        (mail,) = court.mails(reader)
        assert f"{case.nickname} ({case.ref})" in mail.message["Subject"]
    with unit_of_work("accounts.change", COMMAND):
        db.session.get_one(User, user.id).role = "volunteer"
    court.act("2024-04-02T05:00Z", correct_hearing, hearing, on_day(ZONE, date(2024, 4, 9), time(9, 30)))
    court.tick("2024-04-02T05:01Z")
    (mail,) = court.mails(user)
    assert str(mail.message["Subject"]) == "Corrected: it is Tue 9 Apr 2024 09:30 Haifa: hearing, N.H."
    assert "Case: N.H." in mail.text
    for part in (mail.text, mail.html, str(mail.message["Subject"])):
        assert "Halabi" not in part
        assert "Magistrates" not in part
        assert case.nickname not in part
    (mail,) = court.mails(named)
    assert "Magistrates" in mail.text


def may_be_named(case: Case, *subjects: str, answer: str = "agreed", now: str = "2024-03-23T08:00Z") -> None:
    """Say whether the person of a case may be named to the public."""
    with unit_of_work("consent.record", COMMAND, now=datetime.fromisoformat(now)):
        session = db.session()
        ((_involved, person),) = list_people(session, case.id)
        mine = session.get_one(Case, case.id)
        said = {"answer": answer, "speaker": "person", "subjects": subjects, "how": "call"}
        record_consent(session, mine, person.id, up_to=Audience.PUBLIC, **said)


def test_staff_are_told_a_name_only_of_what_is_public_with_consent(court: Any) -> None:
    user = court.follower("amal@example.org")
    case = court.case(audience=Audience.PUBLIC)
    court.hearing(case, NINE_THIRTY, audience=Audience.PUBLIC)
    court.tick("2024-04-01T05:00Z")
    (mail,) = court.mails(user)
    assert "Halabi" not in mail.raw.decode()
    may_be_named(case, "name", now="2024-04-02T05:00Z")
    court.tick("2024-04-04T05:00Z")
    (mail,) = court.mails(user)
    assert "Nadia Halabi" in mail.text
    assert "Magistrates" in mail.text
    may_be_named(case, "name", answer="withdrawn", now="2024-04-05T05:00Z")
    court.tick("2024-04-07T05:00Z")
    (mail,) = court.mails(user)
    assert "Halabi" not in mail.raw.decode()


def test_a_public_hearing_of_a_case_that_is_not_public_names_nobody(court: Any) -> None:
    user = court.follower("amal@example.org")
    case = court.case(audience=Audience.VOLUNTEERS)
    may_be_named(case, "public", "name")
    court.hearing(case, NINE_THIRTY, audience=Audience.PUBLIC)
    court.tick("2024-04-04T05:00Z")
    (mail,) = court.mails(user)
    assert "Halabi" not in mail.raw.decode()
