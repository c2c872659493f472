"""Four real people, told by what a campaign page of June 2024 states and by nothing else, in words of our own.

What happened to them since does not stand here: these cases show what a tracker says of a case nobody has looked at.
"""

from datetime import UTC, date, datetime, timedelta

from tracker.base.audience import Audience
from tracker.base.dates import StatedDate
from tracker.demo.telling import Somebody, Story
from tracker.hearings.rules import on_day
from tracker.timeline.service import Source

#: When the page's edition of March 2024 was read, when the news of April, when the appeal of June.
MARCH, APRIL, JUNE = (
    datetime(2024, 3, 22, 9, 0, tzinfo=UTC),
    datetime(2024, 4, 8, 14, 30, tzinfo=UTC),
    datetime(2024, 6, 7, 12, 0, tzinfo=UTC),
)


def tell(story: Story) -> None:
    """Add the four cases to the story."""
    _khalefa(story, MARCH)
    _amira(story, MARCH + timedelta(minutes=10))
    _daqqah(story, APRIL)
    _al_serr(story, JUNE)


def _page(published: date) -> Source:
    return Source(kind="ngo", address="Campaign page of the country group", published_on=published)


def _khalefa(story: Story, at: datetime) -> None:
    published = date(2024, 3, 21)
    by_then = StatedDate(published, "by")
    story.case(
        "khalefa", at, "noor", "iopt",
        [Somebody("khalefa", ("Ahmad Khalefa",), "lawyer, human rights defender, city council member", "he/him")],
        title="Ahmad Khalefa: charged for slogans at a demonstration",
        summary="Lawyer and newly elected member of a city council, from Umm al-Fahm. Held for nearly four months "
        "after a peaceful demonstration, then kept at home with an electronic tag.",
        risk="medium", owner="noor", deputy="kit", country="IL", state="IL", audience=Audience.VOLUNTEERS,
        agreed="nobody_to_ask",
    )  # fmt: skip
    story.entry(
        "khalefa", at, "noor", "person.arrested", date(2023, 10, 19),
        "Taken by police, with violence, at a peaceful demonstration in his home town; ten others were taken with him.",
        payload={"place": "Umm al-Fahm"}, source=_page(published), audience=Audience.VOLUNTEERS,
    )  # fmt: skip
    story.entry(
        "khalefa", at, "noor", "person.charged", by_then,
        "For slogans against the war in Gaza. The page gives no date.",
        payload={"offences": "incitement to terrorism, identification with a terrorist group"},
        source=_page(published), audience=Audience.VOLUNTEERS,
    )  # fmt: skip
    story.entry(
        "khalefa", at, "noor", "person.placed_under_house_arrest", by_then,
        "On strict terms, after nearly four months in prison. The page gives no date.",
        payload={"conditions": ["electronic_tag"]}, source=_page(published), audience=Audience.VOLUNTEERS,
    )  # fmt: skip
    story.hearing(
        "khalefa", at, "noor", {"khalefa": ["khalefa"]}, on_day("Asia/Jerusalem", date(2024, 4, 8)),
        court="Haifa magistrate's court", told_by="campaign page", audience=Audience.VOLUNTEERS,
        source=_page(published),
    )  # fmt: skip


def _amira(story: Story, at: datetime) -> None:
    published = date(2024, 3, 22)
    story.case(
        "amira", at, "noor", "iopt",
        [Somebody("amira", ("Munther Amira",), "human rights defender, social worker", "he/him")],
        title="Munther Amira: held without charge, released",
        summary="Social worker and human rights defender. Administrative detention from December 2023 until the end of "
        "February 2024.",
        risk="low", owner="kit", country="PS", state="IL", stage="monitoring", audience=Audience.VOLUNTEERS,
        agreed="nobody_to_ask",
    )  # fmt: skip
    for kind, on, text, payload in (
        ("person.arrested", date(2023, 12, 18), "Detained by Israeli forces.", {}),
        (
            "person.detention_ordered", date(2024, 1, 11),
            "A military court confirmed the order.", {"months": 4},
        ),
        ("person.released", date(2024, 2, 29), "Let go from the military prison.", {"place": "Ofer military prison"}),
    ):  # fmt: skip
        story.entry(
            "amira", at, "noor", kind, on, text, payload=payload, source=_page(published), audience=Audience.VOLUNTEERS
        )


def _daqqah(story: Story, at: datetime) -> None:
    published = date(2024, 4, 8)
    story.case(
        "daqqah", at, "noor", "iopt",
        [Somebody("daqqah", ("Walid Daqqah",), "writer", "he/him")],
        title="Walid Daqqah: died in custody",
        summary="Writer, 62 years old, imprisoned for 38 of them: longer than any other Palestinian prisoner in "
        "Israel. The page that tells of his death does not say on which day he died.",
        risk="low", owner="noor", country="IL", state="IL", stage="monitoring",
    )  # fmt: skip
    story.entry(
        "daqqah", at, "noor", "person.died_in_custody", StatedDate(published, "by"),
        "The day is not stated.", source=_page(published),
    )  # fmt: skip


def _al_serr(story: Story, at: datetime) -> None:
    published = date(2024, 6, 7)
    story.case(
        "al-serr", at, "noor", "iopt",
        [Somebody("al-serr", ("Khaled Al Serr",), "surgeon", "he/him")],
        title="Khaled Al Serr: forcibly disappeared from a hospital",
        summary="Surgeon, taken from the hospital in Khan Yunis. The authorities do not say where he is; the little "
        "his family knows comes from colleagues and from people who were let go.",
        risk="critical", owner="noor", deputy="kit", country="PS", state="IL", audience=Audience.VOLUNTEERS,
        agreed="out_of_reach",
    )  # fmt: skip
    story.entry(
        "al-serr", at, "noor", "person.arrested", date(2024, 3, 24), "Detained by the Israeli military.",
        payload={"place": "Nasser hospital, Khan Yunis"}, source=_page(published), audience=Audience.VOLUNTEERS,
    )  # fmt: skip
    story.entry(
        "al-serr", at, "noor", "person.disappeared", date(2024, 3, 24),
        "Since that day his fate and whereabouts are concealed: the page calls it enforced disappearance.",
        source=_page(published), audience=Audience.VOLUNTEERS,
    )  # fmt: skip
