"""The commands of urgent actions: added from a file, stopped, counted; and wrong use in one line."""

from pathlib import Path
from typing import Any

import pytest
from actions_ground import minister, open_case
from house_of_cases import Lived, lived

__all__ = ["lived"]

pytestmark = [pytest.mark.one_engine, pytest.mark.rehearsal]

AT = ("--at", "2024-03-18T08:00Z")

FILE = """
title = "Say where the surgeon is"
ua_number = "First UA: 52/24"
issued_on = 2024-03-18
minutes = 5

[[letters]]
language = "en"
subject = "Where is he?"
body = "Please say where he is."

[[targets]]
country = "IL"
office = "Minister of Defence"
email = "minister@example.org"
"""


def written(folder: Path, text: str = FILE) -> str:
    """A file of an action."""
    path = folder / "action.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_an_action_is_added_held_resumed_extended_counted_and_stopped(
    lived: Lived, run_tracker: Any, tmp_path: Path
) -> None:
    case = open_case(lived)
    added = run_tracker("actions", "add", case.ref, "--from", written(tmp_path), "--open", *AT, "--json")
    assert added.code == 0, added.err
    assert {k: added.json[k] for k in ("ref", "ua_number", "kind", "state", "act_until", "case")} == {
        "ref": "UA 52/24",
        "ua_number": "UA 52/24",
        "kind": "first",
        "state": "active",
        "act_until": "2024-04-29",
        "case": case.ref,
    }
    assert run_tracker("actions", "hold", "UA 52/24", "--reason", "checking", *AT, "--json").json["state"] == "on_hold"
    assert run_tracker("actions", "resume", "52/24", "--reason", "checked", *AT, "--json").json["state"] == "active"
    extended = run_tracker("actions", "extend", str(added.json["id"]), *AT, "--json")
    assert extended.json["act_until"] == "2024-05-13"
    step = ("--channel", "email", "--count", "12", "--on", "2024-03-18")
    assert run_tracker("steps", "add", "UA-52/2024", *step, *AT, "--json").json["total"] == 12
    stopped = run_tracker(
        "actions", "stop", "UA 52/24", "--reason", "asked", "--words", "Silence helps.", *AT, "--json"
    )
    assert stopped.json["state"] == "stopped"
    assert [a["state"] for a in run_tracker("actions", "list", "--json").json] == ["stopped"]
    assert "UA 52/24" in run_tracker("actions", "list").out
    assert [t["office"] for t in run_tracker("targets", "list", "--json").json] == ["Minister of Defence"]


def test_somebody_in_the_target_book_is_used_again(lived: Lived, run_tracker: Any, tmp_path: Path) -> None:
    case = open_case(lived)
    minister(lived, name="")
    assert run_tracker("actions", "add", case.ref, "--from", written(tmp_path), *AT).code == 0
    assert len(run_tracker("targets", "list", "--json").json) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("title = ", "is no TOML"),
        ("title = 'A'\nname = 'Khaled'", "nothing is called name"),
        ("ua_number = 'UA 1/24'", "title is missing"),
        ("title = 'A'\nminutes = 'ten'", "minutes must be a number"),
        ("title = 'A'\nua_number = 'Case 480/2018'", "number of a court"),
        ("title = 'A'\nact_until = 2024-03-01", "before the day of issue"),
        ("title = 'A'\n[[letters]]\nlanguage = 'en'", "body is missing"),
        ("title = 'A'\n[[targets]]\noffice = 'X'", "country is missing"),
        ("title = 'A'\nletters = ['x']", "[[letters]]"),
        ("title = 'A'\naudience = 'all'", "no audience"),
        ("title = 'A'\nact_until = 2024-05-12T10:00:00", "act_until must be a day"),
        ("title = 'A'\n[[letters]]\nlanguage = 5\nbody = 'x'", "in letters, language must be text"),
        ("title = 'A'\n[[targets]]\ncountry = 5\noffice = 'X'", "in targets, country must be text"),
        ("title = 'A'\n[[targets]]\ncountry = 'IL'\noffice = 'X'\npostal = ['a']", "in targets, postal must be text"),
        ("title = 'A'\n[[targets]]\ncountry = 'IL'\noffice = 'X'\nvalid_to = 'soon'", "valid_to must be a day"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line_and_nothing_stays(
    lived: Lived, run_tracker: Any, tmp_path: Path, text: str, words: str
) -> None:
    case = open_case(lived)
    refused = run_tracker("actions", "add", case.ref, "--from", written(tmp_path, text), *AT)
    assert refused.code == 2
    assert words in refused.err
    assert len(refused.err.strip().splitlines()) == 1
    assert run_tracker("actions", "list", "--json").json == []


def test_an_action_nobody_knows_is_refused(lived: Lived, run_tracker: Any) -> None:
    for said in ("UA 99/24", "77"):
        refused = run_tracker("actions", "stop", said, "--reason", "asked")
        assert (refused.code, "There is no action" in refused.err) == (2, True)
    for said in ("9" * 30, "²"):
        refused = run_tracker("actions", "stop", said, "--reason", "asked")
        assert (refused.code, "neither the ID of an action" in refused.err) == (2, True)
    refused = run_tracker("steps", "add", "Case 480/2018", "--channel", "email", "--count", "1", "--on", "2024-03-18")
    assert refused.code == 2
    assert "neither the ID of an action nor a UA number" in refused.err
    assert run_tracker("actions", "stop", "UA 1/24", "--reason", "family").code == 2
