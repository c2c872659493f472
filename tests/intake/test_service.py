"""From a page to proposals and from proposals to cases: nothing asked twice, nothing merged by itself."""

import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from intake_ground import FIRST, FULL, JUNE, MARCH, Desks
from signed_in import make_account
from sqlalchemy import func, select

from tracker.accounts.models import Desk
from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.base.errors import NotFound, Refused, VersionConflict
from tracker.base.work import COMMAND, unit_of_work
from tracker.cases.models import Case, Involvement
from tracker.cases.service import close_case, reopen_case
from tracker.hearings import service as hearings
from tracker.hearings.models import Hearing
from tracker.hearings.rules import on_day
from tracker.intake import service
from tracker.intake.models import Document, Proposal
from tracker.intake.reading.page import read_page
from tracker.people.models import Person
from tracker.timeline.models import Entry, EntrySource


def page(*entries: str) -> str:
    """A country page of these entries."""
    return "Egypt\n\n" + "\n\n".join(entries) + "\n"


def arrested(
    name: str = "Samir Haddad", on: str = "4 March 2024", printed: str = "10/03/2024", title: str = "Free "
) -> str:
    """An entry about somebody arrested."""
    return (
        f"{title}{name} - URGENT ACTION - {printed}\n\n"
        f"On {on} police arrested {name}, a teacher. {name} has been held since then without charge. Take action."
    )


def hearing_set(on: str, printed: str, name: str = "Samir Haddad", title: str = "Date for") -> str:
    """An entry about somebody's next hearing."""
    return (
        f"{title} {name} - URGENT ACTION - {printed}\n\n"
        f"{name}, a teacher, was arrested on 4 March 2024. "
        f"The next hearing of {name} is set for {on} at the Cairo criminal court. Take action."
    )


def stored(table: type) -> int:
    """How many rows there are."""
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(table)) or 0


def states() -> dict[str, int]:
    """Proposals by state."""
    db.session.rollback()
    rows = db.session.execute(select(Proposal.state, func.count()).group_by(Proposal.state))
    return {row[0]: row[1] for row in rows}


# The country page ----------------------------------------------------------------------------------------------------


def test_a_page_proposes_its_individual_cases_and_no_general_news(house: Desks) -> None:
    read = house.read(FULL, JUNE)
    assert read.general == 8
    assert [p.kind for p in read.fresh].count("case") == 4
    assert house.cases() == []


def test_each_proposal_stands_beside_its_sentence(house: Desks) -> None:
    read = house.read(FULL, JUNE)
    for proposal in read.fresh:
        assert read.document.text[proposal.quote_start : proposal.quote_end] == proposal.quote
        assert proposal.quote


def test_all_of_a_page_makes_cases_that_stand_as_the_page_says(house: Desks) -> None:
    house.accept_all(house.read(FULL, JUNE), JUNE)
    stand = {
        name: (status, risk, audience.code, stage)
        for name, status, risk, audience, stage in db.session.execute(
            select(Case.title, Involvement.status, Case.risk, Case.audience, Case.stage).join(
                Involvement, Involvement.case_id == Case.id
            )
        )
    }
    assert sorted(stand.values()) == [
        ("died_in_custody", "low", "desk", "open"),
        ("enforced_disappearance", "critical", "desk", "open"),
        ("house_arrest", "medium", "desk", "open"),
        ("released", "low", "desk", "open"),
    ]


def test_a_death_without_a_date_gets_none(house: Desks) -> None:
    house.accept_all(house.read(FULL, JUNE), JUNE)
    death = db.session.scalars(select(Entry).where(Entry.kind == "person.died_in_custody")).one()
    assert (death.happened_on, death.precision, death.latest_on) == (None, "by", date(2024, 4, 8))


def test_what_is_taken_keeps_its_sentence_and_its_page_as_the_source(house: Desks) -> None:
    read = house.read(FIRST)
    house.accept_all(read)
    source = db.session.scalars(
        select(EntrySource).join(Entry, Entry.id == EntrySource.entry_id).where(Entry.kind == "person.released")
    ).one()
    assert source.document_id == read.document.id
    assert "released from Ofer military prison" in source.quote
    assert (source.kind, source.address, source.published_on) == ("ngo", "page.txt", date(2024, 3, 22))


def test_a_hearing_is_as_fresh_as_the_page_not_as_our_reading_of_it(house: Desks) -> None:
    house.accept_all(house.read(FIRST, JUNE), JUNE)
    hearing = db.session.scalars(select(Hearing)).one()
    assert hearing.confirmed_at == datetime(2024, 3, 22, 12, tzinfo=UTC)
    assert (hearing.local_date, hearing.zone, hearing.state) == (date(2024, 4, 8), "Asia/Jerusalem", "scheduled")


# Asked once ----------------------------------------------------------------------------------------------------------


def test_the_same_page_again_proposes_nothing(house: Desks) -> None:
    first = house.read(FIRST)
    again = house.read(FIRST, MARCH + timedelta(days=1))
    assert (again.fresh, again.known) == ([], len(first.fresh))
    assert stored(Document) == 1


def test_the_same_page_proposes_nothing_after_it_was_taken(house: Desks) -> None:
    house.accept_all(house.read(FIRST))
    assert house.read(FIRST).fresh == []
    assert house.read(FIRST.read_text() + "\n\n").fresh == []


def test_a_later_edition_proposes_only_what_is_new(house: Desks) -> None:
    house.accept_all(house.read(FIRST))
    later = house.read(FULL, JUNE)
    assert {p.payload["title"][:12] for p in later.fresh if p.kind == "case"} == {"Bring back t", "Walid Daqqah"}
    assert all(p.case_id is None for p in later.fresh)
    house.accept_all(later, JUNE)
    assert len(house.cases()) == 4
    assert house.read(FULL, JUNE).fresh == []


def test_what_was_turned_down_does_not_come_back_in_any_edition(house: Desks) -> None:
    first = house.read(FIRST)
    for group in service.open_groups(db.session(), first.document).values():
        house.reject(group)
    assert house.read(FIRST).fresh == []
    later = house.read(FULL, JUNE)
    assert {p.payload["title"][:12] for p in later.fresh if p.kind == "case"} == {"Bring back t", "Walid Daqqah"}


def test_turning_a_case_down_leaves_the_rest_of_it_out(house: Desks) -> None:
    read = house.read(page(arrested()))
    house.reject([p for p in read.fresh if p.kind == "case"])
    assert states() == {"rejected": 1, "left_out": len(read.fresh) - 1}


def test_news_of_an_entry_that_was_turned_down_is_not_asked_about(house: Desks) -> None:
    read = house.read(page(arrested()))
    house.reject([p for p in read.fresh if p.kind == "case"])
    longer = arrested() + " On 9 March 2024 a court charged Samir Haddad with insult."
    assert house.read(page(longer)).fresh == []


def test_a_new_entry_about_somebody_turned_down_is_asked_about(house: Desks) -> None:
    read = house.read(page(arrested()))
    house.reject([p for p in read.fresh if p.kind == "case"])
    new = house.read(page(hearing_set("20 April 2024", "28/03/2024")))
    assert [p.kind for p in new.fresh].count("case") == 1


def test_an_entry_taken_alone_makes_the_case_it_belongs_to(house: Desks) -> None:
    read = house.read(page(arrested()))
    event = next(p for p in read.fresh if p.kind == "event")
    house.accept([event])
    [case] = house.cases()
    proposal = db.session.scalars(select(Proposal).where(Proposal.kind == "case")).one()
    assert (proposal.state, proposal.case_id) == ("accepted", case.id)
    for other in read.fresh:
        if db.session.get(Proposal, other.id).state == "open":  # type: ignore[union-attr]  # it is there
            house.accept([other])
    assert len(house.cases()) == 1


def test_nothing_goes_into_a_case_that_was_turned_down(house: Desks) -> None:
    read = house.read(page(arrested()))
    house.reject([p for p in read.fresh if p.kind == "case"])
    event = next(p for p in read.fresh if p.kind == "event")
    with pytest.raises(VersionConflict):
        house.accept([event])
    assert house.cases() == []


def test_what_was_decided_is_not_decided_twice(house: Desks) -> None:
    read = house.read(page(arrested()))
    house.accept(list(read.fresh))
    with pytest.raises(VersionConflict):
        house.accept(list(read.fresh))
    with pytest.raises(VersionConflict):
        house.reject([read.fresh[-1]])
    with pytest.raises(NotFound):
        house.accept([])
    assert len(house.cases()) == 1


# Whose case ----------------------------------------------------------------------------------------------------------


def test_a_page_about_somebody_whose_case_is_kept_goes_into_that_case(house: Desks) -> None:
    house.accept_all(house.read(page(arrested())))
    [case] = house.cases()
    new = house.read(page(hearing_set("20 April 2024", "28/03/2024")), MARCH + timedelta(days=8))
    assert {p.kind for p in new.fresh} == {"hearing"}, "the arrest is known, the case is there"
    assert {p.case_id for p in new.fresh} == {case.id}


def test_two_entries_of_one_page_about_one_person_make_one_case(house: Desks) -> None:
    read = house.read(page(hearing_set("20 April 2024", "28/03/2024"), arrested()))
    assert [p.kind for p in read.fresh].count("case") == 1
    house.accept_all(read)
    assert len(house.cases()) == 1
    assert stored(Person) == 1
    assert house.read(page(arrested())).fresh == []


@pytest.mark.parametrize(
    ("held", "read"),
    [
        ("Mahmoud Ali", "Muhammad Ali"),
        ("Hassan Nasser", "Hussein Nasser"),
        ("Samir Haddad", "Samira Haddad"),
        ("Samir Haddad", "Samir Haddad Mansour"),
    ],
)
def test_a_like_name_is_a_case_of_its_own_until_a_human_says_otherwise(house: Desks, held: str, read: str) -> None:
    house.accept_all(house.read(page(arrested(held))))
    new = house.read(page(arrested(read, printed="11/03/2024")))
    assert [p.kind for p in new.fresh].count("case") == 1
    house.accept_all(new)
    assert len(house.cases()) == 2


def test_a_human_may_put_a_like_name_into_the_case_that_is_kept(house: Desks) -> None:
    house.accept_all(house.read(page(arrested("Muhammad Haddad"))))
    [case] = house.cases()
    new = house.read(page(arrested("Mohamad Haddad", on="6 March 2024", printed="11/03/2024")))
    house.accept(list(new.fresh), into=db.session.get(Case, case.id))
    assert len(house.cases()) == 1
    assert stored(Person) == 1


def test_a_closed_case_is_not_opened_by_a_page_about_somebody_of_that_name(house: Desks) -> None:
    house.accept_all(house.read(page(arrested())))
    with unit_of_work("cases.close", COMMAND, now=MARCH):
        session = db.session()
        close_case(session, session.scalars(select(Case)).one(), house.desk, reason="released")
    new = house.read(page(hearing_set("20 April 2024", "28/03/2024")))
    assert [p.kind for p in new.fresh].count("case") == 1


def test_two_cases_of_one_name_leave_the_choice_to_a_human(house: Desks) -> None:
    house.accept_all(house.read(page(arrested())))
    first = house.cases()[0].id
    with unit_of_work("cases.close", COMMAND, now=MARCH):
        close_case(db.session(), db.session.get_one(Case, first), house.desk, reason="released")
    house.accept_all(house.read(page(arrested(on="8 March 2024", printed="11/03/2024"))))
    with unit_of_work("cases.reopen", COMMAND, now=MARCH):
        reopen_case(db.session(), db.session.get_one(Case, first), house.desk, words="Held again.")
    assert len(house.cases()) == 2
    new = house.read(page(hearing_set("20 April 2024", "28/03/2024")))
    assert [p.kind for p in new.fresh].count("case") == 1


# Hearings ------------------------------------------------------------------------------------------------------------


def with_hearing(house: Desks) -> Hearing:
    """A case with a hearing on 8 April."""
    house.accept_all(house.read(page(hearing_set("8 April 2024", "18/03/2024"))))
    return db.session.scalars(select(Hearing)).one()


def test_another_date_ahead_is_proposed_as_a_move(house: Desks) -> None:
    hearing = with_hearing(house)
    later = MARCH + timedelta(days=7)
    new = house.read(page(hearing_set("22 April 2024", "29/03/2024", title="New date for")), later)
    [moved] = [p for p in new.fresh if p.kind == "hearing"]
    assert moved.payload["moves"] == hearing.id
    house.accept([moved], later)
    db.session.rollback()
    held = db.session.scalars(select(Hearing)).one()
    assert (held.local_date, held.last_change, held.schedule_rev) == (date(2024, 4, 22), "moved", 2)
    assert held.confirmed_at == datetime(2024, 3, 29, 9, tzinfo=UTC), "as fresh as the page, and never ahead of now"
    entry = db.session.scalars(select(Entry).where(Entry.kind == "hearing.moved")).one()
    quotes = db.session.scalars(select(EntrySource.quote).where(EntrySource.entry_id == entry.id)).all()
    assert "22 April 2024" in quotes[0]


def test_the_same_date_again_is_nothing_new(house: Desks) -> None:
    with_hearing(house)
    new = house.read(page(hearing_set("8 April 2024", "29/03/2024", title="Do not forget")), MARCH + timedelta(days=7))
    assert [p for p in new.fresh if p.kind == "hearing"] == []


def test_a_date_after_one_that_has_passed_is_a_hearing_of_its_own(house: Desks) -> None:
    with_hearing(house)
    later = datetime(2024, 4, 12, 9, tzinfo=UTC)
    new = house.read(page(hearing_set("22 April 2024", "12/04/2024", title="Goes on for")), later)
    [proposal] = [p for p in new.fresh if p.kind == "hearing"]
    assert proposal.payload["moves"] is None
    house.accept([proposal], later)
    assert stored(Hearing) == 2


def test_an_older_page_moves_nothing_back(house: Desks) -> None:
    hearing = with_hearing(house)
    with unit_of_work("hearings.move", COMMAND, now=MARCH + timedelta(days=3)):
        held = hearings.get_hearing(db.session(), hearing.id)
        when = on_day("Asia/Jerusalem", date(2024, 4, 22))
        hearings.move_hearing(db.session(), held, when, version=held.version)
    old = house.read(page(hearing_set("9 April 2024", "20/03/2024", title="Older news of")), MARCH + timedelta(days=4))
    assert [p.payload["moves"] for p in old.fresh if p.kind == "hearing"] == [None]


def test_a_move_that_was_made_by_hand_in_the_meantime_is_not_made_twice(house: Desks) -> None:
    hearing = with_hearing(house)
    later = MARCH + timedelta(days=7)
    new = house.read(page(hearing_set("22 April 2024", "29/03/2024", title="New date for")), later)
    [moved] = [p for p in new.fresh if p.kind == "hearing"]
    with unit_of_work("hearings.move", COMMAND, now=later):
        held = hearings.get_hearing(db.session(), hearing.id)
        when = on_day("Asia/Jerusalem", date(2024, 4, 22))
        hearings.move_hearing(db.session(), held, when, version=held.version)
    house.accept([moved], later)
    assert stored(Hearing) == 1
    assert states() == {"accepted": 1, "accepted_unread": 3}


def test_a_hearing_the_page_tells_of_as_past_took_place(house: Desks) -> None:
    text = page(
        "Samir Haddad before the court - URGENT ACTION - 22/03/2024\n\n"
        "Samir Haddad, a teacher, was arrested on 4 March 2024. "
        "A hearing in the case of Samir Haddad was held on 14 March 2024 at the Cairo criminal court. Take action."
    )
    house.accept_all(house.read(text))
    [hearing] = db.session.scalars(select(Hearing)).all()
    assert (hearing.local_date, hearing.state) == (date(2024, 3, 14), "took_place")


# What an import is ---------------------------------------------------------------------------------------------------


def test_first_stale_dates_of_an_import_are_spread(house: Desks) -> None:
    names = ("Samir Haddad", "Rima Khalil", "Omar Nassar", "Layla Farouk")
    house.accept_all(house.read(page(*(arrested(name) for name in names))))
    days = [case.stale_at.date() for case in house.cases() if case.stale_at]
    assert len(days) == len(set(days)) == 4
    assert days == sorted(days)


def test_taken_unread_and_taken_by_a_reader_are_told_apart(house: Desks) -> None:
    one, two = house.read(page(arrested())), house.read(page(arrested("Rima Khalil")))
    house.accept_all(one)
    house.accept(list(two.fresh))
    assert states() == {"accepted_unread": len(one.fresh), "accepted": len(two.fresh)}


def test_news_that_somebody_reviewed_counts_as_a_look_at_the_case_an_unread_import_does_not(house: Desks) -> None:
    house.accept_all(house.read(page(arrested())))
    assert house.cases()[0].last_checked_at is None
    later = MARCH + timedelta(days=7)
    new = house.read(page(hearing_set("20 April 2024", "28/03/2024")), later)
    house.accept(list(new.fresh), later)
    assert house.cases()[0].last_checked_at == later


def test_what_cannot_be_written_stays_open_and_the_rest_is_taken(house: Desks) -> None:
    text = page(arrested(), hearing_set("20 April 2024", "28/03/2024", name="Rima Khalil"))
    read = house.read(text)
    event = next(p for p in read.fresh if p.kind == "event")
    with unit_of_work("test", COMMAND):
        db.session.get(Proposal, event.id).payload = {**event.payload, "date": "2031-01-01"}  # type: ignore[union-attr]
    taken = house.accept_all(read)
    assert [why for one in taken for _p, why in one.left_open] == [
        "That day has not come yet. What lies ahead is a hearing, not an entry."
    ]
    assert states()["open"] == 1
    assert len(house.cases()) == 2


def test_a_reader_is_told_what_cannot_be_written_and_nothing_is(house: Desks) -> None:
    read = house.read(page(arrested()))
    event = next(p for p in read.fresh if p.kind == "event")
    with pytest.raises(Refused, match="not come yet"):
        house.accept(list(read.fresh), edits={event.id: {"date": "2031-01-01"}})
    assert house.cases() == []
    assert states() == {"open": len(read.fresh)}


def test_what_happened_to_somebody_not_in_the_case_is_not_told_of_everybody(house: Desks) -> None:
    read = house.read(page(arrested()))
    house.accept([p for p in read.fresh if p.kind == "case"], edits={})
    event = next(p for p in read.fresh if p.kind == "event")
    with pytest.raises(Refused, match="not in the case"):
        house.accept([event], edits={event.id: {"persons": ["Somebody Else"]}})


def test_only_staff_of_the_desk_can_be_given_a_case(house: Desks) -> None:
    stranger = make_account("other@example.org")
    read = house.read(page(arrested()))
    with pytest.raises(Refused, match="Only active staff of the desk"):
        house.accept(list(read.fresh), owner=stranger)
    assert house.cases() == []


# At the same moment --------------------------------------------------------------------------------------------------


def at_once(app: Flask, *acts: object) -> list[BaseException | None]:
    """Do these at the same moment, each in a thread with connections of its own; what each ended with."""
    start = threading.Barrier(len(acts))
    ended: list[BaseException | None] = [None] * len(acts)

    def run(number: int, act: object) -> None:
        with app.app_context():
            try:
                start.wait(60)
                act()  # type: ignore[operator]  # a function
            except Exception as fault:
                ended[number] = fault
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=(n, act)) for n, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return ended


def test_two_reviewers_who_accept_at_the_same_moment_make_one_case(app: Flask, house: Desks) -> None:
    read = house.read(page(arrested()))
    ids, desk_id = [p.id for p in read.fresh], house.desk.id
    db.session.rollback()

    def take() -> None:
        with unit_of_work("intake.accept", COMMAND, now=MARCH):
            session = db.session()
            proposals = [session.get_one(Proposal, i) for i in ids]
            service.accept(session, session.get_one(Desk, desk_id), proposals, owner=None)

    ended = at_once(app, take, take, take)
    assert sorted(type(e).__name__ for e in ended) == ["NoneType", "VersionConflict", "VersionConflict"], ended
    assert len(house.cases()) == 1
    assert stored(Person) == 1


def test_two_reviewers_who_accept_different_things_of_one_case_make_one_case(app: Flask, house: Desks) -> None:
    read = house.read(page(hearing_set("8 April 2024", "18/03/2024")))
    ids = [p.id for p in read.fresh if p.kind in ("event", "hearing")]
    assert len(ids) == 2
    desk_id = house.desk.id
    db.session.rollback()

    def taking(proposal_id: int) -> object:
        def take() -> None:
            with unit_of_work("intake.accept", COMMAND, now=MARCH):
                session = db.session()
                proposal = session.get_one(Proposal, proposal_id)
                service.accept(session, session.get_one(Desk, desk_id), [proposal], owner=None)

        return take

    assert at_once(app, *(taking(i) for i in ids)) == [None, None]
    assert len(house.cases()) == 1


def test_one_page_read_by_two_at_the_same_moment_is_one_page(app: Flask, house: Desks) -> None:
    text = FIRST.read_text()
    desk_id = house.desk.id
    db.session.rollback()

    def read() -> None:
        with unit_of_work("intake.propose", COMMAND, now=MARCH):
            session = db.session()
            desk = session.get_one(Desk, desk_id)
            document = service.keep_document(session, desk, text, "page.txt", date(2024, 3, 22))
            service.propose(session, desk, document, read_page(text))

    assert at_once(app, read, read, read) == [None, None, None]
    assert stored(Document) == 1
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(Proposal).where(Proposal.kind == "case")) == 2


# Cases kept from the reader ------------------------------------------------------------------------------------------


def _restrict(case: Case) -> None:
    with unit_of_work("case.restrict", COMMAND, now=MARCH):
        db.session.get_one(Case, case.id).audience = Audience.NAMED


def test_a_page_about_somebody_whose_case_is_hidden_reads_like_one_about_a_stranger(house: Desks) -> None:
    house.accept_all(house.read(page(arrested())))
    [hidden] = house.cases()
    _restrict(hidden)
    stranger = make_account("karim@example.org", desk="iopt")
    other = house.read(page(arrested(title="Let go of ")), by=stranger)
    assert [p.kind for p in other.fresh] == ["case", "event"]
    assert [p.case_id for p in other.fresh] == [None] * len(other.fresh)
    assert other.known == 0


@pytest.mark.parametrize("by_command", [True, False])
def test_the_very_page_of_a_hidden_case_is_proposed_anew_and_makes_a_case_of_its_own(
    house: Desks, by_command: bool
) -> None:
    first = house.read(page(arrested()))
    house.accept_all(first)
    [hidden] = house.cases()
    _restrict(hidden)
    stranger = None if by_command else make_account("karim@example.org", desk="iopt")
    again = house.read(page(arrested()), by=stranger)
    assert (len(again.fresh), again.known) == (len(first.fresh), 0)
    taken = house.accept(again.fresh, owner=stranger)
    assert taken.case.id != hidden.id
    mine = house.read(page(arrested()), by=house.amal)
    assert mine.fresh == [], "who sees the hidden case was asked"


def test_what_is_left_of_a_group_is_hidden_with_its_case(house: Desks) -> None:
    read = house.read(page(arrested()))
    house.accept([p for p in read.fresh if p.kind == "case"])
    [hidden] = house.cases()
    _restrict(hidden)
    stranger = make_account("karim@example.org", desk="iopt")
    assert service.open_groups(db.session(), read.document, stranger.id) == {}
    assert list(service.open_groups(db.session(), read.document, house.amal.id))


# What is held already ------------------------------------------------------------------------------------------------


def undated(printed: str = "22/03/2024", title: str = "Charged") -> str:
    """An entry that tells of an arrest, and of a charge without its day."""
    return (
        f"{title}: Samir Haddad - URGENT ACTION - {printed}\n\n"
        "On 4 March 2024 police arrested Samir Haddad, a teacher. "
        "Samir Haddad was charged with spreading false news. Take action."
    )


def kinds(read: object) -> list[str]:
    """What a reading proposed to write, by kind of entry."""
    return [p.payload["kind"] for p in read.fresh if p.kind == "event"]  # type: ignore[attr-defined]  # what a house reads


def test_an_undated_charge_the_case_holds_is_not_proposed_again(house: Desks) -> None:
    first = house.read(page(undated()))
    assert "person.charged" in kinds(first)
    house.accept_all(first)
    again = house.read(
        page(undated("30/03/2024", "Still held").replace("with spreading", "with the spreading of")), JUNE
    )
    assert (again.fresh, again.known) == ([], 2)


def test_an_undated_charge_on_a_page_older_than_the_one_held_is_proposed(house: Desks) -> None:
    house.accept_all(house.read(page(undated())))
    older = house.read(page(undated("10/03/2024", "Held").replace("with spreading", "with the spreading of")), JUNE)
    assert kinds(older) == ["person.charged"]


def test_reading_a_page_again_counts_all_it_proposed_as_known(house: Desks) -> None:
    first = house.read(FIRST)
    house.accept_all(first)
    again = house.read(FIRST, JUNE)
    assert (again.fresh, again.known) == ([], len(first.fresh))


def test_a_hearing_announced_for_a_day_that_has_passed_is_not_said_to_have_taken_place(house: Desks) -> None:
    text = page(
        "Samir Haddad before the court - URGENT ACTION - 22/03/2024\n\n"
        "Samir Haddad, a teacher, was arrested on 4 March 2019. "
        "A hearing in the case of Samir Haddad will be held on 08 April 2019 at the Cairo criminal court. Take action."
    )
    read = house.read(text)
    house.accept_all(read)
    [hearing] = db.session.scalars(select(Hearing)).all()
    assert (hearing.local_date, hearing.state) == (date(2019, 4, 8), "scheduled")


@pytest.mark.parametrize(
    ("text", "told_by"),
    [
        (page(hearing_set("20 April 2024", "28/03/2024")), "Egypt page, 28 March 2024"),
        (
            page(hearing_set("20 April 2024", "28/03/2024")).removeprefix("Egypt\n\n"),
            "a page that was read, 28 March 2024",
        ),
    ],
    ids=["a heading", "none"],
)
def test_a_date_is_told_by_the_page_not_by_the_name_of_its_file(house: Desks, text: str, told_by: str) -> None:
    house.accept_all(house.read(text))
    [hearing] = db.session.scalars(select(Hearing)).all()
    assert hearing.confirmed_from == told_by
    [source] = set(db.session.scalars(select(EntrySource.address)))
    assert source == "page.txt"


# Days that cannot be -------------------------------------------------------------------------------------------------


def impossible(printed: str) -> str:
    """A page with a hearing on a day as printed."""
    return page(
        "Date for Samir Haddad - URGENT ACTION - 22/03/2024\n\n"
        "Samir Haddad, a teacher, was arrested on 4 March 2024. His next hearing will be on "
        + printed
        + ". Take action."
    )


@pytest.mark.parametrize(
    "printed", ["31/06/2024", "30/02/2024", "29/02/2023", "2024-06-31", "31 June 2024", "04/13/2024"]
)
def test_a_hearing_on_a_day_that_cannot_be_stays_open_with_the_reason(house: Desks, printed: str) -> None:
    read = house.read(impossible(printed))
    [hearing] = [p for p in read.fresh if p.kind == "hearing"]
    assert hearing.payload["no_such_day"] == printed
    [taken] = house.accept_all(read)
    [(left, why)] = taken.left_open
    assert (left.id, stored(Hearing)) == (hearing.id, 0)
    assert why.startswith(f"{printed}: there is no such day")
    house.accept([hearing], edits={hearing.id: {"date": "2024-07-01", "precision": "day", "no_such_day": None}})
    assert stored(Hearing) == 1


@pytest.mark.parametrize("printed", ["30/06/2024", "29/02/2024", "2024-06-30", "30 June 2024"])
def test_the_last_day_of_a_month_is_a_day(house: Desks, printed: str) -> None:
    read = house.read(impossible(printed))
    [hearing] = [p for p in read.fresh if p.kind == "hearing"]
    assert (hearing.payload["no_such_day"], hearing.payload["precision"]) == (None, "day")
