"""The words for what staff do with the tally of an action."""

from flask_babel import lazy_gettext as _l

from tracker.base.labels import announce

announce(
    "act",
    {
        "tally.add": _l("steps that reached us another way recorded"),
        "tally.undo": _l("steps that reached us another way taken back"),
    },
)
