"""What volunteers of the demo are asked to write: one action that is open in three languages, one that a report put on
hold, one that was stopped; and two for the desk alone, of which one ends soon and one has ended; and a group that
writes together. Officials, embassies and people are invented; addresses end where no mail is taken."""

from datetime import date, time, timedelta

from sqlalchemy import select

from tracker.actions.models import UrgentAction
from tracker.actions.service import LetterGiven, activate_action, draft_action, stop_action
from tracker.base.audience import Audience
from tracker.demo.invented import COURT_PAPER
from tracker.demo.telling import Story
from tracker.groups import service as groups
from tracker.groups.models import Group, GroupInvitation
from tracker.publishing.service import set_up_page, write_entry
from tracker.steps.service import record_step
from tracker.targets.models import Target
from tracker.targets.service import edit_target, record_target, report_target

#: The officials and embassies by the word acts of the demo call them by.
TARGETS = {
    "advocate": {
        "kind": "official", "country": "IL", "office": "Military Advocate General", "name": "D. Dugma",
        "salutation": "Dear Advocate General,", "email": "advocate@example.org", "phone": "+44 7700 900151",
        "postal": "Office of the Military Advocate General\n12 Example Street\n6100001 Tel Aviv\nIsrael",
    },
    "prosecutor": {
        "kind": "official", "country": "KZ", "office": "Prosecutor General", "name": "A. Primerov",
        "salutation": "Dear Prosecutor General,", "language": "ru", "email": "prosecutor@example.org",
        "postal": "Office of the Prosecutor General\n8 Example Avenue\n010000 Astana\nKazakhstan",
    },
    "minister": {
        "kind": "official", "country": "PS", "office": "Minister of Justice", "name": "W. Mithali",
        "salutation": "Your Excellency,", "email": "justice@example.org", "postal": "1 Example Square\nRamallah",
    },
    "embassy": {
        "kind": "embassy", "country": "IL", "hosted_in": "CA", "office": "Embassy in Ottawa",
        "salutation": "Dear Ambassador,", "email": "ottawa@example.org", "postal": "1 Example Road\nOttawa, Ontario",
    },
}  # fmt: skip


def tell(story: Story) -> None:
    """Add the target book, the actions and what was done for them to the story."""
    _book(story)
    _country_page(story)
    _noga(story)
    _yusuf(story)
    _aigul(story)
    _adam(story)
    _hadas(story)
    _group(story)


def _book(story: Story) -> None:
    def record() -> None:
        for fields in TARGETS.values():
            record_target(story.session, **fields)

    story.act(story.at("iopt", 60, "10:00"), "noor", "targets.record", record)


def _country_page(story: Story) -> None:
    """The page of the desk that anybody reads."""
    at = story.at("iopt", 40, "14:00")

    def do() -> None:
        desk = story.desk("iopt")
        set_up_page(
            story.session, desk, version=0, is_open=True, contact="iopt@example.org", names_coordinators=False,
            document_years=[at.year - 1, at.year], documents_url="",
        )  # fmt: skip
        write_entry(
            story.session, desk, kind="good_news", title="A shepherd is back with his flock",
            text="An invented piece of news: after eleven weeks he was let go without a charge.",
            published_on=at.date(),
        )  # fmt: skip

    story.act(at, "noor", "publishing.set_up", do)


def _open(
    story: Story, case: str, days_ago: int, target: str, letters: list[LetterGiven], *, by: str, number: str,
    title: str, summary: str, cautions: str = "", act_until: date | None = None,
    audience: Audience = Audience.VOLUNTEERS,
) -> None:  # fmt: skip
    at = story.at("iopt", days_ago, "10:40")

    def do() -> None:
        action = draft_action(
            story.session, story.case_of(case), title=title, ua_number=number, summary=summary, cautions=cautions,
            letters=letters, act_until=act_until, audience=audience,
            targets=story.session.scalars(select(Target).where(Target.office == TARGETS[target]["office"])).all(),
        )  # fmt: skip
        activate_action(story.session, story.case_of(case), action, version=action.version)

    story.act(at, by, "actions.activate", do)


def _written(story: Story, case: str, days_ago: int, channel: str, count: int, by: str = "robin") -> None:
    at = story.at("iopt", days_ago, "19:30")

    def do() -> None:
        source = "self" if by == "robin" else "staff"
        record_step(
            story.session, _action(story, case), channel=channel, count=count, user=story.account(by), source=source,
            zone="Asia/Jerusalem",
        )  # fmt: skip

    story.act(at, by, "steps.record", do)


def _action(story: Story, case: str) -> UrgentAction:
    of = select(UrgentAction).where(UrgentAction.case_id == story.case_of(case).id)
    return story.session.scalars(of).one()


def _noga(story: Story) -> None:
    """Open, in three languages; many wrote."""
    _open(
        story, "noga", 15, "advocate",
        [
            LetterGiven(
                "en",
                "I write about Noga Dugma, who is in a military prison for the third time because she will not "
                "serve.\n\nNobody may be punished again and again for one and the same belief. I ask you to see to it "
                "that she is released, and that no further call-up follows.\n\nYours sincerely,",
                "Noga Dugma must be released",
            ),
            LetterGiven(
                "ar",
                "أكتب إليكم بشأن نوغا دوغما، المسجونة للمرة الثالثة في سجن عسكري لأنها ترفض الخدمة.\n\n"
                "لا يجوز أن يعاقب أحد مرة بعد مرة على قناعة واحدة. أطلب منكم العمل على الإفراج عنها.\n\nمع الاحترام،",
                "الإفراج عن نوغا دوغما",
            ),
            LetterGiven(
                "de",
                "ich schreibe Ihnen wegen Noga Dugma, die zum dritten Mal in einem Militärgefängnis ist, weil sie den "
                "Dienst verweigert.\n\nBitte sorgen Sie dafür, dass sie freikommt.\n\nHochachtungsvoll",
                "Freiheit für Noga Dugma",
                "Sehr geehrter Herr Generaladvokat,",
            ),
        ],
        by="noor", number="UA 901/25", title="Free a gardener who refuses to serve",
        summary="An invented case. She is in a military prison for the third time; her appeal is heard next week. "
        "Letters before that day can still count.",
        cautions="Write about her alone: no word about the army or the war.", audience=Audience.PUBLIC,
    )  # fmt: skip
    _written(story, "noga", 12, "letter", 31, "noor")
    _written(story, "noga", 9, "email", 27, "noor")
    _written(story, "noga", 8, "email", 1)


def _yusuf(story: Story) -> None:
    """On hold since a release was reported, which nobody confirmed."""
    _open(
        story, "yusuf", 29, "advocate",
        [
            LetterGiven(
                "en",
                "I write about a nurse from Hebron who is held without charge on evidence that nobody may see. Please "
                "see to it that he is charged and tried, or released.\n\nYours sincerely,",
                "A nurse held without charge",
            )
        ],
        by="noor", number="UA 902/25", title="A nurse is held without charge",
        summary="An invented case. Four months of administrative detention; whether they are renewed is decided soon.",
    )  # fmt: skip
    _written(story, "yusuf", 20, "email", 1)


def _aigul(story: Story) -> None:
    """Stopped two days ago; a volunteer had written."""
    _open(
        story, "aigul", 30, "prosecutor",
        [
            LetterGiven(
                "en",
                "I write about Aigul Primerova, who is tried for organising a strike. A strike is no crime. I ask you "
                "to drop the charges.\n\nYours sincerely,",
                "Charges against Aigul Primerova",
            )
        ],
        by="dara", number="UA 903/25", title="Drop the charges for a strike",
        summary="An invented case. In custody for organising a strike at a mine.",
    )  # fmt: skip
    _written(story, "aigul", 21, "email", 1)

    def stop() -> None:
        action = _action(story, "aigul")
        stop_action(story.session, story.case_of("aigul"), action, reason="quiet")

    story.act(story.at("iopt", 2, "18:00") + timedelta(minutes=5), "dara", "actions.stop", stop)


def _adam(story: Story) -> None:
    """It ends the day after tomorrow; who it goes to has left office, their mail comes back, and the judgment came."""
    _open(
        story, "adam", 40, "minister",
        [
            LetterGiven(
                "en",
                "I write about Adam al-Ayyina, who was sentenced to death by a court that did not hear his witnesses. "
                "I ask you to see to it that he is tried anew, and fairly.\n\nYours sincerely,",
                "The sentence against Adam al-Ayyina",
            )
        ],
        by="noor", number="UA 904/25", title="No death sentence without witnesses", audience=Audience.DESK,
        summary="An invented case. Sentenced to death; the appeal comes next month.",
        act_until=story.day("iopt", 2),
    )  # fmt: skip
    story.entry(
        "adam", story.at("iopt", 5, "16:05"), "kit", "person.sentenced_to_death", story.day("iopt", -5),
        "The judgment came in writing.", source=COURT_PAPER,
    )  # fmt: skip

    def leaves() -> None:
        minister = _minister(story)
        edit_target(story.session, minister, version=minister.version, valid_to=story.day("iopt", -4))

    def reports() -> None:
        report_target(story.session, _minister(story), what="email_bounced", user_id=story.account("kit").id)

    story.act(story.at("iopt", 4, "11:20"), "noor", "targets.edit", leaves)
    story.act(story.at("iopt", 3, "18:10"), "kit", "targets.report", reports)


def _minister(story: Story) -> Target:
    return story.session.scalars(select(Target).where(Target.office == TARGETS["minister"]["office"])).one()


def _hadas(story: Story) -> None:
    """Its last day is over, and nobody has said what becomes of it."""
    _open(
        story, "hadas", 20, "advocate",
        [LetterGiven("en", "I ask you to drop the charge for two lines in a social network.\n\nYours sincerely,")],
        by="kit", number="UA 905/25", title="Two lines are no crime", audience=Audience.DESK,
        summary="An invented case. Tried for two lines in a social network.", act_until=story.day("iopt", -3),
    )  # fmt: skip


def _group(story: Story) -> None:
    """Robin coordinates it; Sacha was asked and has not answered. It wrote last week, and its next evening is near."""

    def group() -> Group:
        return story.session.scalars(select(Group)).one()

    def make() -> None:
        robin = story.account("robin")
        made = groups.add_group(
            story.session, name="Thursdays in Galway", country="IE", zone="Europe/Dublin", by=story.account("noor"),
            coordinator=robin.email,
        )  # fmt: skip
        story.session.flush()
        asked = select(GroupInvitation.public_id).where(GroupInvitation.group_id == made.id)
        groups.join(story.session, robin, story.session.scalars(asked).one())

    def wrote() -> None:
        groups.record(story.session, group(), _action(story, "noga"), {"letter": 12}, user=story.account("robin"))

    def choose() -> None:
        groups.invite(story.session, group(), story.account("sacha").email, by=story.account("robin"))
        groups.plan_evening(
            story.session, group(), [_action(story, "noga")], on=story.day("iopt", 3), at=time(19),
            by=story.account("robin"),
        )  # fmt: skip

    story.act(story.at("iopt", 14, "18:00"), "noor", "groups.add", make)
    story.act(story.at("iopt", 7, "21:40"), "robin", "groups.record", wrote)
    story.act(story.at("iopt", 2, "20:15"), "robin", "groups.plan_evening", choose)
