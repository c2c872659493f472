"""The closed lists of where a person can stand: custody, proceedings, conditions. Pure data."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Standing:
    """One code of an axis. `terminal`: stands until the entry is put right. `deprived`: of liberty."""

    code: str
    label: str
    deprived: bool = False
    terminal: bool = False
    #: Greater is worse: the headline of several people is the worst.
    weight: int = 0


CUSTODY = {
    s.code: s
    for s in (
        Standing("at_liberty", "at liberty", weight=1),
        Standing("enforced_disappearance", "enforced disappearance", deprived=True, weight=90),
        Standing("incommunicado", "held incommunicado", deprived=True, weight=80),
        Standing("detained_without_charge", "detained without charge", deprived=True, weight=70),
        Standing("administrative_detention", "administrative detention", deprived=True, weight=70),
        Standing("pre_trial_detention", "pre-trial detention", deprived=True, weight=65),
        Standing("imprisoned", "imprisoned", deprived=True, weight=65),
        Standing("house_arrest", "house arrest", deprived=True, weight=50),
        Standing("released_on_conditions", "released on conditions", weight=20),
        Standing("released", "released", weight=10),
        Standing("deported", "deported", weight=40),
        Standing("died_in_custody", "died in custody", terminal=True, weight=100),
        Standing("executed", "executed", terminal=True, weight=100),
        Standing("killed", "killed", terminal=True, weight=100),
    )
}

PROCEEDINGS = {
    s.code: s
    for s in (
        Standing("none", "no proceedings"),
        Standing("charged", "charged", weight=30),
        Standing("on_trial", "on trial", weight=40),
        Standing("convicted", "convicted", weight=55),
        Standing("sentenced_to_death", "sentenced to death", weight=95),
        Standing("on_appeal", "on appeal", weight=45),
        Standing("acquitted", "acquitted", weight=5),
        Standing("charges_dropped", "charges dropped", weight=5),
    )
}

CONDITIONS = {"electronic_tag": "electronic tag", "bail": "bail", "travel_ban": "travel ban"}

#: Codes after which nothing is asked of anybody any more.
DEATHS = tuple(code for code, s in CUSTODY.items() if s.terminal)


def headline(custody: str | None, proceedings: str | None) -> str | None:
    """The one word for both axes: a death sentence or a death before all, then custody, then proceedings."""
    if custody in DEATHS:
        return custody
    if proceedings == "sentenced_to_death":
        return proceedings
    if custody and custody != "at_liberty":
        return custody
    if proceedings and proceedings != "none":
        return proceedings
    return custody


def label(code: str | None) -> str:
    """The words for a status code; `not known` for None."""
    standing = CUSTODY.get(code or "") or PROCEEDINGS.get(code or "")
    return standing.label if standing else "not known"


def weight(code: str | None) -> int:
    """How bad a status is, for choosing the worst of several."""
    standing = CUSTODY.get(code or "") or PROCEEDINGS.get(code or "")
    return standing.weight if standing else 0
