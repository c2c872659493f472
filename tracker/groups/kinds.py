"""The words for what happens in groups."""

from flask_babel import lazy_gettext as _l

from tracker.base.labels import announce

announce(
    "act",
    {
        "groups.add": _l("a group made"),
        "groups.edit": _l("a group changed"),
        "groups.end": _l("a group ended"),
        "groups.invite": _l("somebody asked to join a group"),
        "groups.join": _l("joined a group"),
        "groups.decline": _l("did not join a group"),
        "groups.leave": _l("left a group"),
        "groups.remove": _l("a member taken out of a group"),
        "groups.duty": _l("who coordinates a group changed"),
        "groups.record": _l("steps of a group recorded"),
        "groups.undo": _l("a step of a group taken back"),
        "groups.plan_evening": _l("an evening of a group chosen"),
        "groups.change_evening": _l("an evening of a group changed"),
        "groups.cancel_evening": _l("an evening of a group called off"),
        "groups.result": _l("the result of an evening recorded"),
        "groups.check": _l("the actions of evenings looked at once more"),
    },
)
announce(
    "table",
    {
        "volunteer_groups": _l("a group"),
        "group_members": _l("a member of a group"),
        "group_invitations": _l("an invitation to a group"),
        "group_evenings": _l("an evening of a group"),
        "evening_actions": _l("an action of an evening"),
    },
)
