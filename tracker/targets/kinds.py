"""The words for what a target is, and for what people find about its addresses."""

from flask_babel import lazy_gettext as _l

from tracker.base.labels import announce

announce("target_kind", {"official": _l("official"), "embassy": _l("embassy")})
announce(
    "target_report",
    {
        "email_bounced": _l("my e-mail came back"),
        "post_returned": _l("my letter came back"),
        "call_not_answered": _l("nobody answers the telephone"),
    },
)
announce(
    "act",
    {
        "targets.record": _l("somebody to write to recorded"),
        "targets.edit": _l("somebody to write to changed"),
        "targets.report": _l("an address reported not to work"),
        "targets.settle": _l("a report about an address settled"),
    },
)
announce("table", {"targets": _l("somebody to write to"), "target_reports": _l("a report about an address")})
