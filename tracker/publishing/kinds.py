"""The words of this room: what an entry of a country page can be, and what was done to it."""

from flask_babel import lazy_gettext as _l

from tracker.base.labels import announce

#: What an entry may be that is written here; a page that is read may bring the others, too.
KINDS = ("urgent_action", "update", "good_news", "news", "open_letter", "education")

announce(
    "publication",
    {
        "urgent_action": _l("Urgent action"),
        "update": _l("Update"),
        "good_news": _l("Good news"),
        "news": _l("News"),
        "open_letter": _l("Open letter"),
        "education": _l("Education"),
        "case_profile": _l("Case"),
        "case": _l("Case"),
    },
)
announce(
    "act",
    {
        "publishing.set_up": _l("set up a country page"),
        "publishing.list": _l("put entries on a country page"),
        "publishing.write": _l("wrote an entry of a country page"),
        "publishing.withdraw": _l("took an entry off a country page"),
        "publishing.index": _l("decided whether search engines may list a case"),
    },
)
