"""Who is in a group, who may do what there, and what nobody learns."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from actions_ground import action, minister, open_case
from groups_ground import LATER, a_group, an_evening, another, joins, member_row
from house_of_cases import Lived, statements, utc
from sqlalchemy import func, select
from zone_ground import come_into_force, other_rules

from tracker.accounts.models import User
from tracker.accounts.service import disable
from tracker.actions.service import LetterGiven
from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.base.errors import NotFound, Refused
from tracker.cases.models import Case
from tracker.clockwork.zones import follow_zone_rules
from tracker.groups import service
from tracker.groups.models import Group, GroupInvitation, GroupMember
from tracker.groups.rules import INVITATION_LASTS, INVITATIONS_A_DAY
from tracker.steps.models import Step

__all__ = ["other_rules"]


def address_of(group: Group) -> str:
    """The page of a group."""
    return f"/actions/groups/{group.public_id}"


def count(model: Any) -> int:
    """Rows of a table."""
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def pressed(browser: Any, page: str, action_ends: str, **said: str) -> Any:
    """Press the first button of a page whose form leads to an address that ends so."""
    for found in re.finditer(r'<form method="post" action="([^"]+)"(.*?)</form>', browser.get(page).text, re.DOTALL):
        if found[1].endswith(action_ends):
            return browser.send(found[1], dict(re.findall(r'name="([^"]+)" value="([^"]*)"', found[2])) | said)
    raise AssertionError(f"{page} has no button for {action_ends}")


def test_staff_make_a_group_and_whoever_is_asked_coordinates_it(lived: Lived) -> None:
    staff = lived.browser(lived.owner, LATER)
    made = staff.fill(
        "/actions/groups/new",
        name="Leeds on Thursday",
        country="GB",
        email=lived.volunteer.email.upper(),
    )
    assert made.status_code == 303
    db.session.rollback()
    assert db.session.scalars(select(Group.zone)).one() == "Europe/London", "the one zone of that country"
    volunteer = lived.browser(lived.volunteer, LATER)
    asked = "You are asked to join the group \u2068Leeds on Thursday\u2069"
    assert asked in volunteer.get("/").text
    assert "Leeds on Thursday" in volunteer.get("/actions/groups").text
    assert volunteer.get(made.headers["Location"]).status_code == 404
    assert pressed(volunteer, "/actions/groups", "/join").headers["Location"] == made.headers["Location"]
    assert asked not in volunteer.get("/").text
    page = volunteer.get(made.headers["Location"]).text
    assert "coordinates the group" in page
    assert "Ask to join" in page


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"zone": "Leeds"}, "There is no time zone"),
        ({"zone": "", "country": "CA"}, "This country has several time zones: choose one."),
        ({"country": ""}, "Choose a country"),
        ({"name": " "}, "Say what it is called"),
        ({"email": "nobody"}, "That is no mail address"),
    ],
)
@pytest.mark.one_engine
def test_what_is_wrong_is_said_on_its_field(lived: Lived, fields: dict[str, str], why: str) -> None:
    given = {"name": "Leeds", "country": "GB", "zone": "Europe/London", "email": "a@example.org"} | fields
    answer = lived.browser(lived.owner, LATER).fill("/actions/groups/new", **given)
    assert answer.status_code == 422
    assert why in answer.text
    assert count(Group) == 0


def test_nobody_learns_from_asking_who_has_an_account(lived: Lived) -> None:
    group = a_group(lived)
    closed = another(9)
    with lived.at(LATER) as session:
        disable(session, session.get_one(User, closed.id), LATER)
    known = another(1)
    coordinator = lived.browser(lived.volunteer, LATER)
    address, seen = address_of(group), []
    for asked in (known.email, "nobody@example.org", closed.email, lived.volunteer.email):
        form = coordinator.filled(address, email=asked)
        with statements() as counted:
            answer = coordinator.send(f"{address}/invite", form)
        page = coordinator.get(address).text
        told = re.sub(r"\d+ addresse?s? (was|were) asked and (has|have)", "", page)
        told = re.sub(r'value="[^"]*"', "", told)
        told = re.sub(r"/members/[\w-]{32}/", "", told)
        seen.append((answer.status_code, answer.headers["Location"], told, len(counted.said)))
    assert len(set(seen)) == 1
    assert "4 addresses were asked" in page
    assert known.email not in page
    # A row for each, and no address in any of them.
    assert count(GroupInvitation) == 5
    assert "nobody@example.org" not in repr(list(db.session.execute(select(GroupInvitation.__table__))))


def test_so_often_a_day_and_then_it_is_enough(lived: Lived) -> None:
    group = a_group(lived)
    with lived.at(LATER) as session:
        for number in range(INVITATIONS_A_DAY):
            asker = session.get_one(User, lived.volunteer.id)
            service.invite(session, session.get_one(Group, group.id), f"x{number}@example.org", by=asker)
            session.flush()
    coordinator = lived.browser(lived.volunteer, LATER)
    refused = coordinator.send(
        f"{address_of(group)}/invite", coordinator.filled(address_of(group), email="x@example.org")
    )
    assert refused.status_code == 422
    assert "many for one day" in refused.text
    coordinator.now = LATER + timedelta(days=1)
    taken = coordinator.send(
        f"{address_of(group)}/invite", coordinator.filled(address_of(group), email="x@example.org")
    )
    assert taken.status_code == 303


def test_an_invitation_is_good_for_thirty_days_for_one_account_and_once(lived: Lived) -> None:
    group = a_group(lived)
    late, mine, elsewhere = another(1), another(2), another(3)
    with lived.at(LATER) as session:
        for user in (late, mine):
            asker = session.get_one(User, lived.volunteer.id)
            service.invite(session, session.get_one(Group, group.id), user.email, by=asker)
    rows = {row.user_id: row.public_id for row in db.session.scalars(select(GroupInvitation))}
    for user, word, now in (
        (elsewhere, rows[mine.id], LATER),
        (late, rows[late.id], LATER + INVITATION_LASTS),
        (late, "no-such-word", LATER),
    ):
        with pytest.raises(NotFound), lived.at(now) as session:
            service.join(session, session.get_one(User, user.id), word)
    joins(lived, late, LATER + INVITATION_LASTS - timedelta(seconds=1))
    with lived.at(LATER) as session:
        service.decline(session, session.get_one(User, mine.id), rows[mine.id])
    with pytest.raises(NotFound), lived.at(LATER) as session:
        service.join(session, session.get_one(User, mine.id), rows[mine.id])
    assert member_row(lived, group, late) is not None
    assert member_row(lived, group, mine) is None


def test_names_are_read_by_who_coordinates_and_an_alias_stands_for_a_name(lived: Lived) -> None:
    plain, hidden = another(1, "Fatima Plain"), another(2, "Grace Hidden")
    with lived.at(LATER) as session:
        session.get_one(User, hidden.id).alias = "Robin"
    group = a_group(lived, plain, hidden)
    address = address_of(group)
    page = lived.browser(lived.volunteer, LATER).get(address).text
    assert "Fatima Plain" in page
    assert "Robin" in page
    assert "Grace Hidden" not in page
    for reader in (plain, lived.owner):
        page = lived.browser(reader, LATER).get(address).text
        assert not [name for name in ("Fatima Plain", "Robin", "Grace") if name in page.split("<main", 1)[1]], (
            reader.email
        )
        assert 'Members <span class="count">3</span>' in page


def test_who_is_not_in_a_group_finds_none(lived: Lived) -> None:
    member = another(1)
    group = a_group(lived, member)
    stranger = lived.browser(another(2), LATER)
    missing = stranger.get("/actions/groups/no-such-group-there-is-x")
    there = stranger.get(address_of(group))
    # A form token names the second it was made in.
    said, said_of_none = (re.sub(r'(name="csrf_token" value=")[^"]+', r"\1", a.text) for a in (there, missing))
    assert (there.status_code, said) == (missing.status_code, said_of_none)
    assert there.status_code == 404
    assert "Leeds" not in stranger.get("/actions/groups").text


def test_members_do_not_do_what_is_for_who_coordinates(lived: Lived) -> None:
    member = another(1)
    group = a_group(lived, member)
    browser, address = lived.browser(member, LATER), address_of(group)
    page = browser.get(address).text
    assert "Ask to join" not in page
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token
    sent = {"csrf_token": token[1], "email": "x@example.org"}
    assert browser.get(f"{address}/edit").status_code == 403
    assert browser.get(f"{address}/evenings/new").status_code == 403
    assert browser.send(f"{address}/invite", sent).status_code == 403
    assert browser.send(f"{address}/end", sent).status_code == 403
    # Staff may ask somebody to join, and write into no log that is not theirs.
    staff = lived.browser(lived.owner, LATER)
    assert staff.get(f"{address}/record").status_code == 403
    assert staff.get(f"{address}/edit").status_code == 200


def test_leaving_taking_out_and_who_coordinates(lived: Lived) -> None:
    first, second = another(1), another(2)
    group = a_group(lived, first, second)
    coordinator, address = lived.browser(lived.volunteer, LATER), address_of(group)
    refused = pressed(coordinator, address, "/leave")
    assert refused.status_code == 422
    assert "Somebody else must coordinate" in refused.text
    with lived.at(LATER) as session:
        mine = session.scalars(select(GroupMember).where(GroupMember.user_id == lived.volunteer.id)).one()
        with pytest.raises(Refused):
            service.set_duty(session, session.get_one(Group, group.id), mine.id, coordinator=False)
        with pytest.raises(Refused):
            service.remove(session, session.get_one(Group, group.id), mine.id)
        row = session.scalars(select(GroupMember).where(GroupMember.user_id == first.id)).one()
        service.set_duty(session, session.get_one(Group, group.id), row.id, coordinator=True)
    assert pressed(coordinator, address, "/leave").status_code == 303
    assert coordinator.get(address).status_code == 404
    new = lived.browser(first, LATER)
    assert pressed(new, address, "/remove").status_code == 303
    assert lived.browser(second, LATER).get(address).status_code == 404
    assert count(GroupMember) == 1


def test_a_member_is_taken_out_of_their_own_group_alone(lived: Lived) -> None:
    member = another(1)
    group = a_group(lived, member)
    with lived.at(LATER) as session:
        keeper = session.get_one(User, lived.owner.id)
        other = service.add_group(
            session, name="Elsewhere", country="DE", zone="Europe/Berlin", by=keeper, coordinator=member.email
        )
    row = member_row(lived, group, member)
    assert row
    with pytest.raises(NotFound), lived.at(LATER) as session:
        service.remove(session, session.get_one(Group, other.id), row.id)


# The log --------------------------------------------------------------------------------------------------------------


def test_one_log_for_all_says_what_and_never_who(lived: Lived) -> None:
    member = another(1, "Fatima Plain")
    group = a_group(lived, member)
    written = action(lived, open_case(lived))
    browser, address = lived.browser(member, LATER), address_of(group)
    answer = browser.fill(f"{address}/record", action=written.public_id, letter="12", email="3")
    assert answer.status_code == 303
    db.session.rollback()
    steps = db.session.scalars(select(Step).order_by(Step.channel)).all()
    assert [(s.channel, s.count, s.source, s.group_id, s.user_id) for s in steps] == [
        ("email", 3, "group", group.id, member.id),
        ("letter", 12, "group", group.id, member.id),
    ]
    for reader in (member, lived.volunteer, lived.owner):
        page = lived.browser(reader, LATER).get(address).text
        assert "Letter · 12" in page
        log = page.split('id="log"')[1].split("</section>")[0]
        assert "Fatima" not in log
    # The very same again, by anybody of the group, asks.
    again = lived.browser(lived.volunteer, LATER).fill(f"{address}/record", action=written.public_id, letter="12")
    assert again.status_code == 422
    assert "said this already" in again.text


def test_whoever_wrote_a_line_takes_it_back_and_whoever_coordinates(lived: Lived) -> None:
    first, second = another(1), another(2)
    group = a_group(lived, first, second)
    written, address = action(lived, open_case(lived)), address_of(group)
    writer, other = lived.browser(first, LATER), lived.browser(second, LATER)
    writer.fill(f"{address}/record", action=written.public_id, letter="12")
    assert "Take back" not in other.get(address).text
    db.session.rollback()
    step = db.session.scalars(select(Step)).one()
    token = re.search(r'name="csrf_token" value="([^"]+)"', other.get(address).text)
    assert token
    assert other.send(f"{address}/log/{step.public_id}/undo", {"csrf_token": token[1]}).status_code == 403
    assert pressed(writer, address, "/undo").status_code == 303
    writer.fill(f"{address}/record", action=written.public_id, email="4")
    assert pressed(lived.browser(lived.volunteer, LATER), address, "/undo").status_code == 303
    db.session.rollback()
    assert all(step.undone_at for step in db.session.scalars(select(Step)))


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({}, "Say how many"),
        ({"letter": "2001"}, "Between 1 and 2000"),
        ({"letter": "12", "done_on": "2024-03-19"}, "That day has not come yet"),
        ({"letter": "12", "done_on": "2024-03-01"}, "before this action was issued"),
    ],
)
@pytest.mark.one_engine
def test_what_cannot_be_is_said_and_nothing_typed_is_lost(lived: Lived, said: dict[str, str], why: str) -> None:
    group = a_group(lived)
    written = action(lived, open_case(lived))
    answer = lived.browser(lived.volunteer, LATER).fill(
        f"{address_of(group)}/record", **({"action": written.public_id, "call": ""} | said)
    )
    assert answer.status_code == 422
    assert why in answer.text
    assert all(f'value="{value}"' in answer.text for value in said.values())
    assert count(Step) == 0


def test_a_group_takes_only_what_every_volunteer_can_take(lived: Lived) -> None:
    group = a_group(lived)
    opened, closed = open_case(lived), lived.case("Nadia Halabi")
    action(lived, opened)
    held_back = action(lived, closed, ua_number="UA 53/24", title="For the desk alone", audience=Audience.DESK)
    page = lived.browser(lived.volunteer, LATER).get(f"{address_of(group)}/record").text
    assert "Say where the surgeon is" in page
    assert "For the desk alone" not in page
    refused = lived.browser(lived.volunteer, LATER).fill(
        f"{address_of(group)}/record", action=held_back.public_id, letter="1"
    )
    assert refused.status_code == 403
    assert count(Step) == 0


def test_what_is_closed_since_is_not_named_in_the_log(lived: Lived) -> None:
    group = a_group(lived)
    case = open_case(lived)
    written = action(lived, case)
    browser = lived.browser(lived.volunteer, LATER)
    browser.fill(f"{address_of(group)}/record", action=written.public_id, letter="12")
    with lived.at(LATER) as session:
        session.get_one(Case, case.id).audience = Audience.DESK
    page = browser.get(address_of(group)).text
    assert "UA 52/24" not in page
    assert "an action that is not open to you any more" in page
    assert "Letter · 12" in page


def test_a_group_that_has_ended_writes_nothing_more_and_stays_counted(lived: Lived) -> None:
    group = a_group(lived)
    written = action(lived, open_case(lived))
    volunteer, staff = lived.browser(lived.volunteer, LATER), lived.browser(lived.owner, LATER)
    volunteer.fill(f"{address_of(group)}/record", action=written.public_id, letter="12")
    assert pressed(staff, address_of(group), "/end").status_code == 303
    refused = volunteer.fill(f"{address_of(group)}/record", action=written.public_id, letter="2")
    assert refused.status_code == 422
    assert "This group has ended" in volunteer.get(address_of(group)).text
    assert "Leeds" not in volunteer.get("/actions/groups").text
    db.session.rollback()
    assert db.session.scalars(select(Step.count)).all() == [12]


def test_the_tally_of_staff_names_the_group(lived: Lived) -> None:
    group = a_group(lived)
    case = open_case(lived)
    written = action(lived, case)
    volunteer = lived.browser(lived.volunteer, LATER)
    volunteer.fill(f"{address_of(group)}/record", action=written.public_id, letter="12", email="8")
    page = lived.browser(lived.owner, LATER).get(f"/cases/{case.ref}/actions/{written.public_id}/tally").text
    assert "Leeds on Thursday" in page.split('id="by-group"')[1].split("</section>")[0]


def test_a_letter_of_an_evening_does_not_begin_in_another_language(lived: Lived) -> None:
    group = a_group(lived)
    written = action(lived, open_case(lived), letters=(LetterGiven("ar", "أكتب إليكم."),))
    evening = an_evening(lived, group, written)
    address = f"/actions/groups/{group.public_id}/evenings/{evening.public_id}/print"
    page = lived.browser(lived.volunteer, LATER).get(address).text
    assert "أكتب إليكم." in page
    assert "Dear Minister" not in page


def test_each_letter_of_an_evening_says_which_embassy_gets_a_copy(lived: Lived) -> None:
    group = a_group(lived)
    embassy = {"kind": "embassy", "office": "Embassy", "name": "", "postal": "1 Short Street\nCapital"}
    minister(lived, **embassy, hosted_in=group.country)
    evening = an_evening(lived, group, action(lived, open_case(lived, responsible_state="IL"), minister(lived)))
    address = f"/actions/groups/{group.public_id}/evenings/{evening.public_id}/print"
    page = lived.browser(lived.volunteer, LATER).get(address).text
    assert "A copy goes to: <bdi>Embassy, 1 Short Street, Capital</bdi>" in page


def test_what_a_group_did_is_asked_in_the_readers_language(lived: Lived) -> None:
    group = a_group(lived)
    action(lived, open_case(lived))
    with lived.at(LATER) as session:
        session.get_one(User, lived.volunteer.id).language = "ar"
    page = lived.browser(lived.volunteer, LATER).get(f"/actions/groups/{group.public_id}/record").text
    assert "كم، اتصال هاتفي" in page
    assert "telephone call" not in page


def test_an_evening_is_changed_until_it_begins_by_who_coordinates(lived: Lived) -> None:
    case = open_case(lived)
    first, second = action(lived, case), action(lived, case, ua_number="UA 53/24", title="Let him see a lawyer")
    member = another(1)
    group = a_group(lived, member)
    evening = an_evening(lived, group, first)
    address = f"{address_of(group)}/evenings/{evening.public_id}"
    browser = lived.browser(lived.volunteer, LATER)
    assert f"{address}/change" in browser.get(address).text
    said = browser.filled(f"{address}/change")
    assert (said["local_date"], said["local_time"], said["actions"]) == (["2024-03-21"], ["19:00"], [first.public_id])
    wrong = browser.send(f"{address}/change", said | {"local_date": "2024-03-01", "actions": [second.public_id]})
    assert wrong.status_code == 422
    assert "That is over." in wrong.text
    assert browser.held(wrong.text)["actions"] == [second.public_id], "nothing typed is lost"
    assert lived.fresh(evening).local_date.isoformat() == "2024-03-21"
    said = browser.filled(f"{address}/change")
    changed = said | {"local_date": "2024-03-22", "local_time": "20:30", "actions": [second.public_id]}
    assert browser.send(f"{address}/change", changed).status_code == 303
    page = browser.get(address).text
    assert "Friday 22 March 2024, 20:30" in page
    assert "Let him see a lawyer" in page
    assert "Say where the surgeon is" not in page
    assert lived.fresh(evening).starts_at == utc("2024-03-22T20:30")
    # Somebody else coordinates as well, and read it before it was changed.
    stale = browser.send(f"{address}/change", changed | {"once": "another", "local_time": "21:00"})
    assert stale.status_code == 409
    assert lived.browser(member, LATER).get(f"{address}/change").status_code == 403
    late = lived.browser(lived.volunteer, utc("2024-03-22T20:30"))
    assert f"{address}/change" not in late.get(address).text
    begun = late.fill(f"{address}/change")
    assert begun.status_code == 422
    assert "It has begun." in begun.text


def test_when_an_evening_begins_follows_the_rules_in_force(lived: Lived, other_rules: Path) -> None:
    group = a_group(lived, zone="Asia/Jerusalem", country="IL")
    evening = an_evening(lived, group, action(lived, open_case(lived)))
    assert evening.starts_at == utc("2024-03-21T17:00")
    come_into_force(other_rules)
    follow_zone_rules(LATER)
    assert lived.fresh(evening).starts_at == utc("2024-03-21T14:00")
