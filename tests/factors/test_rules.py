"""Codes, recovery codes, and where passkeys can be: the rules alone."""

from base64 import b32encode
from datetime import UTC, datetime, timedelta

import pytest

from tracker.base.errors import Refused
from tracker.factors import rules

#: RFC 6238, appendix B: the secret of its SHA-1 vectors, and the last six digits of what stands there.
SECRET = b32encode(b"12345678901234567890").decode()
VECTORS = {59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037"}


@pytest.mark.parametrize(("second", "code"), VECTORS.items())
def test_codes_are_those_of_the_standard(second: int, code: str) -> None:
    assert rules.find_step(SECRET, code, datetime.fromtimestamp(second, UTC)) == second // 30


@pytest.mark.parametrize(("off", "accepted"), [(-31, False), (-30, True), (0, True), (59, True), (60, False)])
def test_a_phone_may_be_off_by_one_step(off: int, accepted: bool) -> None:
    """The code of 30 to 59 seconds after the epoch, seen `off` seconds after its beginning."""
    now = datetime.fromtimestamp(30 * 1000 + off, UTC)
    code = rules.TOTP(key=SECRET, format="base32").generate(30 * 1000).token
    assert (rules.find_step(SECRET, code, now) == 1000) is accepted


@pytest.mark.parametrize(
    "typed", ["287082", " 287 082 ", "287-082", "２８７０８２", "٢٨٧٠٨٢", "\u200e287082\u00a0", "287–082"]
)
def test_a_code_may_be_typed_in_many_ways(typed: str) -> None:
    assert rules.find_step(SECRET, typed, datetime.fromtimestamp(59, UTC)) == 1


@pytest.mark.parametrize("typed", ["", "28708", "2870820", "28708a", "287082" * 9, "²87082x", "-1"])
def test_what_is_no_code_is_not_right(typed: str) -> None:
    assert rules.find_step(SECRET, typed, datetime.fromtimestamp(59, UTC)) is None


def test_a_new_secret_has_160_bits_and_the_app_reads_it() -> None:
    secret = rules.new_secret()
    assert len(secret) == 32
    assert secret != rules.new_secret()
    address = rules.address_of_app(secret, "amal@example.org", "Urgent action tracker")
    assert address == (
        f"otpauth://totp/Urgent%20action%20tracker:amal@example.org?secret={secret}&issuer=Urgent%20action%20tracker"
    )


def test_recovery_codes_are_told_from_codes_of_an_app_and_bound_to_the_account() -> None:
    code = "abcdefghjkmnpqrs"
    assert rules.is_recovery_code(rules.normalise_code("ABCD efgh-jkmn pqrs"))
    assert not rules.is_recovery_code("287082")
    assert not rules.is_recovery_code("abcdefghjkmnpqr1"), "1 looks like l"
    assert rules.hash_code(1, code) != rules.hash_code(2, code)
    assert len(set(rules.ALPHABET)) ** rules.CODE_LENGTH > 2**79


@pytest.mark.parametrize(
    ("base_url", "host", "origin"),
    [
        ("https://tracker.example.org", "tracker.example.org", "https://tracker.example.org"),
        ("https://tracker.example.org:443/", "tracker.example.org", "https://tracker.example.org"),
        ("https://tracker.example.org:8443", "tracker.example.org", "https://tracker.example.org:8443"),
        ("http://localhost:8000", "localhost", "http://localhost:8000"),
    ],
)
def test_passkeys_are_bound_to_the_address_of_the_settings(base_url: str, host: str, origin: str) -> None:
    assert rules.site_of(base_url) == rules.Site(host, origin)


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:8000", "https://192.0.2.1", "https://[2001:db8::1]"])
def test_where_the_address_is_a_number_there_are_no_passkeys(base_url: str) -> None:
    assert rules.site_of(base_url) is None


@pytest.mark.parametrize(
    ("role", "only_offered", "must"),
    [("admin", False, True), ("staff", False, True), ("volunteer", False, False), ("admin", True, False)],
)
def test_staff_and_admins_must_have_one_where_data_is_real(role: str, only_offered: bool, must: bool) -> None:
    assert rules.must_have_factor(role, only_offered=only_offered) is must


def test_a_passkey_without_a_name_gets_one_that_is_free() -> None:
    assert rules.check_passkey_name("  ", [], "Passkey") == "Passkey"
    assert rules.check_passkey_name("", ["Passkey", "Passkey 2"], "Passkey") == "Passkey 3"
    assert rules.check_passkey_name(" my  phone ", [], "Passkey") == "my phone"
    for name in ("x" * 61, "my phone"):
        with pytest.raises(Refused):
            rules.check_passkey_name(name, ["my phone"], "Passkey")


def test_a_step_is_half_a_minute() -> None:
    assert timedelta(seconds=rules.STEP_SECONDS) == timedelta(seconds=30)
