"""What an account, a password and a sign-in may be."""

import unicodedata
from datetime import UTC, datetime, timedelta

import pytest

from tracker.accounts import rules
from tracker.base.countries import check_country, country_name
from tracker.base.errors import Refused

NOW = datetime(2024, 4, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Amal@Example.ORG", "Amal@example.org"),
        ("  amal@example.org ", "amal@example.org"),
        ("amal@bücher.example", "amal@xn--bcher-kva.example"),
        ("amal@post.test", "amal@post.test"),
        ("amal@intranet", "amal@intranet"),
    ],
)
def test_an_address_is_kept_as_mail_is_sent_to_it(written: str, kept: str) -> None:
    assert rules.normalise_email(written) == kept


@pytest.mark.parametrize(
    "written",
    [
        "",
        "amal",
        "amal@",
        "Amal <amal@example.org>",
        '"x" <a@example.org>, b@example.org',
        "a@example.org, b@example.org",
        "a@example.org\nBcc: b@example.org",
        "a@example.org\x00",
        "ámal@example.org",
        "a@[127.0.0.1]",
        f"{'a' * 65}@example.org",
        f"a@{'b.' * 130}org",
    ],
)
def test_what_is_not_one_plain_address_is_refused(written: str) -> None:
    with pytest.raises(Refused) as refused:
        rules.normalise_email(written)
    assert refused.value.field == "email"


def test_somebody_of_whom_only_the_address_is_known_has_a_name() -> None:
    assert rules.name_from_email("amal.k_haddad@example.org") == "Amal K Haddad"
    assert rules.name_from_email("_@example.org") == "_@example.org"


@pytest.mark.parametrize(
    "password",
    [
        "kettle-orch",  # 11
        "x" * 129,
        "aaaaaaaaaaaaaaaa",
        "abababababababab",
        "password1234",
        "Urgent-Action-2026",
        "tracker_password!!!!",
        "123456789012",
        "qwertyuiop12",
        "amal.haddad.2024",
        "kettle\x00orchard-lantern",
    ],
)
def test_a_password_that_is_tried_first_is_refused(password: str) -> None:
    with pytest.raises(Refused) as refused:
        rules.check_password(password, about=("amal@example.org", "Amal Haddad"))
    assert refused.value.field == "password"


@pytest.mark.parametrize(
    "password", ["kettle-orcha", "correct horse battery staple", "Tünel-Kahve-Sepet", "z9" * 4 + "q7w3" * 30]
)
def test_a_password_of_twelve_to_128_characters_is_taken_without_rules_of_kinds(password: str) -> None:
    assert rules.check_password(password) == password


def test_the_same_letters_from_two_keyboards_are_one_password() -> None:
    typed = unicodedata.normalize("NFD", "Tünel-Kahve-Sepet")
    assert rules.check_password(typed) == "Tünel-Kahve-Sepet" != typed


def test_staff_sign_in_again_after_half_a_day_and_volunteers_after_a_month() -> None:
    assert rules.idle_span("staff") == rules.idle_span("admin") == timedelta(hours=12)
    assert rules.idle_span("volunteer") == timedelta(days=30)


def test_a_sign_in_is_written_to_once_a_minute() -> None:
    assert not rules.is_touch_due(NOW, NOW + timedelta(seconds=59, milliseconds=999))
    assert rules.is_touch_due(NOW, NOW + timedelta(minutes=1))


@pytest.mark.parametrize("code", ["", "i", "1opt", "io-pt", "io pt", "abcdefghijklm", "ио"])
def test_a_code_that_cannot_stand_in_an_address_is_refused(code: str) -> None:
    with pytest.raises(Refused, match="cannot be the code"):
        rules.check_desk_code(code)


def test_a_code_is_kept_in_small_letters() -> None:
    assert rules.check_desk_code(" IOPT ") == "iopt"


@pytest.mark.parametrize("days", [[], [0], [8], [1, 1], [7, 1, 7]])
def test_working_days_that_make_no_week_are_refused(days: list[int]) -> None:
    with pytest.raises(Refused) as refused:
        rules.check_working_days(days)
    assert refused.value.field == "working_days"


@pytest.mark.parametrize(("days", "is_one"), [(0, False), (1, True), (365, True), (366, False)])
def test_a_threshold_is_a_day_to_a_year(days: int, is_one: bool) -> None:
    if is_one:
        assert rules.check_threshold(days, "stale_low_days") == days
    else:
        with pytest.raises(Refused):
            rules.check_threshold(days, "stale_low_days")


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox, Linux"),
        ("Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/142.0 Mobile Safari/537.36", "Chrome, Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1", "Safari, iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/142.0 Safari/537.36 Edg/142.0", "Edge, Windows"),
        ("curl/8.5", ""),
    ],
)
def test_a_device_is_named_in_a_few_words(agent: str, said: str) -> None:
    assert rules.describe_device(agent) == said


def test_a_country_is_found_by_its_two_letters() -> None:
    assert check_country(" ps ") == "PS"
    assert country_name("PS", "en") == "Palestinian Territories"
    assert country_name("EG", "ar") == "مصر"
    for code in ("", "EU", "ZZ", "UN", "Israel", "I", "12", "001"):
        with pytest.raises(Refused, match="is no country"):
            check_country(code)
