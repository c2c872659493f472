"""The reader `text`: what it takes, what it refuses, and that it leaves the text as it is."""

import pytest

from tracker.base.errors import Refused
from tracker.intake.readers import LARGEST_FILE, READERS, read_document, refuse_if_too_large

SAID = "Ahmad’s case\r\nأحمد خليفة\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_text_is_decoded_and_otherwise_left_alone(encoding: str) -> None:
    document = read_document(SAID.encode(encoding), "page.txt")
    assert (document.text, document.reader) == (SAID, "text")


@pytest.mark.parametrize("mark", ["utf-16-le", "utf-16-be"])
def test_both_orders_of_utf_16_are_read_by_their_mark(mark: str) -> None:
    assert read_document(("\ufeff" + SAID).encode(mark)).text == SAID


@pytest.mark.parametrize("said", ["e\u0301", "é", "a\rb\r\nc\u2028d", "\u202bx\u202c"])
def test_nothing_is_put_in_another_form(said: str) -> None:
    assert read_document(said.encode()).text == said


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "“page” is empty"),
        (b" \n\t\x00\x00", "is empty"),
        (b"abc\x00def", "holds NUL"),
        (b"a" * 5000 + b"\x00", "NUL characters"),
        ("a\x00b".encode("utf-16"), "NUL characters"),
        (b"\x01\x02\x03 text", "binary data"),
        (b"caf\xe9 noir", "not text in UTF-8 \\(byte 3"),
        (b"\xff\xfeabc", "not text in UTF-8"),
        (b"%PDF-1.7 x", "is a PDF"),
        (b"PK\x03\x04abc", "a Word document"),
        (b"{\\rtf1 x}", "rich text"),
        (b"  <!DOCTYPE html><html>", "web page's source"),
    ],
)
def test_what_is_no_text_is_refused_with_what_to_do(data: bytes, message: str) -> None:
    with pytest.raises(Refused, match=message):
        read_document(data, "page")


def test_the_limit_holds_at_its_last_byte_and_before_any_work() -> None:
    assert read_document(b"a" * LARGEST_FILE).reader == "text"
    with pytest.raises(Refused, match="5 MB at most"):
        read_document(b"\x00" * (LARGEST_FILE + 1))
    with pytest.raises(Refused, match=r"“big.txt” is 50.0 MB"):
        refuse_if_too_large(50_000_000, "big.txt")


def test_a_file_name_in_a_message_is_short_and_printable() -> None:
    with pytest.raises(Refused) as fault:
        read_document(b"", "a\x1b[31m\u202e" + "b" * 10_000)
    assert fault.value.message == f"“a[31m{'b' * 75}” is empty."


def test_each_reader_answers_for_itself() -> None:
    assert "text" in READERS.codes()
    assert READERS.get("text").sniff(b"plain")
    assert not READERS.get("text").sniff(b"a\x00b")
