"""Every address of the application, built from its own map of routes: for tests that look at all there is."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from flask import Flask
from werkzeug.routing import Rule

#: What stands for the arguments of routes: `endpoint.argument`, `blueprint.argument` or `argument` → value or values.
Ids = Mapping[str, Any]

#: Forms that a walk through all of them leaves out: after one of these the later answers would prove little. Each with
#: why, and tested where its own room is.
ENDS_THE_WALK = {
    "accounts.sign_out": "whoever presses it is signed out",
    "accounts.end_sign_in": "ends a sign-in, perhaps that of who walks",
    "safety.switch_mode": "a house that is closed answers nobody",
    "administration.disable": "somebody who walks later, or who may look, is let in no more",
    "administration.enable": "lets in whom the walk takes for disabled",
    "administration.change_role": "who walks later is somebody else then",
    "administration.join_desk": "who was of another desk is of this one then",
    "administration.leave_desk": "the case loses the desk of who may look",
    "administration.set_duty": "who walks later is a coordinator then, or none",
    "administration.revoke": "ends the sign-ins of somebody who walks later, or who may look",
    "administration.reset": "as revoke: nobody's password holds any more",
    "administration.forget_factors": "ends the sign-ins of somebody who walks later, or who may look",
}


def every_address(app: Flask, ids: Ids, methods: Sequence[str] = ("GET",)) -> list[tuple[Rule, str, str]]:
    """(route, method, address) of everything that is answered to these methods. A route with several values for an
    argument gives an address for each. AssertionError for a route nobody gave a value for: what is new is looked at."""
    found, strange = [], []
    urls = app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        taken = [method for method in methods if method in (rule.methods or ())]
        if not taken:
            continue
        values = {name: _values(rule, name, ids) for name in rule.arguments}
        if missing := sorted(name for name, given in values.items() if given is None):
            strange.append(f"{rule.rule} ({rule.endpoint}): {', '.join(missing)}")
            continue
        for chosen in product(*(given or () for given in values.values())):
            address = urls.build(rule.endpoint, dict(zip(values, chosen, strict=True)), method=taken[0])
            found += [(rule, method, address) for method in taken]
    assert not strange, "say what stands for the arguments of these routes:\n" + "\n".join(strange)
    return found


def _values(rule: Rule, name: str, ids: Ids) -> tuple[Any, ...] | None:
    """The values for an argument of a route, the narrowest that was given; None where there is none."""
    blueprint = rule.endpoint.partition(".")[0]
    for key in (f"{rule.endpoint}.{name}", f"{blueprint}.{name}", name):
        if key in ids:
            given = ids[key]
            return tuple(given) if isinstance(given, list | tuple) else (given,)
    return None
