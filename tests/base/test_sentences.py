"""What pure code words is said in the language of whoever reads it, at the moment they do."""

from datetime import date
from typing import Any

import pytest

from tracker.base.dates import parse_date
from tracker.base.errors import Refused
from tracker.base.languages import speaking
from tracker.base.sentences import Sentence, in_english
from tracker.base.words import say_record

DAY = "%(day)s has passed. If the hearing was then, confirm it."


def test_without_an_application_english_is_spoken() -> None:
    with pytest.raises(Refused) as refused:
        parse_date("soon")
    assert refused.value.message == str(refused.value) == "“soon” is not a date. Write it as 2026-04-08."


def test_english_is_the_same_with_and_without_a_catalogue() -> None:
    said = {"day": date(2026, 4, 8)}
    assert in_english(DAY, said) == str(Sentence(DAY, **said))
    assert in_english(DAY, said).startswith("Wednesday 8 April 2026 has passed")
    assert in_english("100% of it", {}) == str(Sentence("100% of it")) == "100% of it"


@pytest.mark.one_engine
def test_a_refusal_speaks_the_language_of_the_moment(app: Any) -> None:
    refusal = Refused(Sentence(DAY, day=date(2026, 4, 8)))
    with app.app_context(), speaking("ar"):
        assert refusal.message.startswith("لقد مضى الأربعاء، 8 أبريل 2026.")
    with app.app_context(), speaking("en"):
        assert refusal.message.startswith("Wednesday 8 April 2026")


@pytest.mark.one_engine
def test_what_was_typed_is_shown_as_it_is(app: Any) -> None:
    with app.app_context(), speaking("ar"):
        said = str(Sentence("“%(text)s” is not a date. Write it as 2026-04-08.", text="50%(x)s"))
    assert said.startswith("«\u206850%(x)s\u2069»")


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("stored", "arabic"),
    [
        ("", ""),
        ("the hearing moved", "تغيّر موعد الجلسة"),
        ("mail is paused", "البريد موقوف مؤقتًا"),
        ("they did it themselves", "هو من فعل ذلك"),
        (
            "mail came back on 5 days: its mailbox is full (5.2.2)",
            "عاد البريد في 5 أيام: صندوق بريده ممتلئ (5.2.2)",
        ),
        ("it is not true any more (KeyError)", "لم يعد ما فيها صحيحًا (KeyError)"),
        ("served by the 3-day reminder", "يغني عنه التذكير قبل أيام، عددها 3"),
        ("it came back: its mailbox is full (5.2.2)", "عادت الرسالة: صندوق بريده ممتلئ (5.2.2)"),
        ("the relay refused it: 552 50% too long (size)", "رفض خادم البريد الرسالة: 552 50% too long (size)"),
        ("100% in a relay's words", "100% in a relay's words"),
    ],
)
def test_what_was_written_down_is_read_in_the_language_of_the_moment(app: Any, stored: str, arabic: str) -> None:
    with app.app_context(), speaking("ar"):
        assert say_record(stored) == arabic
    with app.app_context(), speaking("en"):
        assert say_record(stored) == stored
