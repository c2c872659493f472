"""What happened and what lies ahead, as an entry tells it."""

from datetime import date, time

import pytest

from tracker.intake.reading.model import EntryRead
from tracker.intake.reading.page import read_page

ARRESTED = "Lamia Qasim was arrested on 3 May 2024. "


def entry(body: str, published: str = "07/06/2024", label: str = "URGENT ACTION") -> EntryRead:
    (one,) = read_page(f"Somebody needs you - {label} - {published}\n\n{body}\n").entries
    return one


def events(body: str) -> list[tuple[str, str | None]]:
    return [(e.kind, e.as_json()["date"]) for e in entry(body).events]


@pytest.mark.parametrize(
    ("sentence", "kind"),
    [
        ("She was charged with incitement on 9 May 2024.", "charge"),
        ("On 9 May 2024 a court ordered her pre-trial detention.", "detention_order"),
        ("A judge extended her detention on 9 May 2024.", "detention_extended"),
        ("On 9 May 2024 she was put under house arrest.", "house_arrest"),
        ("On 9 May 2024 she was released on bail.", "release_conditional"),
        ("On 9 May 2024 she was released from prison.", "release"),
        ("She was transferred to Ofer on 9 May 2024.", "transfer"),
        ("On 9 May 2024 she was convicted of incitement.", "conviction"),
        ("She was sentenced to two years on 9 May 2024.", "sentence"),
        ("On 9 May 2024 she was acquitted.", "acquittal"),
        ("The appeal was rejected on 9 May 2024.", "appeal"),
        ("On 9 May 2024 she was beaten by guards.", "torture_or_illtreatment"),
        ("On 9 May 2024 she wrote to her family.", "other"),
    ],
)
def test_each_cue_gives_its_kind(sentence: str, kind: str) -> None:
    assert events(ARRESTED + sentence) == [("arrest", "2024-05-03"), (kind, "2024-05-09")]


@pytest.mark.parametrize(
    "sentence",
    [
        "The authorities must release her and drop the charges.",
        "If convicted, she could be sentenced to ten years.",
        "We call for her to be released from prison.",
        "She has not been charged with anything.",
        "She risks being sentenced to death.",
        "Her family fears for her\nIf convicted, she faces ten years in jail.",
        "Police carried out arrest raids on other homes.",
    ],
)
def test_what_is_demanded_feared_or_denied_is_no_event(sentence: str) -> None:
    assert events(ARRESTED + sentence) == [("arrest", "2024-05-03")]


def test_an_event_without_a_date_has_none_even_beside_a_publication_date() -> None:
    (one,) = entry("Lamia Qasim has died in custody.").events
    assert (one.kind, one.date, one.precision, one.inferred) == ("death", None, "by", None)


def test_a_day_that_does_not_exist_leaves_the_event_without_a_date() -> None:
    assert events("Lamia Qasim was arrested on 31 June 2024.") == [("arrest", None)]


def test_a_fact_told_twice_is_read_once_and_its_dated_form_is_kept() -> None:
    assert events("Lamia Qasim was arrested. Soldiers arrested Lamia Qasim on 3 May 2024. " + ARRESTED) == [
        ("arrest", "2024-05-03")
    ]


def test_two_events_in_one_sentence_have_each_their_own_date() -> None:
    body = "Lamia Qasim was arrested on 3 May 2024 and was charged with incitement on 9 May 2024."
    assert events(body) == [("arrest", "2024-05-03"), ("charge", "2024-05-09")]


def test_a_date_is_not_lent_to_a_second_event() -> None:
    body = "Lamia Qasim was arrested on 3 May 2024 and charged with incitement."
    assert events(body) == [("arrest", "2024-05-03"), ("charge", None)]


def test_the_end_of_an_order_is_no_event() -> None:
    body = ARRESTED + "On 9 May 2024 a judge extended her detention to 16 September 2024."
    assert events(body) == [("arrest", "2024-05-03"), ("detention_extended", "2024-05-09")]


def test_an_inferred_year_is_marked() -> None:
    (one,) = entry("Lamia Qasim was arrested on 3 May.").events
    assert (one.date, one.inferred) == (date(2024, 5, 3), "year")


def test_an_event_names_whom_its_sentence_names() -> None:
    one = entry("Lamia Qasim was arrested on 3 May 2024. Omar Haddad was arrested on 4 May 2024.")
    assert [(e.persons, e.date) for e in one.events] == [
        (("Lamia Qasim",), date(2024, 5, 3)),
        (("Omar Haddad",), date(2024, 5, 4)),
    ]


@pytest.mark.parametrize(
    ("published", "tense"), [("07/04/2024", "upcoming"), ("08/04/2024", "upcoming"), ("09/04/2024", "past")]
)
def test_the_tense_of_a_hearing_is_that_of_the_day_of_publication(published: str, tense: str) -> None:
    body = "Lamia Qasim was arrested on 3 March 2024. Her hearing will be held on 8 April 2024."
    (hearing,) = entry(body, published).hearings
    assert hearing.tense == tense


def test_a_hearing_has_its_time_and_court() -> None:
    body = ARRESTED + "Her trial will open before the Abdeen Misdemeanours Court on 12 June 2024 at 9.30am."
    (hearing,) = entry(body).hearings
    assert (hearing.date, hearing.time) == (date(2024, 6, 12), time(9, 30))
    assert (hearing.court, hearing.kind) == ("Abdeen Misdemeanours Court", "trial_session")
    assert hearing.as_json()["time"] == "09:30"


def test_an_adjourned_hearing_gives_the_day_it_sat_and_the_next() -> None:
    body = ARRESTED + "On 28 May the High Criminal Court adjourned her trial to 11 July."
    assert [(h.date, h.tense, h.inferred) for h in entry(body).hearings] == [
        (date(2024, 5, 28), "past", "year"),
        (date(2024, 7, 11), "upcoming", "year"),
    ]


def test_an_adjournment_over_the_new_year_goes_forward() -> None:
    body = "Lamia Qasim was arrested on 3 May 2023. The hearing of 12 December was adjourned until 9 January."
    assert [h.date for h in entry(body, "14/12/2023").hearings] == [date(2023, 12, 12), date(2024, 1, 9)]


def test_a_hearing_announced_without_a_date_has_none() -> None:
    (hearing,) = entry(ARRESTED + "Her next hearing has not been announced.").hearings
    assert (hearing.date, hearing.precision, hearing.tense) == (None, "not_set", "upcoming")


def test_tomorrow_counts_from_the_publication() -> None:
    (hearing,) = entry(ARRESTED + "The appeal will be heard tomorrow.").hearings
    assert (hearing.date, hearing.inferred) == (date(2024, 6, 8), "relative")


def test_a_military_court_without_a_name_that_confirms_an_order_is_no_hearing() -> None:
    one = entry(ARRESTED + "On 9 May 2024 an Israeli military court confirmed a detention order against her.")
    assert [e.kind for e in one.events] == ["arrest", "detention_order"]
    assert one.hearings == ()


@pytest.mark.parametrize(
    ("sentences", "status"),
    [
        ("", "detained_without_charge"),
        ("She was charged with incitement.", "pretrial_detention"),
        ("She was charged with incitement. Her trial will open on 12 June 2024.", "on_trial_detained"),
        ("On 9 May 2024 a six-month administrative detention order was issued.", "administrative_detention"),
        ("She was later put under house arrest.", "house_arrest"),
        ("On 9 May 2024 she was released.", "released"),
        ("On 9 May 2024 she was released on bail.", "released_on_conditions"),
        ("On 9 May 2024 she was sentenced to two years in prison.", "convicted_imprisoned"),
        ("She is held under the law on unlawful combatants.", "detained_unlawful_combatant"),
        ("She has been subjected to enforced disappearance.", "enforced_disappearance"),
        ("Lamia Qasim died in custody.", "died_in_custody"),
    ],
)
def test_the_status_is_what_the_events_add_up_to(sentences: str, status: str) -> None:
    assert entry(ARRESTED + sentences).status == status


def test_the_status_follows_the_dates_not_the_order_of_the_telling() -> None:
    body = "On 29 February 2024 Lamia Qasim was released. She had been arrested on 18 December 2023."
    assert entry(body).status == "released"
    body = "She had been released on 18 December 2023. On 29 February 2024 Lamia Qasim was arrested."
    assert entry(body).status == "detained_without_charge"
