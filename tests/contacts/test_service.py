"""Contacts as they are stored: sealed to their row, opened only with a record, found by fingerprint."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from contacts_ground import VALUES, Keeps, acts, contacts_of
from house_of_cases import NOW, Lived
from sqlalchemy import select, text

from tracker.accounts.models import User
from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.base.errors import Misconfigured, NotFound, Refused, VersionConflict
from tracker.cases.models import Case
from tracker.contacts import service
from tracker.contacts.kinds import contact_kinds
from tracker.contacts.models import Contact, ContactReason
from tracker.contacts.queries import ContactListed, contacts_told, find_whose, get_contact, read_told


def look(lived: Lived, contact: Contact, reason: str | None = "calling", by: User | None = None, **at: Any) -> Any:
    """Open a contact as somebody."""
    who = by or lived.owner
    with lived.at(at.get("now", NOW), who) as session:
        return service.reveal(session, session.get(User, who.id), session.get(Contact, contact.id), reason)


def stored() -> str:
    """Every value of the tables of contacts and of the audit, as text."""
    db.session.rollback()
    return "\n".join(str(db.session.execute(text(f"SELECT * FROM {t}")).all()) for t in ("contacts", "acts"))


def listed_for(user: User, case: Case, rung: Audience) -> Sequence[ContactListed]:
    """What the file of a case shows a rung."""
    told = db.session.scalar(select(contacts_told(Case.id)).where(Case.id == case.id))
    return read_told(told, None, user, rung, NOW).listed


def test_what_is_kept_is_sealed_and_opens_again(lived: Lived, keeps: Keeps) -> None:
    case = lived.case()
    contact = keeps(case)
    assert look(lived, contact) == VALUES
    for value in (*VALUES.values(), "599123456", "Olive"):
        assert value not in stored()


def test_two_rows_cannot_swap_what_they_hold(lived: Lived, keeps: Keeps) -> None:
    """Whoever may write the database and not the keys can give one family's number to nobody else."""
    case = lived.case()
    one, other = keeps(case), keeps(case, {"phone": "+970 599 000 000"}, label="brother")
    texts = {one.id: other.sealed, other.id: one.sealed}
    for number, sealed in texts.items():
        db.session.execute(text("UPDATE contacts SET sealed = :s WHERE id = :i"), {"s": sealed, "i": number})
    db.session.commit()
    for contact in (one, other):
        with pytest.raises(Misconfigured, match="moved from another row"):
            look(lived, contact)
    assert all(change["how"] != "read" for _act, said in acts("tests") for change in said)


def test_an_earlier_text_of_the_same_row_does_not_come_back(lived: Lived, keeps: Keeps) -> None:
    case = lived.case()
    contact = keeps(case)
    before = contact.sealed
    with lived.at() as session:
        held, mine = session.get(Contact, contact.id), session.get(Case, case.id)
        service.change_contact(
            session, mine, held, version=1, label="sister", audience=Audience.DESK, values={"phone": "0599 000 000"}
        )
    db.session.execute(text("UPDATE contacts SET sealed = :s"), {"s": before})
    db.session.commit()
    with pytest.raises(Misconfigured):
        look(lived, contact)


def test_every_look_stands_in_the_audit_with_its_reason_and_without_the_value(lived: Lived, keeps: Keeps) -> None:
    case = lived.case()
    contact = keeps(case)
    look(lived, contact, "checking", lived.colleague)
    act, changes = acts("tests")[-1]
    assert (act.actor_id, act.case_id) == (lived.colleague.id, case.id)
    assert changes == [
        {
            "table": "contacts",
            "row": contact.public_id,
            "how": "read",
            "fields": {"reason": [None, "checking"]},
            "rung": int(Audience.DESK),
        }
    ]
    assert not any(value in str(acts("tests")) for value in VALUES.values())


def test_what_is_added_and_removed_stands_in_the_audit_as_hidden(lived: Lived, keeps: Keeps) -> None:
    contact = keeps(lived.case())
    _act, changes = acts("tests")[-1]
    fields = changes[0]["fields"]
    assert (fields["label"], fields["sealed"], fields["phone_key"]) == (
        [None, "sister"],
        ["hidden"] * 2,
        ["hidden"] * 2,
    )
    with lived.at() as session:
        service.remove_contact(session, session.get(Contact, contact.id))
    _act, changes = acts("tests")[-1]
    assert [(c["table"], c["row"], c["how"]) for c in changes] == [("contacts", contact.id, "deleted")]
    assert db.session.scalar(select(Contact)) is None
    assert contact.sealed not in stored()


def test_a_look_outside_a_unit_of_work_opens_nothing(lived: Lived, keeps: Keeps) -> None:
    contact = keeps(lived.case())
    with pytest.raises(RuntimeError):
        service.reveal(db.session(), lived.owner, contact, "calling")


def test_a_reason_is_asked_once_a_quarter_of_an_hour_by_person_and_case(lived: Lived, keeps: Keeps) -> None:
    case, other = lived.case(), lived.case()
    one, two, elsewhere = keeps(case), keeps(case, label="brother"), keeps(other)
    with pytest.raises(Refused) as refusal:
        look(lived, one, None)
    assert refusal.value.field == "reason"
    look(lived, one, "calling")
    almost = NOW + timedelta(minutes=15) - timedelta(microseconds=1)
    assert look(lived, two, None, now=almost) == VALUES
    assert acts("tests")[-1][1][0]["fields"] == {"reason": [None, "calling"]}
    for contact, by, now in (
        (two, lived.owner, NOW + timedelta(minutes=15)),
        (two, lived.colleague, NOW),
        (elsewhere, lived.owner, NOW),
    ):
        with pytest.raises(Refused):
            look(lived, contact, None, by, now=now)
    look(lived, one, "updating", now=NOW + timedelta(minutes=14))
    assert look(lived, two, None, now=NOW + timedelta(minutes=28)) == VALUES
    assert db.session.scalars(select(ContactReason.reason)).all() == ["updating"]
    with pytest.raises(Refused):
        look(lived, one, "curious")


@pytest.mark.one_engine
@pytest.mark.parametrize(
    ("about", "field"),
    [
        ({"label": "Samira Khalefa"}, "label"),
        ({"label": "lawyer"}, "label"),
        ({"kind": "rumour"}, "label"),
        ({"audience": Audience.VOLUNTEERS}, "audience"),
        ({"audience": Audience.PUBLIC}, "audience"),
        ({"person_id": 999}, "person_id"),
        ({"values": {"phone": "ask the lawyer"}}, "phone"),
        ({"values": {"email": "samira"}}, "email"),
        ({"values": {"colour": "blue"}}, "name"),
    ],
)
def test_what_cannot_be_kept_is_refused_on_its_field(
    lived: Lived, keeps: Keeps, about: dict[str, Any], field: str
) -> None:
    with pytest.raises(Refused) as refusal:
        keeps(lived.case(), **about)
    assert refusal.value.field == field


@pytest.mark.one_engine
@pytest.mark.parametrize("code", ["family", "lawyer", "safe_address", "medical_note", "other_contact"])
def test_each_kind_keeps_what_it_asks_and_nothing_else(lived: Lived, keeps: Keeps, code: str) -> None:
    kind = contact_kinds.get(code)
    contact = keeps(lived.case(), kind=code, label=kind.roles[0])
    assert tuple(look(lived, contact)) == tuple(sorted(kind.asks))
    assert code != "medical_note" or kind.asks == ("note",)


@pytest.mark.one_engine
def test_a_contact_for_nobody_is_refused(lived: Lived, keeps: Keeps) -> None:
    with pytest.raises(Refused) as refusal:
        keeps(lived.case(owner=False), audience=Audience.NAMED)
    assert refusal.value.field == "audience"


@pytest.mark.one_engine
def test_a_conflict_tells_what_stands_in_the_open_and_nothing_else(lived: Lived, keeps: Keeps) -> None:
    case = lived.case()
    contact = keeps(case)
    with lived.at() as session, pytest.raises(VersionConflict) as conflict:  # noqa: PT012
        mine, held = session.get(Case, case.id), session.get(Contact, contact.id)
        service.change_contact(
            session, mine, held, version=7, label="brother", audience=Audience.DESK, values={"name": "X"}
        )
    assert conflict.value.theirs == {"label": "sister", "audience": Audience.DESK, "person_id": None}


def test_a_contact_is_of_its_case_and_its_rung(lived: Lived, keeps: Keeps) -> None:
    case, other = lived.case(), lived.case()
    closed, opened = keeps(case, audience=Audience.NAMED), keeps(case, label="brother")
    session = db.session()
    assert get_contact(session, case, Audience.NAMED, closed.public_id).id == closed.id
    assert get_contact(session, case, Audience.DESK, opened.public_id).id == opened.id
    for of, rung, contact in ((case, Audience.DESK, closed), (other, Audience.NAMED, opened)):
        with pytest.raises(NotFound):
            get_contact(session, of, rung, contact.public_id)
    listed = {
        (user.name, rung): [(c.label, c.number) for c in listed_for(user, case, rung)]
        for user, rung in (
            (lived.owner, Audience.NAMED),
            (lived.colleague, Audience.DESK),
            (lived.outsider, Audience.VOLUNTEERS),
            (lived.volunteer, Audience.NAMED),
        )
    }
    assert list(listed.values()) == [[("sister", 1), ("brother", 1)], [("brother", 1)], [], []]
    keeps(case)
    assert listed_for(lived.owner, case, Audience.NAMED)[-1].number == 2


def test_whose_number_is_answered_where_the_asker_keeps_the_case(lived: Lived, keeps: Keeps) -> None:
    case, restricted = lived.case(), lived.case(audience=Audience.NAMED)
    here, hidden = keeps(case), keeps(restricted)
    named = keeps(case, {"phone": "0599123456"}, label="brother", audience=Audience.NAMED)

    def found(user: User, asked: str) -> set[int]:
        return {contact.id for contact, _case in find_whose(db.session(), user, asked)}

    for asked in ("0599 123 456", "+970599123456", "00970 599 123 456"):
        assert found(lived.owner, asked) == {here.id, hidden.id, named.id}
        assert found(lived.colleague, asked) == {here.id}
        for nobody in (lived.outsider, lived.volunteer, lived.admin):
            assert found(nobody, asked) == set()
    assert found(lived.owner, "SAMIRA@family.example") == {here.id, hidden.id}
    for wrong in ("599", "599 123 457", "samira", "%", "", "samira@family.exampl"):
        assert found(lived.owner, wrong) == set()


def test_changing_a_number_changes_whose_it_is(lived: Lived, keeps: Keeps) -> None:
    case = lived.case()
    contact = keeps(case)
    with lived.at() as session:
        mine, held = session.get(Case, case.id), session.get(Contact, contact.id)
        service.change_contact(
            session, mine, held, version=1, label="sister", audience=Audience.DESK, values={"phone": "0599 000 000"}
        )
    assert find_whose(db.session(), lived.owner, VALUES["phone"]) == []
    assert [c.id for c, _case in find_whose(db.session(), lived.owner, "0599000000")] == [contact.id]
    assert look(lived, contact) == {"phone": "0599 000 000"}
    assert contacts_of(case)[0].version == 2
