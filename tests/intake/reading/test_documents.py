"""A single document: one urgent action, press release or profile, with labels of its own."""

from datetime import date

import pytest

from tracker.intake.reading.model import EntryRead
from tracker.intake.reading.page import read_page

UPDATE = """17th update on UA: 49/14 Index: MDE 11/7136/2017 Bahrain Date: 22 September 2017

URGENT ACTION
DEFENDER QUESTIONED AGAIN

On 12 September, defender Nadir Rajan was questioned by prosecutors. On 10 July, Nadir Rajan was convicted of spreading
rumours. On 11 September the High Criminal Court put his case off and adjourned to 27 September.
"""

TEMPLATE = """1

URGENT ACTION

URGENT ACTION TITLE: Honduras: Attack on a river's defenders

PUBLICATION DATE: 5 July 2017

URGENT ACTION TYPE AND NUMBER: THIRD UA 060/16

INDEX NUMBER: AMR 37/6674/2017

URGENT ACTION SUMMARY:
On 30 June unknown men attacked Ana Zuniga Ruiz and Sotero Funes
on the road home.

APPEAL DEADLINE NOTICE: 16 August 2017
"""

PROFILE = """14. Anar Asaf oglu Memmed
Date of arrest: 16 December 2013
Charge: Criminal Code Articles 179.3.2 and 213.1
Place of detention: Baku Investigative Prison
Case background: Memmed leads a group that watches elections and is known for it well beyond the
country. On 6 March 2014, the Nasimi District Court extended his pre-trial detention to 16
23
June. Memmed was sentenced to five years by the decision of the Baku Grave Crimes Court on 26 May 2014.
"""


def document(text: str, published: date | None = None) -> EntryRead:
    (entry,) = read_page(text, published).entries
    return entry


def test_the_header_line_gives_number_index_and_date() -> None:
    entry = document(UPDATE)
    assert (entry.kind, entry.title) == ("update", "DEFENDER QUESTIONED AGAIN")
    assert (entry.ua_number, entry.index_number) == ("49/14", "MDE 11/7136/2017")
    assert (entry.published, entry.country) == (date(2017, 9, 22), "BH")
    assert [h.date for h in entry.hearings if h.tense == "upcoming"] == [date(2017, 9, 27)]
    assert entry.status == "convicted_imprisoned"


def test_the_labels_of_the_drafting_template_are_read() -> None:
    entry = document(TEMPLATE)
    assert (entry.title, entry.kind) == ("Attack on a river's defenders", "update")
    assert (entry.published, entry.action_deadline) == (date(2017, 7, 5), date(2017, 8, 16))
    assert (entry.ua_number, entry.country) == ("60/16", "HN")
    assert [p.name for p in entry.persons] == ["Ana Zuniga Ruiz", "Sotero Funes"]
    assert entry.status == "at_risk"


def test_a_profile_is_named_by_its_title_and_read_across_page_numbers() -> None:
    entry = document(PROFILE)
    assert (entry.kind, [p.name for p in entry.persons]) == ("case_profile", ["Anar Asaf oglu Memmed"])
    assert [(e.kind, str(e.date)) for e in entry.events] == [
        ("arrest", "2013-12-16"),
        ("detention_extended", "2014-03-06"),
        ("sentence", "2014-05-26"),
    ]
    assert [h.court for h in entry.hearings] == ["Nasimi District Court", "Baku Grave Crimes Court"]


@pytest.mark.parametrize(
    ("printed", "number"),
    [
        ("UA: 161/19", "161/19"),
        ("UA 161.19", "161/19"),
        ("UA-112/2023", "112/23"),
        ("UA 219 /06", "219/06"),
        ("FI 005/18-3", "5/18"),
        ("Urgent Action 161.19", "161/19"),
        ("Case 1766/2019", None),
        ("UA 000/19", None),
        ("QUA 161/19", None),
    ],
)
def test_the_number_of_an_action_has_one_form(printed: str, number: str | None) -> None:
    text = f"Urgent Action: Free Lamia Qasim ({printed})\n\nLamia Qasim was arrested on 3 May 2024.\n"
    assert document(text).ua_number == number


def test_a_given_date_is_used_where_the_text_prints_none() -> None:
    text = "Urgent Action: Free Lamia Qasim\n\nLamia Qasim was arrested on 3 May.\n"
    assert document(text).events[0].date is None
    entry = document(text, date(2021, 6, 1))
    assert (entry.published, entry.events[0].date) == (date(2021, 6, 1), date(2021, 5, 3))


def test_a_date_the_text_prints_goes_before_a_given_one() -> None:
    text = "Urgent Action: Free Lamia Qasim\n22nd January 2024\n\nLamia Qasim was arrested on 3 May 2023.\n"
    assert document(text, date(2021, 6, 1)).published == date(2024, 1, 22)


def test_a_dateline_is_the_publication_and_no_event() -> None:
    text = "Washington, D.C., August 6, 2020 - Reporter Karim Drane was arrested on March 27 and is held in Kolea.\n"
    entry = document(text)
    assert (entry.kind, entry.published) == ("news", date(2020, 8, 6))
    assert [e.date for e in entry.events] == [date(2020, 3, 27)]


def test_a_first_line_that_is_an_event_is_not_the_publication() -> None:
    text = "Urgent Action\n\nFree Lamia Qasim\n\nTimeline\nDec 27, 2023 - Arrested at home\n\nShe is in detention.\n"
    assert document(text).published is None


def test_no_further_action_makes_it_good_news() -> None:
    text = "Urgent Action: Lamia Qasim\n\nLamia Qasim was released on 3 May 2024.\n\nNO FURTHER ACTION IS REQUESTED.\n"
    assert document(text).kind == "good_news"


def test_short_lines_and_fields_in_a_row_are_sentences_of_their_own() -> None:
    text = (
        "Occupation: Teacher Issue Codes: June 4 1989 speech Date of Detention: 2019/05/17 Detention Location: Sichuan "
        "Information: Police detained the teacher Deng Chuan. They were seen.\n"
    )
    (event,) = [e for e in document(text).events if e.date]
    assert (event.kind, event.date, event.quote) == ("arrest", date(2019, 5, 17), "Date of Detention: 2019/05/17")
