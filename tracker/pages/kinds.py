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
announce(
    "message_state",
    {
        "waiting": _l("waits"),
        "sending": _l("being sent"),
        "paused": _l("paused"),
        "sent": _l("sent"),
        "skipped": _l("left out"),
        "cancelled": _l("no longer needed"),
        "not_delivered": _l("not delivered"),
        "may_have_arrived": _l("may have arrived"),
    },
)
announce(
    "mail_fate",
    {
        "send": _l("would go"),
        "hold": _l("would wait"),
        "skip": _l("would be left out"),
        "not_delivered": _l("would count as not delivered"),
    },
)
announce(
    "mail_fate_why",
    {
        "paused": _l("mail is paused"),
        "quiet_hours": _l("its reader has quiet hours"),
        "again_later": _l("it is tried again later"),
        "no_relay": _l("no mail relay is set"),
        "under_way": _l("it is being sent at this moment"),
        "too_late": _l("it is too late for it"),
        "no_words": _l("it cannot be written"),
        "sent": _l("it was sent"),
        "sending": _l("it is being sent at this moment"),
        "skipped": _l("it was left out"),
        "cancelled": _l("it was taken back"),
        "not_delivered": _l("it was not delivered"),
        "may_have_arrived": _l("it may have arrived"),
    },
)
announce(
    "step",
    {
        "clockwork.zones": _l("follows changed time zones"),
        "flags.sweep": _l("looks for what needs somebody"),
        "faces.refresh": _l("keeps lists up to date"),
        "reminders.plan": _l("plans reminders"),
        "outbox.deliver": _l("sends mail"),
        "accounts.forget": _l("clears ended sign-ins"),
        "clockwork.pulse": _l("the clock process lives"),
        "pages.alarm": _l("tells the alarm outside that all is well"),
        "catching_up.report": _l("reports what a stop of the clock kept back"),
    },
)
