"""Words for the codes these pages bring."""

from flask_babel import lazy_gettext as _l

from tracker.base.labels import announce

announce(
    "stage_set",
    {
        "active": _l("open and monitored"),
        "open": _l("open"),
        "monitoring": _l("monitored"),
        "draft": _l("drafts"),
        "closed": _l("closed"),
        "all": _l("all"),
    },
)
announce(
    "sort",
    {
        "worst": _l("what needs most first"),
        "next": _l("next date first"),
        "checked": _l("longest unchecked first"),
        "ref": _l("reference"),
    },
)
