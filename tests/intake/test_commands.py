"""`tracker intake` as people and cron run it: one clear line for what cannot be, one document for `--json`."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from intake_ground import FIRST, FULL
from signed_in import make_account, make_desk

pytestmark = pytest.mark.rehearsal


@pytest.fixture
def desk(app: Flask) -> str:
    """A desk with one of its staff, and somebody of no desk."""
    make_desk(working_days=(7, 1, 2, 3, 4))
    make_account("amal@example.org", desk="iopt")
    make_account("other@example.org")
    return "iopt"


def refused(done: Any, *words: str) -> None:
    """The command refused in words on standard error, and printed nothing."""
    assert done.code == 2, done.err
    assert done.out == ""
    assert "Traceback" not in done.err
    for word in words:
        assert word in done.err


@pytest.mark.one_engine
def test_reading_prints_one_document_and_stores_nothing(run_tracker: Any, desk: str) -> None:
    done = run_tracker("intake", "read", str(FULL), "--json")
    assert done.code == 0
    assert done.json["language"] == "en"
    assert [e["kind"] for e in done.json["entries"]].count("urgent_action") == 2
    cases = [e for e in done.json["entries"] if e["individual_case"]]
    assert [p["name"] for e in cases for p in e["persons"]] == [
        "Khaled Al Serr",
        "Walid Daqqah",
        "Ahmad Khalefa",
        "Munther Amira",
    ]
    assert {e["ua_number"] for e in cases} == {None}, "what stands behind the kind is the date"
    assert run_tracker("cases", "list", "--json").json == []


@pytest.mark.one_engine
def test_reading_needs_no_database(run_tracker: Any, tmp_path: Path) -> None:
    done = run_tracker(
        "intake", "read", str(FIRST), "--json", env={"TRACKER_DATABASE_URL": f"sqlite:///{tmp_path}/none.db"}
    )
    assert (done.code, len(done.json["entries"])) == (0, 2)


@pytest.mark.one_engine
def test_wrong_files_are_refused_in_one_line(run_tracker: Any, desk: str, tmp_path: Path) -> None:
    def file(name: str, data: bytes) -> str:
        (tmp_path / name).write_bytes(data)
        return str(tmp_path / name)

    no_day = b"Egypt\n\nFree Samir Haddad - URGENT ACTION - 31/06/2024\n\nSamir Haddad was arrested.\n"
    huge = tmp_path / "huge.txt"
    with huge.open("wb") as opened:
        opened.truncate(50_000_000)
    wrong = {
        str(tmp_path / "missing.txt"): "does not exist",
        str(tmp_path): "is a directory",
        str(huge): "A page may be 5 MB at most",
        file("binary.dat", bytes(range(256)) * 20): "binary.dat",
        file("page.pdf", b"%PDF-1.7\n\x00"): "PDF",
        file("nul.txt", b"Samir\x00Haddad"): "NUL",
        file("empty.txt", b""): "is empty",
        file("page.html", b"<!doctype html><p>Samir"): "web page's source",
        file("date.txt", no_day): "There is no such day as 31/06/2024",
        file("nothing.txt", b"Good morning.\n"): "No entries were found",
    }
    for path, why in wrong.items():
        for command in (("read", path), ("import", path, "--desk", desk)):
            done = run_tracker("intake", *command, "--json")
            refused(done, why)
            assert len(done.err.strip().splitlines()) <= 4, done.err
    assert run_tracker("cases", "list", "--json").json == []


@pytest.mark.one_engine
def test_wrong_desks_owners_and_days_are_refused_and_nothing_is_kept(run_tracker: Any, desk: str) -> None:
    refused(run_tracker("intake", "import", str(FIRST), "--desk", "nowhere"), "There is no desk nowhere")
    nobody = run_tracker("intake", "import", str(FIRST), "--desk", desk, "--owner", "nobody@example.org")
    refused(nobody, "There is no account nobody@example.org")
    stranger = run_tracker(
        *("intake", "import", str(FIRST), "--desk", desk, "--owner", "other@example.org", "--accept", "all")
    )
    refused(stranger, "Only active staff of the desk")
    refused(run_tracker("intake", "read", str(FIRST), "--published", "31/06/2024"), "There is no such day")
    refused(run_tracker("intake", "read", str(FIRST), "--published", "soon"), "is not a date")
    refused(run_tracker("intake", "import", str(FIRST), "--desk", desk, "--accept", "some"), "--accept")
    again = run_tracker("intake", "import", str(FIRST), "--desk", desk, "--json")
    assert again.json["proposed"] == 9, "nothing of what was refused had been kept"


def test_an_import_says_what_it_made_and_the_next_edition_only_what_is_new(run_tracker: Any, desk: str) -> None:
    def bring(file: Path, at: str, *more: str) -> Any:
        done = run_tracker("intake", "import", str(file), "--desk", desk, "--at", at, "--json", *more)
        assert done.code == 0, done.err
        return done.json

    first = bring(FIRST, "2024-03-22T09:00Z", "--accept", "all", "--owner", "amal@example.org")
    assert (first["entries"], first["proposed"], first["known"], first["accepted"]) == (2, 9, 0, 9)
    assert first["cases"] == ["IOPT-0001", "IOPT-0002"]
    same = bring(FIRST, "2024-03-22T10:00Z", "--accept", "all")
    assert (same["proposed"], same["accepted"], same["cases"]) == (0, 0, [])
    full = bring(FULL, "2024-06-07T12:00Z", "--accept", "all")
    assert (full["entries"], full["proposed"], full["accepted"], full["left_open"]) == (12, 5, 5, 0)
    assert full["cases"] == ["IOPT-0003", "IOPT-0004"]
    people = {p["name"]: p["status"] for c in run_tracker("cases", "list", "--json").json for p in c["people"]}
    assert people == {
        "Ahmad Khalefa": "house_arrest",
        "Munther Amira": "released",
        "Khaled Al Serr": "enforced_disappearance",
        "Walid Daqqah": "died_in_custody",
    }


@pytest.mark.one_engine
def test_without_accept_everything_waits(run_tracker: Any, desk: str) -> None:
    done = run_tracker("intake", "import", str(FIRST), "--desk", desk)
    assert done.code == 0
    assert "9 proposals made" in done.out
    assert run_tracker("cases", "list", "--json").json == []
    later = run_tracker("intake", "import", str(FIRST), "--desk", desk, "--accept", "all", "--json")
    assert (later.json["proposed"], later.json["accepted"]) == (0, 9)


@pytest.mark.one_engine
def test_what_cannot_be_taken_is_said_and_stays_open(run_tracker: Any, desk: str, tmp_path: Path) -> None:
    page = tmp_path / "page.txt"
    page.write_text(
        "Egypt\n\nFree Samir Haddad - URGENT ACTION - 18/03/2024\n\n"
        "Samir Haddad, a teacher, was arrested on 4 March 2024. Samir Haddad was charged on 9 March 2024.\n"
    )
    done = run_tracker(
        *("intake", "import", str(page), "--desk", desk, "--accept", "all", "--json", "--at", "2024-03-06T09:00Z")
    )
    assert done.code == 0, done.err
    assert (done.json["proposed"], done.json["accepted"], done.json["left_open"]) == (3, 2, 1)
    assert "left open: That day has not come yet" in done.err


def test_one_page_imported_by_two_commands_at_once_makes_its_cases_once(
    run_tracker: Any, tracker_env: dict[str, str], desk: str
) -> None:
    command = [
        *(str(Path(sys.executable).with_name("tracker")), "intake", "import", str(FIRST)),
        *("--desk", desk, "--accept", "all", "--json", "--at", "2024-03-22T09:00Z"),
    ]
    running = [
        subprocess.Popen(command, env=tracker_env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    ended = [child.communicate(timeout=120) for child in running]
    assert [child.returncode for child in running] == [0, 0], ended
    said = [json.loads(out) for out, _err in ended]
    assert sum(s["proposed"] for s in said) == 9
    assert sum(s["accepted"] for s in said) == 9
    assert len(run_tracker("cases", "list", "--json").json) == 2
