"""Pages of groups: who is in one, their log, and their evenings. They lie below /actions, so that the device's word of
where it is comes along."""

from collections.abc import Callable
from typing import Any
from zoneinfo import available_timezones

from flask import Blueprint, flash, render_template, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _

from tracker.accounts.guard import acting, open_to, viewer
from tracker.actions.models import UrgentAction
from tracker.actions.queries import called, list_letters, list_targets_of
from tracker.base import clock
from tracker.base.countries import country_codes, country_name
from tracker.base.dates import today_in
from tracker.base.db import db, note
from tracker.base.errors import NotAllowed
from tracker.base.forms import HouseForm, led_to, once, submit
from tracker.base.languages import right_to_left
from tracker.base.once import new_token
from tracker.base.work import unit_of_work
from tracker.groups import queries, rules, service
from tracker.groups.forms import (
    EVENING_CHANNELS,
    EveningForm,
    GroupForm,
    InviteForm,
    NewGroupForm,
    RecordForm,
    result_form,
)
from tracker.groups.mails import say_state, say_verdict
from tracker.groups.models import Group, GroupEvening, GroupMember
from tracker.steps import devices
from tracker.steps.queries import find_copy, opened
from tracker.steps.rules import best_letter
from tracker.steps.service import UNDO_WITHIN

bp = Blueprint("groups", __name__, url_prefix="/actions/groups")

#: Beginnings of the names of time zones that are places.
CONTINENTS = (
    "Africa/",
    "America/",
    "Antarctica/",
    "Asia/",
    "Atlantic/",
    "Australia/",
    "Europe/",
    "Indian/",
    "Pacific/",
)


@bp.context_processor
def of_the_device() -> dict[str, Any]:
    """As on the pages of actions: on a device in a country of a case no title says what a page is."""
    return {"neutral": bool(devices.heres())}


# Who is in one --------------------------------------------------------------------------------------------------------


@bp.get("")
@open_to("signed_in")
def index() -> str:
    """The groups the reader is in, and those they were asked to join; to staff, all."""
    user, session = viewer(), db.session()
    return render_template(
        "groups/index.html",
        groups=queries.list_groups(session, user),
        invitations=queries.list_invitations(session, user, clock.now()),
        fresh=new_token,
    )


@bp.get("/new")
@open_to("staff")
def new() -> str:
    """An empty group."""
    form = NewGroupForm()
    _offer(form)
    return render_template("groups/edit.html", form=form, group=None, zones=_zones())


@bp.post("/new")
@open_to("staff")
def add() -> Any:
    """Make it, and ask somebody to coordinate it."""
    form = NewGroupForm()
    _offer(form)

    def act() -> str:
        with unit_of_work("groups.add", acting(), "group"):
            once(form)
            group = service.add_group(
                db.session(),
                name=form.name.data or "",
                country=form.country.data,
                zone=form.zone.data or "",
                by=viewer(),
                coordinator=form.email.data or "",
            )
            flash(_("Made. Whoever has this address finds it under Groups."), "good")
            return led_to(form, url_for("groups.show", group_id=group.public_id))

    return submit(form, act, lambda: render_template("groups/edit.html", form=form, group=None, zones=_zones()))


@bp.get("/<group_id>")
@open_to("signed_in")
def show(group_id: str) -> str:
    """A group: what it did, its next evening, its log; who is in it, for those who coordinate it."""
    group, member = _group(group_id)
    return _group_page(group, member, InviteForm())


@bp.get("/<group_id>/edit")
@open_to("signed_in")
def edit(group_id: str) -> str:
    """What a group is called, and where it is."""
    group, _member = _group(group_id, leads=True)
    form = GroupForm(obj=group, version=str(group.version))
    _offer(form)
    return render_template("groups/edit.html", form=form, group=group, zones=_zones())


@bp.post("/<group_id>/edit")
@open_to("signed_in")
def change(group_id: str) -> Any:
    """Change it."""
    group, _member = _group(group_id, leads=True)
    form = GroupForm()
    _offer(form)

    def act() -> str:
        with unit_of_work("groups.edit", acting(), f"group:{group.id}"):
            once(form)
            mine, _held = _group(group_id, leads=True)
            service.edit_group(
                db.session(),
                mine,
                version=form.expected_version,
                name=form.name.data or "",
                country=form.country.data,
                zone=form.zone.data or "",
            )
            return led_to(form, url_for("groups.show", group_id=group_id))

    return submit(
        form,
        act,
        lambda: render_template("groups/edit.html", form=form, group=group, zones=_zones()),
        version_now=lambda: _group(group_id)[0].version,
    )


@bp.post("/<group_id>/invite")
@open_to("signed_in")
def invite(group_id: str) -> Any:
    """Ask somebody to join. The answer is the same whoever has the address, or nobody."""
    group, member = _group(group_id, leads=True)
    form = InviteForm()

    def act() -> str:
        with unit_of_work("groups.invite", acting(), f"group:{group.id}"):
            once(form)
            mine, _held = _group(group_id, leads=True)
            service.invite(db.session(), mine, form.email.data or "", by=viewer())
            flash(
                _("If there is an account with this address, it finds the invitation under Groups, for 30 days."),
                "good",
            )
            return led_to(form, url_for("groups.show", group_id=group_id, _anchor="members"))

    return submit(form, act, lambda: _group_page(group, member, form))


@bp.post("/invitations/<invitation_id>/join")
@open_to("signed_in")
def join(invitation_id: str) -> Any:
    """Say yes."""

    def do() -> str:
        group = service.join(db.session(), viewer(), invitation_id)
        return url_for("groups.show", group_id=group.public_id)

    return _press("join", do, url_for("groups.index"))


@bp.post("/invitations/<invitation_id>/decline")
@open_to("signed_in")
def decline(invitation_id: str) -> Any:
    """Say no."""

    def do() -> str:
        service.decline(db.session(), viewer(), invitation_id)
        return url_for("groups.index")

    return _press("decline", do, url_for("groups.index"))


@bp.post("/<group_id>/leave")
@open_to("signed_in")
def leave(group_id: str) -> Any:
    """Leave a group."""

    def do() -> str:
        group, _member = _group(group_id)
        service.leave(db.session(), group, viewer())
        flash(_("You have left the group."), "good")
        return url_for("groups.index")

    return _press("leave", do, url_for("groups.show", group_id=group_id))


@bp.post('/<group_id>/members/<concealed("member"):member_id>/remove')
@open_to("signed_in")
def remove(group_id: str, member_id: int) -> Any:
    """Take somebody out of a group."""

    def do() -> str:
        group, member = _group(group_id)
        _must_coordinate(member)
        service.remove(db.session(), group, member_id)
        return url_for("groups.show", group_id=group_id, _anchor="members")

    return _press("remove", do, url_for("groups.show", group_id=group_id))


@bp.post('/<group_id>/members/<concealed("member"):member_id>/duty')
@open_to("signed_in")
def set_duty(group_id: str, member_id: int) -> Any:
    """Let a member coordinate the group, or no longer."""

    def do() -> str:
        group, member = _group(group_id)
        _must_coordinate(member)
        service.set_duty(db.session(), group, member_id, coordinator=request.form.get("on") == "yes")
        return url_for("groups.show", group_id=group_id, _anchor="members")

    return _press("set_duty", do, url_for("groups.show", group_id=group_id))


@bp.post("/<group_id>/end")
@open_to("staff")
def end(group_id: str) -> Any:
    """End a group."""

    def do() -> str:
        group, _member = _group(group_id)
        service.end_group(db.session(), group)
        flash(_("The group has ended. What it did stays counted."), "good")
        return url_for("groups.index")

    return _press("end", do, url_for("groups.show", group_id=group_id))


# The log --------------------------------------------------------------------------------------------------------------


@bp.get("/<group_id>/record")
@open_to("signed_in")
def record(group_id: str) -> str:
    """What the group did for one action."""
    group, _member = _group(group_id, inside=True)
    form = RecordForm(action=request.args.get("action", ""))
    form.done_on.data = today_in(group.zone, clock.now())
    return _record_page(group, form)


@bp.post("/<group_id>/record")
@open_to("signed_in")
def do_record(group_id: str) -> Any:
    """Take it down."""
    group, _member = _group(group_id, inside=True)
    form = RecordForm()

    def act() -> str:
        with unit_of_work("groups.record", acting(), f"group:{group.id}"):
            once(form)
            mine, _held = _group(group_id, inside=True)
            user, session = viewer(), db.session()
            action = next(
                (
                    a
                    for a, _case in queries.list_choosable(session, user, clock.now())
                    if a.public_id == form.action.data
                ),
                None,
            )
            if action is None:
                raise NotAllowed(_("This action cannot be taken just now."))
            service.record(
                session,
                mine,
                action,
                form.counts,
                user=user,
                done_on=form.done_on.data,
                again_is_meant=bool(form.confirm.data),
            )
            flash(_("It stands in the log of the group."), "good")
            return led_to(form, url_for("groups.show", group_id=group_id, _anchor="log"))

    return submit(form, act, lambda: _record_page(group, form))


@bp.post("/<group_id>/log/<step_id>/undo")
@open_to("signed_in")
def undo(group_id: str, step_id: str) -> Any:
    """Take a line of the log back."""

    def do() -> str:
        group, _member = _group(group_id, inside=True)
        service.undo(db.session(), group, viewer(), step_id)
        flash(_("Taken back. It is not counted any more."), "good")
        return url_for("groups.show", group_id=group_id, _anchor="log")

    return _press("undo", do, url_for("groups.show", group_id=group_id))


# Evenings -------------------------------------------------------------------------------------------------------------


@bp.get("/<group_id>/evenings/new")
@open_to("signed_in")
def new_evening(group_id: str) -> str:
    """Which actions, and when."""
    group, _member = _group(group_id, leads=True)
    return _evening_form(group, EveningForm())


@bp.post("/<group_id>/evenings/new")
@open_to("signed_in")
def plan_evening(group_id: str) -> Any:
    """Choose them."""
    group, _member = _group(group_id, leads=True)
    form = EveningForm()

    def act() -> str:
        with unit_of_work("groups.plan_evening", acting(), f"group:{group.id}"):
            once(form)
            mine, _held = _group(group_id, leads=True)
            session = db.session()
            evening = service.plan_evening(session, mine, _chosen(form), **_when(form), by=viewer())
            return led_to(form, _evening_address(group_id, evening))

    return submit(form, act, lambda: _evening_form(group, form))


def _chosen(form: EveningForm) -> list[UrgentAction]:
    wanted = set(form.actions.data or ())
    choosable = queries.list_choosable(db.session(), viewer(), clock.now())
    return [action for action, _case in choosable if action.public_id in wanted]


def _when(form: EveningForm) -> dict[str, Any]:
    return {"on": form.local_date.data, "at": form.local_time.data}


@bp.get("/<group_id>/evenings/<evening_id>")
@open_to("signed_in")
def evening(group_id: str, evening_id: str) -> str:
    """An evening: when, which actions, and which of them to leave out."""
    group, member = _group(group_id)
    session, now = db.session(), clock.now()
    found = queries.find_evening(session, group, evening_id)
    chosen = queries.list_chosen(session, viewer(), found, now)
    return render_template(
        "groups/evening.html",
        group=group,
        member=member,
        evening=found,
        chosen=chosen,
        verdict=say_verdict([item.state for item in chosen]),
        all_good=not rules.to_drop([item.state for item in chosen]),
        checked_before=rules.CHECKED_BEFORE,
        say_state=say_state,
        called=called,
        fresh=new_token,
        now=now,
    )


@bp.get("/<group_id>/evenings/<evening_id>/change")
@open_to("signed_in")
def edit_evening(group_id: str, evening_id: str) -> str:
    """Other actions, or another time."""
    group, _member = _group(group_id, leads=True)
    session = db.session()
    found = queries.find_evening(session, group, evening_id)
    chosen = [item.action.public_id for item in queries.list_chosen(session, viewer(), found, clock.now())]
    form = EveningForm(obj=found, actions=chosen, version=str(found.version))
    return _evening_form(group, form, found)


@bp.post("/<group_id>/evenings/<evening_id>/change")
@open_to("signed_in")
def change_evening(group_id: str, evening_id: str) -> Any:
    """Choose them anew."""
    group, _member = _group(group_id, leads=True)
    form = EveningForm()

    def find() -> GroupEvening:
        return queries.find_evening(db.session(), _group(group_id, leads=True)[0], evening_id)

    def act() -> str:
        with unit_of_work("groups.change_evening", acting(), f"group:{group.id}"):
            once(form)
            mine, _held = _group(group_id, leads=True)
            service.change_evening(
                db.session(), mine, find(), _chosen(form), version=form.expected_version, **_when(form)
            )
            flash(_("Changed. Tell your group: nobody is written to about another time."), "good")
            return led_to(form, _evening_address(group_id, find()))

    return submit(form, act, lambda: _evening_form(group, form, find()), version_now=lambda: find().version)


@bp.post("/<group_id>/evenings/<evening_id>/cancel")
@open_to("signed_in")
def cancel_evening(group_id: str, evening_id: str) -> Any:
    """Call it off."""

    def do() -> str:
        group, _member = _group(group_id, leads=True)
        service.cancel_evening(db.session(), queries.find_evening(db.session(), group, evening_id))
        flash(_("Called off."), "good")
        return url_for("groups.show", group_id=group_id)

    return _press("cancel_evening", do, url_for("groups.show", group_id=group_id))


@bp.get("/<group_id>/evenings/<evening_id>/print")
@open_to("signed_in")
def print_evening(group_id: str, evening_id: str) -> str:
    """All letters of an evening, each on a page of its own; those that may not be sent are left out, and it says so."""
    group, _member = _group(group_id)
    user, session, now = viewer(), db.session(), clock.now()
    found = queries.find_evening(session, group, evening_id)
    reader = str(get_locale() or "en").partition("_")[0]
    sheets, left_out = [], []
    for item in queries.list_chosen(session, user, found, now):
        here = item.case is not None and devices.is_here(item.case)
        targets = [target for target in list_targets_of(session, item.action) if target.postal]
        if item.state != "active" or item.case is None:
            left_out.append((item.position, say_state(item.state if item.state != "active" else "gone")))
        elif here:
            left_out.append((item.position, _("you are in, or travel to, its country")))
        elif not targets:
            left_out.append((item.position, _("no postal address of theirs is known")))
        else:
            note(opened(session, user, item.action, now, printed=True))
            letters = {letter.language: letter for letter in list_letters(session, item.action)}
            for target in targets:
                letter = letters[best_letter(list(letters), (request.args.get("letter", ""), target.language, reader))]
                check = url_for("steps.check", code=item.action.short_code, _external=True)
                sheets.append(
                    {
                        "position": item.position,
                        "called": called(item.action) if item.action.ua_sequence is not None else "",
                        "letter": letter,
                        "target": target,
                        "text": letter.text_to(target),
                        "rtl": right_to_left(letter.language),
                        "check": check,
                        "qr": devices.qr(check),
                        "copy_to": find_copy(session, item.action, item.case, target, group.country, found.local_date),
                    }
                )
    paper = request.args.get("paper", "a4")
    return render_template(
        "groups/print.html",
        group=group,
        evening=found,
        sheets=sheets,
        left_out=left_out,
        paper=paper if paper in devices.PAPERS else "a4",
        large=request.args.get("large") == "yes",
        today=found.local_date,
        other=lambda paper, large: url_for(
            "groups.print_evening",
            group_id=group_id,
            evening_id=evening_id,
            paper=paper,
            large="yes" if large else None,
        ),
    )


@bp.get("/<group_id>/evenings/<evening_id>/result")
@open_to("signed_in")
def result(group_id: str, evening_id: str) -> str:
    """What an evening brought."""
    group, _member = _group(group_id, inside=True)
    found = queries.find_evening(db.session(), group, evening_id)
    return _result_page(group, found, None)


@bp.post("/<group_id>/evenings/<evening_id>/result")
@open_to("signed_in")
def do_result(group_id: str, evening_id: str) -> Any:
    """Take it down, all in one."""
    group, _member = _group(group_id, inside=True)
    found = queries.find_evening(db.session(), group, evening_id)
    chosen = queries.list_chosen(db.session(), viewer(), found, clock.now())
    form = result_form([item.position for item in chosen])

    def act() -> str:
        with unit_of_work("groups.result", acting(), f"group:{group.id}"):
            once(form)
            session = db.session()
            mine, _held = _group(group_id, inside=True)
            evening = queries.find_evening(session, mine, evening_id)
            counts = [
                (item.action, {channel: form[f"{channel}_{item.position}"].data or 0 for channel in EVENING_CHANNELS})
                for item in queries.list_chosen(session, viewer(), evening, clock.now())
            ]
            total = service.record_result(
                session, mine, evening, counts, user=viewer(), again_is_meant=bool(form.confirm.data)
            )
            flash(_("Taken down: %(count)s in all. Thank you.", count=total), "good")
            return led_to(form, url_for("groups.show", group_id=group_id, _anchor="log"))

    return submit(form, act, lambda: _result_page(group, found, form))


# Parts of these -------------------------------------------------------------------------------------------------------


def _group(group_id: str, *, leads: bool = False, inside: bool = False) -> tuple[Group, GroupMember | None]:
    """The group an address names, and the reader's membership. `leads`: only for who coordinates it, and staff;
    `inside`: only for members."""
    group, member = queries.find_group(db.session(), viewer(), group_id)
    if leads and not viewer().is_staff:
        _must_coordinate(member)
    if inside and member is None:
        raise NotAllowed(_("Only those in the group write into its log."))
    return group, member


def _must_coordinate(member: GroupMember | None) -> None:
    if viewer().role != "admin" and (member is None or not member.coordinator):
        raise NotAllowed(_("Only those who coordinate the group do this."))


def _press(act: str, do: Callable[[], str], back: str) -> Any:
    """Do what one button does."""
    form = HouseForm()

    def run() -> str:
        with unit_of_work(f"groups.{act}", acting(), "group"):
            once(form)
            return led_to(form, do())

    return submit(form, run, lambda: render_template("groups/again.html", form=form, back=back))


def _group_page(group: Group, member: GroupMember | None, form: InviteForm) -> str:
    user, session, now = viewer(), db.session(), clock.now()
    leads = user.role == "admin" or bool(member and member.coordinator)
    return render_template(
        "groups/show.html",
        group=group,
        member=member,
        leads=leads,
        may_invite=leads or user.is_staff,
        members=queries.list_members(session, user, group) if leads else (),
        count=queries.count_members(session, group),
        invited=queries.count_invitations(session, group, now) if leads or user.is_staff else 0,
        totals=queries.totals_of(session, group),
        log=queries.list_log(session, user, group),
        undo_from=now - UNDO_WITHIN,
        evenings=queries.list_evenings(session, group, now),
        form=form,
        called=called,
        country_name=country_name,
        fresh=new_token,
        now=now,
    )


def _record_page(group: Group, form: RecordForm) -> str:
    choosable = queries.list_choosable(db.session(), viewer(), clock.now())
    form.action.choices = [(action.public_id, _name(action)) for action, _case in choosable]
    return render_template("groups/record.html", form=form, group=group)


def _evening_form(group: Group, form: EveningForm, evening: GroupEvening | None = None) -> str:
    choosable = queries.list_choosable(db.session(), viewer(), clock.now())
    form.actions.choices = [(action.public_id, _name(action)) for action, _case in choosable]
    return render_template("groups/choose_evening.html", form=form, group=group, evening=evening)


def _result_page(group: Group, evening: GroupEvening, form: Any) -> str:
    chosen = queries.list_chosen(db.session(), viewer(), evening, clock.now())
    form = form if form is not None else result_form([item.position for item in chosen])
    return render_template(
        "groups/result.html",
        form=form,
        group=group,
        evening=evening,
        chosen=chosen,
        channels=EVENING_CHANNELS,
        say_state=say_state,
        called=called,
    )


def _name(action: UrgentAction) -> str:
    number = called(action)
    return f"{action.title} ({number})" if number != action.title else number


def _offer(form: GroupForm) -> None:
    language = str(get_locale() or "en")
    named = sorted((country_name(code, language), code) for code in country_codes())
    form.country.choices = [("", _("choose")), *((code, name) for name, code in named)]


def _zones() -> list[str]:
    return sorted(zone for zone in available_timezones() if zone.startswith(CONTINENTS))


def _evening_address(group_id: str, evening: GroupEvening) -> str:
    return url_for("groups.evening", group_id=group_id, evening_id=evening.public_id)
