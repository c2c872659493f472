"""Whoever reads Arabic is refused in Arabic, in whatever room: no sentence of another language beside the field."""

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from house_of_cases import NOW, Lived

from tracker.accounts.models import User

pytestmark = pytest.mark.one_engine

#: A sentence beside its field, and one of those at the top of the form.
REFUSALS = re.compile(r'<p class="field-error".*?</p>|<div class="error-summary".*?</div>', re.DOTALL)

#: What was typed and what is a name keep their own letters, and stand apart from the writing around them.
APART = re.compile("[\u2066\u2068][^\u2066-\u2069]*\u2069")

#: Two words in a row that are no Arabic.
LATIN = re.compile(r"[A-Za-z]{2,}[ ,;:]+[A-Za-z]{2,}")

HEARING = {"precision": "day", "day": "2024-04-08", "at_time": "09:30", "court": "حيفا"}
ACTION = {"title": "أين الجرّاح؟", "body": "أين هو؟", "language": "ar"}

#: room and what is wrong: (where, what is sent, words of the answer)
REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "hearings, no such day": ("{case}/hearings/new", HEARING | {"day": "31/06/2024"}, "لا يوجد يوم تاريخه"),
    "hearings, no day": ("{case}/hearings/new", HEARING | {"day": "next week"}, "ليس تاريخًا"),
    "hearings, no time": ("{case}/hearings/new", HEARING | {"at_time": "noon"}, "ليس وقتًا"),
    "hearings, a skipped hour": (
        "{case}/hearings/new",
        HEARING | {"day": "2025-03-28", "at_time": "02:30", "confirm": "y"},
        "تُقدَّم الساعة",
    ),
    "hearings, no zone": ("{case}/hearings/new", HEARING | {"zone": "Mars/Olympus"}, "لا توجد منطقة زمنية"),
    "hearings, a day gone by": ("{case}/hearings/new", HEARING | {"day": "2024-03-10"}, "الأحد، 10 مارس 2024"),
    "hearings, too far off": ("{case}/hearings/new", HEARING | {"day": "2025-04-08"}, "أكثر من 12 شهرًا"),
    "hearings, courts do not sit": ("{case}/hearings/new", HEARING | {"day": "2024-04-05"}, "لا تنعقد فيه محاكم"),
    "hearings, a long name": ("{case}/hearings/new", HEARING | {"court": "م" * 201}, "200 حرف"),
    "entries, a day to come": (
        "{case}/entries/new",
        {"kind": "person.arrested", "day": "2024-06-01", "precision": "day"},
        "ما هو مقبل جلسة لا قيد",
    ),
    "actions, over before it began": (
        "{case}/actions/new",
        ACTION | {"issued_on": "2024-03-20", "act_until": "2024-03-19"},
        "اليوم الأخير قبل يوم الصدور",
    ),
    "actions, a number of a court": ("{case}/actions/new", ACTION | {"ua_number": "Case 480/2018"}, "رقم محكمة"),
    "intake, another format": ("/intake/paste", {"document": "%PDF-1.7 and more"}, "لا يمكن قراءة هذا النوع"),
    "intake, no entries": ("/intake/paste", {"document": "Nothing of any kind stands here."}, "لم يُعثر على مواد"),
    "cases, a country that is none": (
        "/cases/new",
        {"title": "بلا تهمة", "person_name": "أمل", "country": "QQ"},
        "ليس بلدًا",
    ),
    "contacts, nothing to keep": ("{case}/contacts/new/lawyer", {}, "لا شيء يُحفظ"),
    "account, back before today": ("/account", {"away_until": "2020-01-01"}, "مضى ذلك اليوم"),
    "account, far too long a name of a zone": ("/account", {"zone": "Asia/" + "a" * 70}, "حرفًا على الأكثر"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refusal_is_in_the_language_of_the_page(lived: Lived, case: str) -> None:
    where, said, words = REFUSED[case]
    with lived.at() as session:
        session.get_one(User, lived.owner.id).language = "ar"
    browser = lived.browser(lived.owner, NOW + timedelta(minutes=1))
    address = where.format(case=f"/cases/{lived.case().ref}")
    answer = browser.send(address, browser.filled(address, **said))
    assert answer.status_code == 422
    assert '<html lang="ar" dir="rtl">' in answer.text
    told = [html.unescape(re.sub(r"<[^>]+>", " ", found)) for found in REFUSALS.findall(answer.text)]
    assert told, "it says what is wrong"
    assert any(words in sentence for sentence in told), told
    assert not [sentence for sentence in told if LATIN.search(APART.sub("", sentence))]


def test_what_is_not_allowed_is_said_in_the_language_of_the_page(lived: Lived) -> None:
    with lived.at() as session:
        session.get_one(User, lived.owner.id).language = "ar"
    answer = lived.browser(lived.owner).get("/desks/iopt/settings")
    assert answer.status_code == 403
    assert "لا يغيّر إعدادات المكتب إلا منسّقوه والمديرون." in answer.text
    assert "Only the coordinators" not in answer.text
