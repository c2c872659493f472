"""Whatever reads cases, or what cases hold, asks who is looking: in its own SELECT, or for a caller who has asked. What
does not is listed here with the reason, so that nobody adds a reader without having thought of it."""

import ast

import pytest
from sources import PACKAGE, python_files, tree

pytestmark = pytest.mark.one_engine

#: Tables of cases and of what they hold.
TABLES = {
    *("Case", "CaseFace", "Involvement", "Entry", "EntryState", "Hearing", "Appearance", "AgendaItem"),
    *("Flag", "Document", "Proposal", "SearchRow", "Message"),
}

#: What asks who is looking.
ASKS = {
    *("level", "may_see", "visible_cases", "get_case", "kept_case", "rung_of", "rung"),
    # What everybody may know of is decided by no account.
    "_OPEN",
    *("sees_message", "get_flag", "get_hearing_in", "get_document", "_seen", "_in_sight", "_within_sight"),
}

#: What reads without asking, by file and function, and why it may.
WITHOUT = {
    "actions/queries.py find_action": "commands, which act for the house",
    "actions/queries.py list_actions": "commands, as above",
    "actions/queries.py telling_entries": "the settler: what is told decides whether an action goes on",
    "asking/queries.py list_without_day": "the plan: who is asked is decided by Lines, what is sent by may_be_asked",
    "asking/queries.py _items": "the plan, as above",
    "asking/queries.py list_questions": "the plan, as above",
    "asking/queries.py list_waiting": "the plan, as above",
    "cases/queries.py cases_of_persons": "the audit: which cases an act concerns",
    "cases/queries.py rungs_of_cases": "the history: to whom rows were open, which its page compares",
    "cases/queries.py get_case_by_ref": "commands and services, which act for the house",
    "cases/queries.py list_people": "of a case its caller was given by kept_case",
    "cases/views.py _person_of": "of a case its caller was given by kept_case",
    "catching_up/queries.py list_concerned": "accounts, by `responsible`, which asks for the level",
    "catching_up/queries.py _kept_back": "counted after `responsible`",
    "catching_up/queries.py _unreminded": "counted after `responsible`",
    "consent/queries.py _deaths_known": "of a person whose case its caller was given by kept_case, and the settler",
    "consent/queries.py read_standing": "of a person whose case its caller was given by kept_case, and the settler",
    "digests/queries.py read_agenda": "by _sits and _needs, which ask for the level",
    "entries/views.py _as_it_stands": "of an entry its caller was given by _entry",
    "entries/views.py _as_open_as": "of an entry its caller was given by _entry",
    "flags/queries.py rungs_of_flags": "the history, as above",
    "flags/queries.py _shown": "conditions come from its callers, which ask for the level or take a rung",
    "following/queries.py _told": "takes no reader: what everybody may know of, by is_open",
    "following/queries.py find_ask": "whoever holds the link; whether everybody may know of the case is said with it",
    "following/queries.py list_followed": "whoever holds the link; by is_open",
    "following/queries.py is_closed": "a yes or no",
    "following/queries.py is_needed": "a yes or no",
    "following/queries.py may_be_confirmed": "by is_open: what everybody may know of",
    "following/queries.py may_be_reminded": "by is_open: what everybody may know of",
    "following/queries.py may_be_told": "by _told, as above",
    "following/queries.py read_told": "by _told, as above",
    "following/views.py _form_page": "a case that get_public_case gave",
    "groups/queries.py may_be_told": "the last look: who coordinates; its mail says how each action stands",
    "hearings/queries.py cases_of_hearings": "the audit: which cases an act concerns",
    "hearings/queries.py rungs_of_appearances": "the history, as above",
    "hearings/queries.py rungs_of_hearings": "the history, as above",
    "hearings/queries.py last_changes": "instants of hearings its caller may see",
    "hearings/queries.py hearings_as_known": "carries the audience of each; its callers compare it",
    "hearings/views.py _outcome_as_it_stands": "of a hearing its caller was given by get_hearing_in",
    "intake/queries.py get_document": "a page is its desk's: by membership",
    "intake/queries.py list_people_names": "of the case of a group its caller was given by _seen",
    "invitations/queries.py list_invitations": "mails with invitations: about no case",
    "intake/views.py _place": "a number: the place of a group on its page",
    "pages/health.py doctor_says": "a command",
    "pages/health.py _first_hearing": "said by Line.to only to who sees it, and by _when without a closed place",
    "pages/health.py _is_open_to_all": "a yes or no",
    "pages/health.py unsettled_messages": "numbers",
    "pages/health.py _waiting": "numbers",
    "pages/listing.py _named_beyond_desks": "joined with visible_cases",
    "pages/listing.py _narrowed": "joined with visible_cases, within a face",
    "pages/listing.py _people": "of cases that visible_cases gave",
    "pages/outgoing.py paused_line": "numbers; which hearing, Line.to says only to who sees it",
    "pages/outgoing.py get_seen_message": "takes the condition",
    "pages/probes.py _late": "numbers",
    "pages/queries.py cases_as_json": "a command, which acts for the house",
    "pages/queries.py case_as_json": "a command",
    "pages/queries.py _people": "a command",
    "pages/queries.py _courts": "a command",
    "pages/today.py needs_me": "hearings of flags that list_flags gave, for their dates",
    "pages/today.py quiet": "faces of the desk's rung, of the reader's own desks",
    "publishing/queries.py _involved": "of cases its callers were given by _OPEN",
    "publishing/queries.py _hearings": "of a case its caller was given by _OPEN, those open to everybody",
    "publishing/queries.py numbers_of_hearings": "of hearings that are open to everybody",
    "reminders/mails.py _read": "after the last look, and each case by its level: see may_be_reminded",
    "reminders/mails.py _people_of": "of the cases _read gave",
    "reminders/mails.py _outcomes": "of the cases _read gave",
    "reminders/queries.py unheard": "counted by the probes, and a flag of its case",
    "search/queries.py cases_matching": "carries the audience; its caller joins the reader's face",
    "telling/queries.py find_entry": "by still_tells, which asks for the level of who the mail goes to",
    "telling/queries.py read_known": "with stamp_of, which asks for the level of who the mail goes to: open or closed",
    "timeline/queries.py rungs_of_entries": "the history, as above",
}


def reads(node: ast.AST) -> bool:
    """Whether a SELECT within this names one of the tables."""
    for call in ast.walk(node):
        if not isinstance(call, ast.Call):
            continue
        called = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
        if called in ("select", "get", "get_one", "with_only_columns", "exists") and any(
            isinstance(inner, ast.Name) and inner.id in TABLES for given in call.args for inner in ast.walk(given)
        ):
            return True
    return False


def asks(node: ast.AST) -> bool:
    """Whether anything within this names what asks who is looking."""
    for inner in ast.walk(node):
        name = getattr(inner, "id", None) or getattr(inner, "attr", None) or getattr(inner, "arg", None)
        if name in ASKS:
            return True
    return False


def readers() -> dict[str, bool]:
    """Every function or class that reads of cases, in the files that read for people: whether it asks."""
    found = {}
    for path in python_files():
        room = path.parent.name
        if path.name not in ("queries.py", "views.py", "events.py", "mails.py") and room != "pages":
            continue
        if room == "outbox":  # it knows of recipients, not of cases: the last look asks `still_true`
            continue
        for node in tree(path).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and reads(node):
                found[f"{path.relative_to(PACKAGE)} {node.name}"] = asks(node)
    return found


def test_whatever_reads_cases_asks_who_is_looking_or_says_why_not() -> None:
    without = {name for name, asked in readers().items() if not asked}
    assert without <= WITHOUT.keys(), f"who is looking? {sorted(without - WITHOUT.keys())}"
    assert WITHOUT.keys() <= without, f"these ask by now, or are gone: {sorted(WITHOUT.keys() - without)}"


def test_the_check_finds_readers() -> None:
    found = readers()
    assert sum(found.values()) > 30
    assert found["pages/casefile.py read_case_file"]
