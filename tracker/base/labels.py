"""The words for codes: what a page or a mail says for `pre_trial_detention`, `hearing-soon` or `critical`.

Codes are stored and spoken by commands; people read labels, in their language. A room that brings codes of its own
announces their words here: `announce("flag", {"order-ending": _l("an order ends soon")})`.
"""

from collections.abc import Mapping
from enum import Enum

from flask_babel import lazy_gettext as _l

_LABELS: dict[str, dict[str, object]] = {
    "stage": {"draft": _l("draft"), "open": _l("open"), "monitoring": _l("monitoring"), "closed": _l("closed")},
    "closed_reason": {
        "resolved": _l("resolved"),
        "released": _l("released"),
        "died": _l("the person died"),
        "at_their_request": _l("at their request"),
        "duplicate": _l("the same as another case"),
        "out_of_scope": _l("not ours to follow"),
    },
    "risk": {
        "critical": _l("critical risk"),
        "high": _l("high risk"),
        "medium": _l("medium risk"),
        "low": _l("low risk"),
    },
    "audience": {
        "named": _l("named people only"),
        "desk": _l("desk only"),
        "volunteers": _l("volunteers"),
        "public": _l("public"),
    },
    "status": {
        "at_liberty": _l("at liberty"),
        "enforced_disappearance": _l("enforced disappearance"),
        "incommunicado": _l("held incommunicado"),
        "detained_without_charge": _l("detained without charge"),
        "administrative_detention": _l("administrative detention"),
        "pre_trial_detention": _l("pre-trial detention"),
        "imprisoned": _l("imprisoned"),
        "house_arrest": _l("house arrest"),
        "released_on_conditions": _l("released on conditions"),
        "released": _l("released"),
        "deported": _l("deported"),
        "died_in_custody": _l("died in custody"),
        "executed": _l("executed"),
        "killed": _l("killed"),
        "none": _l("no proceedings"),
        "charged": _l("charged"),
        "on_trial": _l("on trial"),
        "convicted": _l("convicted"),
        "sentenced_to_death": _l("sentenced to death"),
        "on_appeal": _l("on appeal"),
        "acquitted": _l("acquitted"),
        "charges_dropped": _l("charges dropped"),
    },
    "condition": {
        "electronic_tag": _l("electronic tag"),
        "bail": _l("bail"),
        "travel_ban": _l("travel ban"),
    },
    "confidence": {"confirmed": _l("confirmed"), "reported": _l("reported, unconfirmed")},
    "certainty": {"confirmed": _l("date confirmed"), "provisional": _l("date provisional")},
    "hearing_kind": {
        "hearing": _l("hearing"),
        "trial_session": _l("trial session"),
        "verdict": _l("verdict"),
        "sentencing": _l("sentencing"),
        "appeal": _l("appeal hearing"),
        "detention_review": _l("detention review"),
        "renewal": _l("renewal of detention"),
        "remand": _l("remand hearing"),
        "bail": _l("bail hearing"),
        "mention": _l("mention"),
        "other": _l("other hearing"),
    },
    "hearing_state": {
        "scheduled": _l("scheduled"),
        "took_place": _l("took place"),
        "adjourned": _l("adjourned"),
        "postponed": _l("postponed"),
        "cancelled": _l("cancelled"),
        "not_known": _l("not known yet"),
    },
    "source_kind": {
        "press": _l("press"),
        "ngo": _l("organisation"),
        "court_paper": _l("court paper"),
        "call": _l("call"),
        "message": _l("message"),
        "visit": _l("visit"),
        "own_text": _l("our own text"),
    },
    "name_kind": {
        "legal": _l("legal name"),
        "known_as": _l("also known as"),
        "transliteration": _l("in another script"),
        "pseudonym": _l("name for publication"),
    },
    "role": {"admin": _l("administrator"), "staff": _l("staff"), "volunteer": _l("volunteer")},
    "severity": {"3": _l("urgent"), "2": _l("soon"), "1": _l("to note")},
    "flag": {
        "hearing-soon": _l("hearing soon"),
        "hearing-without-outcome": _l("hearing without outcome"),
        "date-unconfirmed": _l("date not confirmed"),
        "stale-case": _l("not checked lately"),
        "no-owner": _l("nobody keeps it"),
        "consent-review": _l("consent to be asked anew"),
        "address-bounced": _l("mail comes back"),
        "nobody-reachable": _l("nobody would hear of it"),
        "mail-not-delivered": _l("a reminder did not arrive"),
        "stop-not-delivered": _l("somebody may not know that they must stop"),
        "action-expiring": _l("last days of an action"),
        "action-date-passed": _l("an action's last day is over"),
        "action-on-hold": _l("action on hold"),
        "action-to-decide": _l("update, hold or close?"),
        "target-out-of-office": _l("somebody written to has left office"),
        "target-bounced": _l("an address does not work"),
    },
}


def announce(group: str, words: Mapping[str, object]) -> None:
    """Add the words (lazy strings) for codes of a group. RuntimeError when a code of it has words already."""
    known = _LABELS.setdefault(group, {})
    for code, said in words.items():
        if code in known:
            raise RuntimeError(f"the {group} {code} has two labels")
        known[code] = said


def groups() -> frozenset[str]:
    """The groups somebody gave words for."""
    return frozenset(_LABELS)


def has_label(group: str, code: str) -> bool:
    """Whether somebody gave words for this code."""
    return code in _LABELS.get(group, {})


def label(code: object, group: str) -> str:
    """The words for a code of a group, in the language spoken now; as a filter: `{{ case.risk|label('risk') }}`.

    None says `not known`. A code nobody gave words for is shown with spaces for its dashes: readable, never an error.
    """
    from flask_babel import gettext

    if code is None or code == "":
        return gettext("not known")
    plain = code.name.lower() if isinstance(code, Enum) else str(code)
    said = _LABELS.get(group, {}).get(plain)
    return str(said) if said is not None else plain.replace("_", " ").replace("-", " ")


def choices(group: str, codes: tuple[str, ...] | list[str]) -> list[tuple[str, str]]:
    """(code, words) in the order given: the choices of a form's field."""
    return [(code, label(code, group)) for code in codes]
