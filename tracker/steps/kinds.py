"""The words for what people did about an action."""

from flask_babel import lazy_gettext as _l

from tracker.base.labels import announce

announce(
    "channel",
    {
        "email": _l("e-mail"),
        "letter": _l("letter"),
        "call": _l("telephone call"),
        "fax": _l("fax"),
        "post": _l("post on the internet"),
        "other": _l("something else"),
    },
)
announce(
    "act",
    {
        "steps.record": _l("a step for an action recorded"),
        "steps.undo": _l("a step for an action taken back"),
        "steps.here": _l("kept on the device where somebody is"),
    },
)
announce("table", {"steps": _l("a step for an action")})
