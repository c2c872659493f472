"""What a spreadsheet is handed, and how long a bar is."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.tally.rules import length_of, safe_cell


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        " =1",
        "\n@x",
        "=HYPERLINK(0)",
        "|calc",
        "%0A",
        "＝1",
        ' "=1',
        "''=1",
        "“=1”",
        "\u200f=1",
        "\ufeff+1",
    ],
)
def test_what_would_be_a_formula_is_a_text(text: str) -> None:
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize(
    "text", ["", "Minister of Justice", "letter", "3 = 3", "وزير العدل", "a-b", "“Peace” committee", "5 % | more"]
)
def test_everything_else_stays_as_it_is(text: str) -> None:
    assert safe_cell(text) == text


@given(st.text(max_size=40).filter(lambda t: "\x00" not in t))
def test_no_cell_begins_a_formula_however_it_is_written(text: str) -> None:
    written = io.StringIO()
    csv.writer(written).writerow([safe_cell(text)])
    (cell,) = next(csv.reader(io.StringIO(written.getvalue(), newline="")), [""]) or [""]
    assert not cell.strip(' \t\r\n"').startswith(("=", "+", "-", "@", "|", "%", "＝", "＋", "－", "＠"))


@pytest.mark.parametrize(
    ("number", "largest", "length"), [(0, 10, 0), (1, 10_000, 1), (5, 10, 50), (10, 10, 100), (0, 0, 0)]
)
def test_a_bar_is_as_long_as_its_number_and_never_nothing(number: int, largest: int, length: int) -> None:
    assert length_of(number, largest) == length
