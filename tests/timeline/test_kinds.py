"""What each kind of entry does to where a person stands, and that every kind can be read back and said."""

from dataclasses import is_dataclass

import pytest
from flask import Flask

import tracker.cases.kinds
import tracker.hearings.kinds  # noqa: F401  # both announce their kinds
from tracker.timeline.codes import CUSTODY, PROCEEDINGS
from tracker.timeline.kinds import kinds

#: Code → (custody, proceedings) it leads to; None leaves that axis as it was.
LEADS_TO = {
    "person.arrested": ("detained_without_charge", None),
    "person.disappeared": ("enforced_disappearance", None),
    "person.held_incommunicado": ("incommunicado", None),
    "person.located": ("detained_without_charge", None),
    "person.detention_ordered": ("administrative_detention", None),
    "person.remanded": ("pre_trial_detention", None),
    "person.placed_under_house_arrest": ("house_arrest", None),
    "person.imprisoned": ("imprisoned", None),
    "person.released": ("released", None),
    "person.released_on_conditions": ("released_on_conditions", None),
    "person.deported": ("deported", None),
    "person.died_in_custody": ("died_in_custody", None),
    "person.executed": ("executed", None),
    "person.killed": ("killed", None),
    "person.charged": (None, "charged"),
    "person.trial_opened": (None, "on_trial"),
    "person.convicted": (None, "convicted"),
    "person.sentenced_to_death": (None, "sentenced_to_death"),
    "person.appealed": (None, "on_appeal"),
    "person.acquitted": (None, "acquitted"),
    "person.charges_dropped": (None, "charges_dropped"),
    "person.transferred": (None, None),
    "person.health_reported": (None, None),
    "person.ill_treated": (None, None),
    "case.news": (None, None),
}

#: Written by the house itself, never chosen in a form.
WRITTEN_BY_THE_HOUSE = {
    *("case.opened", "case.checked", "case.closed", "case.reopened"),
    *("entry.accepted", "entry.withdrawn", "entry.audience_changed"),
    *("hearing.scheduled", "hearing.moved", "hearing.corrected", "hearing.confirmed", "hearing.edited"),
    *("hearing.undone", "hearing.cancelled", "hearing.reinstated", "hearing.outcome_recorded"),
    *("action.issued", "action.extended", "action.held", "action.resumed", "action.stopped", "action.closed"),
    "action.expired",
    *("consent.recorded", "consent.withdrawn", "consent.without_name", "publicity.stopped", "publicity.resumed"),
}

#: What a kind cannot be said without.
NEEDS = {"hearing.outcome_recorded": {"outcome": "adjourned"}}

pytestmark = pytest.mark.one_engine


@pytest.mark.parametrize("code", LEADS_TO)
def test_what_a_kind_leads_to(code: str) -> None:
    kind = kinds.get(code)
    assert (kind.custody, kind.proceedings) == LEADS_TO[code]
    assert kind.by_hand, "staff choose it in the form"
    assert kind.news


def test_codes_of_both_axes_exist() -> None:
    assert {k.custody for k in kinds} - {None} <= CUSTODY.keys()
    assert {k.proceedings for k in kinds} - {None} <= PROCEEDINGS.keys()


def test_a_release_ends_conditions_and_nothing_else_does() -> None:
    assert {k.code for k in kinds if k.clears_conditions} >= {"person.released"}
    assert not kinds.get("person.acquitted").clears_conditions, "an acquitted person may still be held"


@pytest.mark.parametrize("code", sorted(WRITTEN_BY_THE_HOUSE))
def test_what_the_house_writes_is_not_offered(code: str) -> None:
    assert not kinds.get(code).by_hand


def test_every_kind_is_looked_at_here() -> None:
    assert set(kinds.codes()) == LEADS_TO.keys() | WRITTEN_BY_THE_HOUSE


def test_payloads_only_gain_fields_with_defaults() -> None:
    """An entry written by an older version has fewer fields, one written by a newer version more: both are read."""
    for kind in kinds:
        assert is_dataclass(kind.payload)
        assert kind.payload.__dataclass_params__.frozen, f"{kind.code} must be frozen"
        assert kind.read({}) == kind.payload()
        assert kind.read({"a_field_of_the_future": 1}) == kind.payload()


def test_every_kind_can_be_said_in_one_line(app: Flask) -> None:
    with app.test_request_context():
        for kind in kinds:
            said = kind.sentence(NEEDS.get(kind.code, {}))
            assert said.strip(), kind.code
            assert "\n" not in said
            assert "None" not in said, f"{kind.code}: {said}"


def test_a_place_that_is_told_is_said(app: Flask) -> None:
    with app.test_request_context():
        assert "Al-Jalame" in kinds.get("person.arrested").sentence({"place": "Al-Jalame"})
