"""Cases of people who do not exist, dated from today, so that every flag and every page has something to show.

Their names say so in their languages: al-Mithal and Primerova are “example”, Dugma and al-Ayyina “sample”, Khayali is
“imaginary”, Bila-Ism “nameless”, Mustaar “borrowed”, Vymyshlenny “made up”; the eleven of the march are counted.
"""

from datetime import time, timedelta

from tracker.base.audience import Audience
from tracker.base.dates import StatedDate, today_in
from tracker.demo.accounts import DESKS
from tracker.demo.telling import Agreed, Somebody, Story
from tracker.hearings.rules import in_window, on_day
from tracker.timeline.service import Source

JERUSALEM, ALMATY = DESKS["iopt"][2], DESKS["casia"][2]

LAWYER = Source(kind="call", told_by="lawyer")
FAMILY = Source(kind="call", told_by="relative")
COURT_PAPER = Source(kind="court_paper", told_by="lawyer")


def tell(story: Story) -> None:
    """Add the invented cases to the story."""
    for case in (_timur, _noga, _yusuf, _adam, _iman, _tal, _aigul, _march, _hadas, _layla, _sami, _nur, _karim, _rami):
        case(story)


_time = time.fromisoformat


def _layla(story: Story) -> None:
    """In court today: adjourned twice, confirmed yesterday; an entry put right."""
    day, at = story.day, story.at
    known = at("iopt", 12, "18:20")
    story.case(
        "layla", known, "noor", "iopt",
        [Somebody("layla", ("Layla al-Mithal", "ليلى المثال"), "journalist", "she/her")],
        title="Layla al-Mithal: journalist held after a report on water",
        summary="An invented case. Taken from home at night after an article about a pumping station; a court decides "
        "today whether she stays in custody.",
        risk="high", owner="noor", deputy="kit", country="IL", state="IL",
    )  # fmt: skip
    story.entry(
        "layla", known, "noor", "person.arrested", day("iopt", -12), "Police took her and two computers.",
        payload={"place": "at her newspaper"}, source=FAMILY, word="layla arrested",
    )  # fmt: skip
    story.contact(
        "layla", known + timedelta(minutes=3), "noor", "family", "sister",
        {"name": "Huda al-Mithal", "phone": "+44 7700 900141", "email": "huda@example.net",
         "language": "Arabic, English; after six in the evening", "note": "Do not leave messages."},
        person="layla",
    )  # fmt: skip
    story.contact(
        "layla", at("iopt", 10, "16:50"), "kit", "lawyer", "lawyer",
        {"name": "Adv. Ruth Dugma", "phone": "+44 7700 900142", "email": "office@example.com"},
    )  # fmt: skip
    story.contact(
        "layla", at("iopt", 3, "12:14"), "kit", "medical_note", "medicine",
        {"note": "Asthma. Needs her blue inhaler at hand; the lawyer has the prescription."}, person="layla",
    )  # fmt: skip
    story.entry(
        "layla", at("iopt", 11, "09:05"), "noor", "person.arrested", day("iopt", -12),
        "Police took her and two computers. It was at home and not at the newspaper, as we had understood.",
        payload={"place": "at home"}, source=LAWYER, mends="layla arrested",
    )  # fmt: skip
    story.entry(
        "layla", at("iopt", 10, "16:40"), "noor", "person.remanded", day("iopt", -10),
        "For five days at first.", payload={"by": "magistrate"}, source=COURT_PAPER,
    )  # fmt: skip
    story.hearing(
        "layla first", at("iopt", 10, "16:42"), "noor", {"layla": ["layla"]},
        on_day(JERUSALEM, day("iopt", -5), _time("10:00")),
        kind="remand", court="Magistrate's court", place="Beersheba",
    )  # fmt: skip
    story.outcome(
        "layla first", at("iopt", 5, "14:25"), "kit", "adjourned", reason="judge absent after the first hour",
        words="The lawyer has asked for the file, which the prosecution keeps back.",
        next_word="layla today", next_when=on_day(JERUSALEM, day("iopt", 0), _time("11:30")),
    )  # fmt: skip
    story.entry(
        "layla", at("iopt", 3, "12:10"), "kit", "person.health_reported", day("iopt", -3),
        "Asthma; her inhaler was handed over two days late.", source=LAWYER,
    )  # fmt: skip
    story.confirmed("layla today", at("iopt", 1, "16:05"), "noor", "court registry")


def _sami(story: Story) -> None:
    """In court tomorrow; nobody confirmed the date of late; two sources differ by a day."""
    day, at = story.day, story.at
    known = at("iopt", 9, "08:50")
    story.case(
        "sami", known, "noor", "iopt",
        [Somebody("sami", ("Sami al-Mithali", "سامي المثالي"), "student of engineering", "he/him")],
        title="Sami al-Mithali: student held without a lawyer",
        summary="An invented case. Held incommunicado since his arrest at a checkpoint; a military court looks at the "
        "order tomorrow.",
        risk="critical", owner="sacha", deputy="noor", country="PS", state="IL",
    )  # fmt: skip
    story.entry(
        "sami", known, "noor", "person.arrested", day("iopt", -11), "His brother says the evening before.",
        source=FAMILY, confidence="reported",
    )  # fmt: skip
    story.entry(
        "sami", known, "noor", "person.arrested", day("iopt", -10), "Seen at the checkpoint by two fellow students.",
        payload={"place": "a checkpoint near Nablus"},
        source=Source(kind="ngo", address="Daily report of a prisoners' group", published_on=day("iopt", -9)),
    )  # fmt: skip
    story.entry(
        "sami", known + timedelta(minutes=4), "noor", "person.held_incommunicado", day("iopt", -9),
        "No visit, no call; the lawyer was sent away twice.", source=LAWYER,
    )  # fmt: skip
    story.hearing(
        "sami", at("iopt", 8, "13:30"), "sacha", {"sami": ["sami"]},
        on_day(JERUSALEM, day("iopt", 1), _time("09:30")),
        kind="detention_review", court="Military court", place="Salem", certainty="provisional",
        note="Nobody to observe yet.",
    )  # fmt: skip
    story.checked("sami", at("iopt", 2, "10:15"), "sacha", "Called the lawyer: not admitted to him yet.")


def _noga(story: Story) -> None:
    """Next week some time; open to the public; not checked for longer than its risk allows."""
    day, at = story.day, story.at
    known = at("iopt", 44, "11:00")
    open_to_all = Audience.PUBLIC
    story.case(
        "noga", known, "noor", "iopt",
        [Somebody("noga", ("Noga Dugma", "נגה דוגמה"), "gardener", "she/her")],
        title="Noga Dugma: imprisoned for refusing to serve",
        summary="An invented case. In a military prison for the third time after refusing to serve; her appeal is "
        "to be heard next week, the day is not set yet.",
        risk="high", owner="noor", country="IL", state="IL", audience=open_to_all,
    )  # fmt: skip
    story.entry(
        "noga", known, "noor", "person.convicted", StatedDate(day("iopt", -45), "about"),
        payload={"sentence_told": "60 days"}, source=LAWYER, audience=open_to_all,
    )  # fmt: skip
    story.entry(
        "noga", known, "noor", "person.imprisoned", day("iopt", -44), payload={"place": "a military prison"},
        source=LAWYER, audience=open_to_all,
    )  # fmt: skip
    story.hearing(
        "noga", at("iopt", 16, "15:45"), "noor", {"noga": ["noga"]}, in_window(JERUSALEM, "week", day("iopt", 8)),
        kind="appeal", court="Military court of appeals", place="Tel Aviv", certainty="provisional",
        audience=open_to_all,
    )  # fmt: skip
    story.checked("noga", at("iopt", 16, "15:50"), "noor", "Her mother visits every second week.")


def _yusuf(story: Story) -> None:
    """A release that is only reported, and contradicted; a renewal that the court moved; a name for publication."""
    day, at = story.day, story.at
    known = at("iopt", 90, "10:30")
    heard = story.ago(hours=2)
    story.case(
        "yusuf", known, "noor", "iopt",
        [Somebody("yusuf", ("Yusuf Khayali", "يوسف خيالي"), "nurse", "he/him", pseudonym="Salim")],
        title="Yusuf Khayali: held without charge on secret evidence",
        summary="An invented case. Four months of administrative detention; whether they are renewed is decided soon.",
        risk="high", owner="noor", deputy="sacha", country="PS", state="IL", audience=Audience.VOLUNTEERS,
    )  # fmt: skip
    story.entry(
        "yusuf", known, "noor", "person.arrested", day("iopt", -98), source=FAMILY, audience=Audience.VOLUNTEERS,
        payload={"place": "a clinic in Hebron"},
    )  # fmt: skip
    story.entry(
        "yusuf", known, "noor", "person.detention_ordered", day("iopt", -91), payload={"months": 4},
        source=COURT_PAPER, audience=Audience.VOLUNTEERS,
    )  # fmt: skip
    story.hearing(
        "yusuf", at("iopt", 30, "09:15"), "noor", {"yusuf": ["yusuf"]},
        on_day(JERUSALEM, story.court_day("iopt", 4), _time("12:00")),
        kind="renewal", court="Military court", place="Ofer", audience=Audience.VOLUNTEERS,
    )  # fmt: skip
    story.moved(
        "yusuf", at("iopt", 2, "17:20"), "noor", on_day(JERUSALEM, story.court_day("iopt", 11), _time("10:00")),
        "lawyer", "The prosecution asked for another week.",
    )  # fmt: skip
    story.entry(
        "yusuf", heard, "sacha", "person.released", today_in(JERUSALEM, heard),
        "A message in a family group says that he is out. Nobody there has seen him.",
        source=Source(kind="message", told_by="relative of a fellow prisoner"), confidence="reported",
        audience=Audience.DESK,
    )  # fmt: skip
    later = story.ago(hours=1)
    story.entry(
        "yusuf", later, "sacha", "case.news", today_in(JERUSALEM, later),
        "The lawyer does not know of a release and will ask at the gate. A second source is needed.",
        payload={"headline": "Lawyer cannot confirm a release"}, source=LAWYER, audience=Audience.DESK,
    )  # fmt: skip


def _hadas(story: Story) -> None:
    """A date we had wrong; a session that did not sit; an entry taken back."""
    day, at = story.day, story.at
    known = at("iopt", 25, "13:00")
    right = story.court_day("iopt", 9)
    story.case(
        "hadas", known, "kit", "iopt",
        [Somebody("hadas", ("Hadas Lemashal", "הדס למשל"), "teacher", "she/her")],
        title="Hadas Lemashal: tried for a post",
        summary="An invented case. At home with an electronic tag while she is tried for two lines in a social "
        "network.",
        risk="medium", owner="kit", country="IL", state="IL",
    )  # fmt: skip
    story.entry(
        "hadas", known, "kit", "person.charged", day("iopt", -26), payload={"offences": "insulting a public servant"},
        source=COURT_PAPER,
    )  # fmt: skip
    story.entry(
        "hadas", known, "kit", "person.placed_under_house_arrest", day("iopt", -26),
        payload={"conditions": ["electronic_tag"]}, source=COURT_PAPER,
    )  # fmt: skip
    story.hearing(
        "hadas first", known + timedelta(minutes=3), "kit", {"hadas": ["hadas"]},
        on_day(JERUSALEM, day("iopt", -15), _time("09:00")), kind="trial_session", court="District court",
        place="Haifa",
    )  # fmt: skip
    story.outcome(
        "hadas first", at("iopt", 15, "11:10"), "kit", "postponed", reason="judge ill",
        next_word="hadas", next_when=on_day(JERUSALEM, right + timedelta(days=30), _time("09:00")),
    )  # fmt: skip
    story.corrected(
        "hadas", at("iopt", 6, "08:35"), "kit", on_day(JERUSALEM, right, _time("09:00")), "court registry",
        "We had written the next month.",
    )  # fmt: skip
    story.entry(
        "hadas", at("iopt", 5, "19:00"), "kit", "person.charges_dropped", day("iopt", -5), word="hadas dropped",
        source=Source(kind="press", address="A local news site", published_on=day("iopt", -5)),
    )  # fmt: skip
    story.withdrawn(
        "hadas dropped", at("iopt", 4, "09:20"), "kit", "Another woman of the same first name, in another town."
    )
    story.checked("hadas", at("iopt", 4, "09:30"), "kit", "The tag was changed; nothing else.")


def _adam(story: Story) -> None:
    """A death sentence; a claim accepted later; nobody has checked for days."""
    day, at = story.day, story.at
    known = at("iopt", 50, "12:00")
    story.case(
        "adam", known, "noor", "iopt",
        [Somebody("adam", ("Adam al-Ayyina", "آدم العيّنة"), "driver", "he/him")],
        title="Adam al-Ayyina: sentenced to death after an unfair trial",
        summary="An invented case. Sentenced by a court that did not hear his witnesses; the appeal comes next month.",
        risk="critical", owner="noor", deputy="kit", country="PS", state="PS",
    )  # fmt: skip
    story.entry(
        "adam", known, "noor", "person.arrested", StatedDate(day("iopt", -800).replace(month=1, day=1), "year"),
        source=FAMILY,
    )  # fmt: skip
    story.entry(
        "adam", known, "noor", "person.sentenced_to_death", StatedDate(day("iopt", -85).replace(day=1), "month"),
        "Without the witnesses of the defence.", source=COURT_PAPER,
    )  # fmt: skip
    story.hearing(
        "adam", known + timedelta(minutes=5), "noor", {"adam": ["adam"]},
        in_window(JERUSALEM, "month", day("iopt", 32)), kind="appeal", court="Court of appeal", place="Gaza",
        certainty="provisional",
    )  # fmt: skip
    story.entry(
        "adam", at("iopt", 20, "21:15"), "kit", "person.transferred", day("iopt", -21),
        payload={"place": "the central prison"}, source=Source(kind="message", told_by="former prisoner"),
        confidence="reported", word="adam transferred",
    )  # fmt: skip
    story.accepted("adam transferred", at("iopt", 8, "10:00"), "noor", "His family has visited him there.")
    story.checked("adam", at("iopt", 6, "10:30"), "kit", "The lawyer waits for the file.")


def _karim(story: Story) -> None:
    """Disappeared two days ago, and nobody keeps the case yet."""
    day, at = story.day, story.at
    known = at("iopt", 1, "22:40")
    story.case(
        "karim", known, "kit", "iopt",
        [Somebody("karim", ("Karim Bila-Ism", "كريم بلا اسم"), "ambulance driver", "he/him")],
        title="Karim Bila-Ism: not seen since an ambulance was stopped",
        summary="An invented case. Taken from an ambulance; no authority says where he is. It needs somebody to "
        "keep it.",
        risk="critical", owner=None, country="PS", state="IL",
    )  # fmt: skip
    story.entry(
        "karim", known, "kit", "person.disappeared", day("iopt", -2),
        "The driver of the second ambulance saw him led away.", source=Source(kind="call", told_by="colleague"),
    )  # fmt: skip


def _nur(story: Story) -> None:
    """For named people only: colleagues of the desk do not see that it exists."""
    day, at = story.day, story.at
    known = at("iopt", 7, "09:00")
    story.case(
        "nur", known, "noor", "iopt",
        [Somebody("nur", ("Nur Mustaar", "نور مستعار"), "", "they/them")],
        title="Nur Mustaar: ill-treated in custody, family in danger",
        summary="An invented case. The family is watched: only the people named here may know of it.",
        risk="critical", owner="noor", country="IL", state="IL", audience=Audience.NAMED, named=["kit"],
    )  # fmt: skip
    story.contact(
        "nur", known + timedelta(minutes=2), "noor", "safe_address", "safe_place",
        {"name": "At a friend of the family", "phone": "+44 7700 900143", "address": "1 Example Lane, Exampleton"},
        person="nur", audience=Audience.NAMED,
    )  # fmt: skip
    story.entry("nur", known, "noor", "person.remanded", day("iopt", -9), source=LAWYER, audience=Audience.NAMED)
    story.entry(
        "nur", known, "noor", "person.ill_treated", StatedDate(day("iopt", -8), "about"),
        "Bruises on both arms, seen by the lawyer.", source=Source(kind="visit", told_by="lawyer"),
        audience=Audience.NAMED,
    )  # fmt: skip
    story.hearing(
        "nur", known + timedelta(minutes=6), "noor", {"nur": ["nur"]},
        on_day(JERUSALEM, story.court_day("iopt", 3), _time("08:30")), kind="mention",
        court="District court", place="Nazareth", audience=Audience.NAMED, observer="a consular officer",
    )  # fmt: skip
    story.checked("nur", at("iopt", 1, "11:45"), "noor")


def _iman(story: Story) -> None:
    """Out on conditions; stale by the clock of a medium risk."""
    day, at = story.day, story.at
    known = at("iopt", 70, "10:00")
    story.case(
        "iman", known, "kit", "iopt",
        [Somebody("iman", ("Iman al-Mithaliyya", "إيمان المثاليّة"), "translator", "she/her")],
        title="Iman al-Mithaliyya: may not travel, trial not opened",
        summary="An invented case. Out on bail with a travel ban; the indictment does not come.",
        risk="medium", owner="kit", country="IL", state="IL",
    )  # fmt: skip
    story.entry(
        "iman", known, "kit", "person.released_on_conditions", day("iopt", -71),
        payload={"conditions": ["bail", "travel_ban"]}, source=LAWYER,
    )  # fmt: skip
    story.checked("iman", at("iopt", 26, "14:00"), "kit", "The lawyer asked again in writing.")


def _tal(story: Story) -> None:
    """Closed: acquitted and free, the last session called off."""
    day, at = story.day, story.at
    known = at("iopt", 120, "10:00")
    story.case(
        "tal", known, "noor", "iopt",
        [Somebody("tal", ("Tal Almoni", "טל אלמוני"), "farmer", "they/them")],
        title="Tal Almoni: acquitted",
        summary="An invented case. Accused of trespass on their own field, acquitted.",
        risk="low", owner="noor", country="IL", state="IL",
    )  # fmt: skip
    story.entry("tal", known, "noor", "person.trial_opened", day("iopt", -121), source=COURT_PAPER)
    story.hearing(
        "tal", at("iopt", 60, "09:00"), "noor", {"tal": ["tal"]}, on_day(JERUSALEM, day("iopt", -20), _time("13:00")),
        kind="trial_session", court="Magistrate's court", place="Ashkelon",
    )  # fmt: skip
    story.cancelled("tal", at("iopt", 28, "16:30"), "noor", "The court gave its judgment without another session.")
    story.entry("tal", at("iopt", 28, "16:35"), "noor", "person.acquitted", day("iopt", -28), source=COURT_PAPER)
    story.closed("tal", at("iopt", 14, "12:00"), "noor", "resolved", "The time for an appeal has passed.")


def _rami(story: Story) -> None:
    """A draft, as a call leaves one."""
    known = story.at("iopt", 1, "17:55")
    story.case(
        "rami", known, "kit", "iopt", [Somebody("rami", ("Rami Tajribi", "رامي تجريبي"))],
        title="Rami Tajribi: arrest told in a call, to be checked",
        summary="An invented case. A neighbour called; nothing is certain yet.",
        risk="high", owner="kit", stage="draft", country="IL",
    )  # fmt: skip
    story.entry(
        "rami", known, "kit", "person.arrested", StatedDate(story.day("iopt", -2), "about"), confidence="reported",
        source=Source(kind="call", told_by="neighbour"),
    )  # fmt: skip


#: The eleven of the march: the first seven are one case, the others, students, another.
MARCHERS = (
    Somebody("arman", ("Arman Pervy", "Арман Первый"), "mechanic"),
    Somebody("bota", ("Bota Vtoraya", "Бота Вторая"), "pharmacist"),
    Somebody("dana", ("Dana Tretya", "Дана Третья"), "teacher"),
    Somebody("erlan", ("Erlan Chetverty", "Ерлан Четвёртый"), "welder"),
    Somebody("farida", ("Farida Pyataya", "Фарида Пятая"), "cook"),
    Somebody("galym", ("Galym Shestoy", "Галым Шестой"), "shepherd"),
    Somebody("indira", ("Indira Sedmaya", "Индира Седьмая"), "lawyer"),
    Somebody("kairat", ("Kairat Vosmoy", "Кайрат Восьмой"), "student"),
    Somebody("leila", ("Leila Devyataya", "Лейла Девятая"), "student"),
    Somebody("marat", ("Marat Desyaty", "Марат Десятый"), "student"),
    Somebody("nazym", ("Nazym Odinnadtsataya", "Назым Одиннадцатая"), "student"),
)


def _march(story: Story) -> None:
    """One hearing, eleven co-defendants, two cases; an outcome the same for all but one."""
    day, at = story.day, story.at
    known = at("casia", 40, "10:00")
    seven, four = MARCHERS[:7], MARCHERS[7:]
    whose = {"seven": [p.key for p in seven], "four": [p.key for p in four]}
    story.case(
        "seven", known, "dara", "casia", seven,
        title="Seven of the reservoir march",
        summary="An invented case. Seven people tried together with four students for a march to a dried-up reservoir.",
        risk="high", owner="dara", deputy="sacha", country="KZ", state="KZ",
    )  # fmt: skip
    story.case(
        "four", known + timedelta(minutes=8), "dara", "casia", four,
        title="Four students of the reservoir march",
        summary="An invented case. The students among the eleven; kept apart because their university decides on "
        "them too.",
        risk="medium", owner="sacha", deputy="dara", country="KZ", state="KZ",
    )  # fmt: skip
    for minutes, case in ((0, "seven"), (8, "four")):
        when = known + timedelta(minutes=minutes)
        story.entry(case, when, "dara", "person.arrested", day("casia", -41), source=LAWYER)
        story.entry(
            case, when, "dara", "person.trial_opened" if case == "seven" else "person.charged", day("casia", -40),
            source=COURT_PAPER,
        )  # fmt: skip
    story.entry(
        "four", known + timedelta(minutes=9), "dara", "person.placed_under_house_arrest", day("casia", -40),
        source=LAWYER,
    )  # fmt: skip
    story.entry(
        "seven", at("casia", 30, "15:00"), "dara", "person.released_on_conditions", day("casia", -30),
        "For her two small children.", people=["dana"], payload={"conditions": ["bail"]}, source=LAWYER,
    )  # fmt: skip
    court = "Specialised criminal court"
    story.hearing(
        "march first", at("casia", 38, "12:00"), "dara", whose, on_day(ALMATY, day("casia", -12), _time("10:00")),
        kind="trial_session", court=court, place="Almaty", observer="two volunteers of a bar association",
    )  # fmt: skip
    story.outcome(
        "march first", at("casia", 12, "18:30"), "dara", "adjourned", reason="too many witnesses for one day",
        words="One of them was not brought to court: a cold in the cell block.",
        each={("seven", "galym"): "postponed"},
        next_word="march", next_when=on_day(ALMATY, story.court_day("casia", 6, latest=True), _time("10:00")),
    )  # fmt: skip
    story.confirmed("march", at("casia", 2, "09:30"), "dara", "court's own list")
    story.checked("seven", at("casia", 2, "09:35"), "dara", "All are well; two more witnesses are named.")
    story.checked("four", at("casia", 2, "09:40"), "sacha", "The university waits for the judgment.")


def _aigul(story: Story) -> None:
    """The verdict was yesterday, and nobody has said what it was; what she agreed to is to be asked anew."""
    day, at = story.day, story.at
    known = at("casia", 35, "11:30")
    story.case(
        "aigul", known, "dara", "casia",
        [Somebody("aigul", ("Aigul Primerova", "Айгуль Примерова"), "trade unionist", "she/her")],
        title="Aigul Primerova: on trial for a strike",
        summary="An invented case. In custody for organising a strike at a mine; the judgment was announced for "
        "yesterday.",
        risk="high", owner="dara", country="KZ", state="KZ", audience=Audience.VOLUNTEERS,
        agreed=Agreed("lawyer", how="paper", review_in_days=-1),
    )  # fmt: skip
    story.entry(
        "aigul", known, "dara", "person.remanded", day("casia", -60), source=COURT_PAPER, audience=Audience.VOLUNTEERS
    )
    story.entry(
        "aigul", known, "dara", "person.trial_opened", day("casia", -35), source=COURT_PAPER,
        audience=Audience.VOLUNTEERS,
    )  # fmt: skip
    story.hearing(
        "aigul", at("casia", 9, "16:00"), "dara", {"aigul": ["aigul"]},
        on_day(ALMATY, day("casia", -1), _time("15:00")), kind="verdict", court="City court",
        place="Karaganda", audience=Audience.VOLUNTEERS, observer="a diplomat",
    )  # fmt: skip
    story.checked("aigul", at("casia", 4, "11:00"), "dara", "Her lawyer expects a suspended sentence.")


def _timur(story: Story) -> None:
    """Watched from afar, by nobody in particular, for too long."""
    day, at = story.day, story.at
    known = at("casia", 95, "10:00")
    story.case(
        "timur", known, "dara", "casia",
        [Somebody("timur", ("Timur Vymyshlenny", "Тимур Вымышленный"), "beekeeper", "he/him")],
        title="Timur Vymyshlenny: charge for a petition still open",
        summary="An invented case. At liberty; a charge for collecting signatures was never dropped.",
        risk="low", owner=None, stage="monitoring", country="KG", state="KG",
    )  # fmt: skip
    story.entry(
        "timur", known, "dara", "person.charged", StatedDate(day("casia", -200).replace(day=1), "month"),
        payload={"offences": "unlawful assembly"}, source=LAWYER,
    )  # fmt: skip
    story.checked("timur", at("casia", 72, "10:20"), "dara")
    story.hearing(
        "timur", at("casia", 5, "12:00"), "dara", {"timur": ["timur"]},
        on_day("Asia/Bishkek", day("casia", 9), _time("14:00")), kind="mention", court="District court", place="Osh",
    )  # fmt: skip
