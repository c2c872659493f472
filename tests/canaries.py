"""Words that stand nowhere else, put where they must not get out: into each sealed field of the contacts of two cases,
and into everything a case for named people tells. And everybody who might come across them."""

import base64
import html
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from actions_ground import action
from crawl import Ids, every_address
from flask import Flask
from house_of_cases import NOW, Browser, Lived, utc
from intake_ground import FIRST as COUNTRY_PAGE
from signed_in import make_account, sign_in
from sqlalchemy import select

from tracker.accounts import service as accounts
from tracker.accounts.models import SignIn, User
from tracker.actions.models import UrgentAction
from tracker.actions.service import LetterGiven
from tracker.base import clock
from tracker.base.audience import Audience
from tracker.base.dates import StatedDate
from tracker.base.db import db
from tracker.base.work import COMMAND, unit_of_work
from tracker.calendar.service import renew_feed
from tracker.cases.models import Case
from tracker.clockwork.runner import tick
from tracker.contacts.kinds import ContactKind, contact_kinds
from tracker.contacts.models import Contact
from tracker.contacts.service import add_contact
from tracker.digests.service import stop_word
from tracker.flags.models import Flag
from tracker.hearings.models import Hearing
from tracker.intake import service as intake
from tracker.intake.reading.page import read_page
from tracker.outbox.models import Message, Recipient
from tracker.outbox.service import recipient_for
from tracker.people.models import Person
from tracker.reminders import service as reminders
from tracker.reminders.tokens import stop_token
from tracker.targets.models import Target
from tracker.timeline.models import Entry
from tracker.timeline.service import Source, record_entry

#: The day before the hearings of both cases, after the mails of that day have gone.
SOON = utc("2024-04-07T08:30")

#: When the clock ran: reminders of tomorrow's hearings were due.
TICKED = utc("2024-04-07T08:15")


def spelled(word: str) -> Iterator[bytes]:
    """A canary in every way in which it could get somewhere by accident."""
    plain = word.encode()
    yield plain
    yield quote(word).encode()
    yield json.dumps(word)[1:-1].encode()
    yield html.escape(word).encode()
    yield plain.hex().encode()
    for shift in range(3):
        # Base64 of a text that holds it, wherever in a group of three it begins: but for the ends, which others share.
        coded = base64.b64encode(b"\0" * shift + plain + b"\0" * 2).rstrip(b"=")[4 if shift else 0 : -4]
        yield coded
        yield coded.translate(bytes.maketrans(b"+/", b"-_"))
    digits = re.sub(r"\D", "", word)
    if len(digits) >= 9:
        yield digits[-9:].encode()


@dataclass
class Canaries:
    """Canaries by what they were put into."""

    words: dict[str, str]
    #: What to look for, by how it begins: many begin alike, and where that does not stand none of them does.
    _spelled: dict[bytes, list[tuple[bytes, str]]] = field(init=False)
    _small: dict[bytes, list[tuple[bytes, str]]] = field(init=False)

    def __post_init__(self) -> None:
        self._spelled, self._small = {}, {}
        for name, word in self.words.items():
            small = word.encode().lower()
            self._small.setdefault(small[:3], []).append((small, name))
            for needle in dict.fromkeys(spelled(word)):
                self._spelled.setdefault(needle[:3], []).append((needle, name))

    def in_(self, said: bytes | str) -> set[str]:
        """Which of them stand in something, in any spelling and in any case."""
        raw = said.encode("utf-8", "replace") if isinstance(said, str) else said
        return {
            name
            for text, looked_for in ((raw, self._spelled), (raw.lower(), self._small))
            for begins, needles in looked_for.items()
            if begins in text
            for needle, name in needles
            if needle in text
        }

    def in_answer(self, answer: Any) -> set[str]:
        """Which of them stand in an answer: its head or its body."""
        head = "\n".join(f"{name}: {value}" for name, value in answer.headers)
        body = answer.get_data()
        return self.in_(body) | self.in_(head) | (self.in_(html.unescape(answer.text)) if b"&" in body else set())


def sealed_words(of: str, kind: ContactKind) -> dict[str, str]:
    """A canary for each sealed field of a contact of a kind."""
    number = contact_kinds.codes().index(kind.code) + (40 if of == "restricted" else 70)
    of_kind = kind.code.replace("_", "")
    forms = {"phone": f"+970 55 {number:03} 7391 82", "email": f"qzv{of_kind}{of}@sealed-mail.example"}
    return {name: forms.get(name, f"qzv{of_kind}{name}{of}") for name in kind.asks}


#: What a case for named people tells beside its contacts.
TELLS = {
    name: f"Qzr{name}words"
    for name in ("title", "summary", "person", "court", "place", "note", "observer", "text", "where", "source", "quote")
}


@dataclass
class World:
    """A case for named people and one open to volunteers, both with contacts of every kind; and everybody."""

    lived: Lived
    restricted: Case
    opened: Case
    #: All that is sealed, and what the case for named people tells.
    sealed: Canaries
    told: Canaries
    #: The sealed canaries of each contact, by its random id.
    of_contact: dict[str, Canaries]
    #: Browsers of the seven kinds, none of whom may know of the case for named people.
    strangers: dict[str, Browser]
    #: The browser of the one who may.
    named: Browser
    #: What stands for the arguments of routes: of either case, and children of the one under the other.
    ids: dict[str, Ids]

    def contacts(self, case: Case) -> list[Contact]:
        """The contacts of a case."""
        db.session.rollback()
        return list(db.session.scalars(select(Contact).where(Contact.case_id == case.id).order_by(Contact.id)))

    def addresses(self, app: Flask, method: str = "GET") -> list[tuple[str, str]]:
        """(endpoint, address) of everything that answers to a method, for rows of either case; each address once."""
        found = {
            address: rule.endpoint
            for ids in self.ids.values()
            for rule, _method, address in every_address(app, ids, [method])
        }
        return [(endpoint, address) for address, endpoint in found.items()]


def make_world(app: Flask, lived: Lived) -> World:
    """Both cases, lived through until the day before their hearings, with the clock run and mail sent."""
    restricted = lived.case(TELLS["person"], title=TELLS["title"], summary=TELLS["summary"], audience=Audience.NAMED)
    opened = lived.case("Nadia Halabi", title="A trial", audience=Audience.VOLUNTEERS)
    of_contact = {**_keep(lived, restricted, "restricted"), **_keep(lived, opened, "open")}
    hearings = [
        _tell(lived, restricted, TELLS, Audience.NAMED),
        _tell(lived, opened, dict.fromkeys(TELLS, "plain words"), Audience.VOLUNTEERS),
    ]
    make_account("coordinator@example.org", desk="iopt", coordinator=True, name="Farid")
    make_account("closed@example.org", "admin", desk="iopt", name="Gada")
    with lived.at() as session:
        for user in (lived.owner, lived.colleague):
            reminders.follow(session, session.get(User, user.id), desk=session.merge(lived.desk), now=NOW)
    with clock.fixed_at(TICKED):
        tick(app, TICKED)
    strangers = _strangers(app, lived)
    shared = _shared_ids(lived)
    ids = {
        of: {**shared, **_ids(lived, case, hearing)}
        for of, case, hearing in zip(("restricted", "open"), (restricted, opened), hearings, strict=True)
    }
    # One of each is enough here: what matters is that it belongs to another case.
    first = {name: given[:1] if isinstance(given, list) else given for name, given in ids["restricted"].items()}
    ids["children of the restricted under the open"] = {**first, "ref": opened.ref}
    return World(
        lived=lived,
        restricted=restricted,
        opened=opened,
        sealed=Canaries({name: word for canaries in of_contact.values() for name, word in canaries.words.items()}),
        told=Canaries(TELLS),
        of_contact=of_contact,
        strangers=strangers,
        named=lived.browser(lived.owner, SOON),
        ids=ids,
    )


def _keep(lived: Lived, case: Case, of: str) -> dict[str, Canaries]:
    """Contacts of every kind in a case, for its desk but for the medical note; their canaries."""
    kept = {}
    for kind in contact_kinds:
        words = sealed_words(of, kind)
        with lived.at() as session:
            contact = add_contact(
                session,
                session.get(Case, case.id),
                kind=kind.code,
                label=kind.roles[0],
                audience=Audience.NAMED if kind.code == "medical_note" else Audience.DESK,
                values=words,
                person_id=lived.person(case) if kind.code == "family" else None,
            )
        kept[contact.public_id] = Canaries({f"{of} {kind.code} {name}": word for name, word in words.items()})
    return kept


def _tell(lived: Lived, case: Case, words: Mapping[str, str], audience: Audience) -> Hearing:
    """Entries, one of them a claim, and a hearing."""
    for confidence in ("reported", "confirmed"):
        with lived.at(by=lived.owner) as session:
            record_entry(
                session,
                case_id=case.id,
                kind="person.arrested",
                date_stated=StatedDate(NOW.date()),
                audience=audience,
                text=words["text"],
                payload={"place": words["where"]},
                sources=[Source(kind="press", address=words["source"], quote=words["quote"])],
                confidence=confidence,
            )
    action(
        *(lived, case),
        title=words["title"],
        summary=words["summary"],
        letters=(LetterGiven("en", words["text"], words["title"]),),
        ua_number="",
        audience=audience,
    )
    said = {name: words[name] for name in ("court", "place", "note", "observer")}
    return lived.hearing(case, audience=audience, **said)


def _strangers(app: Flask, lived: Lived) -> dict[str, Browser]:
    def account(email: str) -> User:
        return db.session.scalars(select(User).where(User.email == email)).one()

    closed = Browser(sign_in(app, account("closed@example.org"), SOON), SOON)
    with unit_of_work("accounts.disable", COMMAND, now=SOON):
        accounts.disable(db.session(), account("closed@example.org"), SOON)
    return {
        "anonymous": Browser(app.test_client(), SOON),
        "volunteer": lived.browser(lived.volunteer, SOON),
        "staff of another desk": lived.browser(lived.outsider, SOON),
        "staff": lived.browser(lived.colleague, SOON),
        "coordinator": lived.browser(account("coordinator@example.org"), SOON),
        "admin": lived.browser(lived.admin, SOON),
        "disabled": closed,
    }


def _shared_ids(lived: Lived) -> Ids:
    """What does not depend on the case. What lets its bearer in is the colleague's, who may not know of the restricted
    one."""
    with lived.at(NOW, lived.owner) as session:
        desk = session.merge(lived.desk)
        text = COUNTRY_PAGE.read_text()
        reading = read_page(text, NOW.date())
        document = intake.keep_document(session, desk, text, "page.txt", NOW.date())
        proposal = intake.propose(session, desk, document, reading).fresh[0]
    with lived.at(SOON) as session:
        colleague = session.get(User, lived.colleague.id)
        recipient = recipient_for(session, colleague.id).id
        secret = renew_feed(session, colleague, SOON)
    return {
        "code": ["iopt", "mena"],
        "recipient_id": recipient,
        "sign_in_id": list(db.session.scalars(select(SignIn.id))),
        "intake.public_id": document.public_id,
        "intake.which": proposal.public_id,
        "intake.key": proposal.group_key,
        "digests.word": stop_word(recipient),
        "calendar.secret": secret,
        "factors.passkey_id": 999_999,
        "administration.user_id": [lived.owner.id, lived.volunteer.id],
        "invitations.link_id": 999_999,
        "invitations.word": "none-such",
        "following.word": "none-such",
        "pages.audience": ["volunteers", "public"],
        "lang": ["en", "ar"],
        "year": "2024",
        "publishing.withdraw.public_id": "none-such",
        "groups.group_id": "none-such",
        "groups.evening_id": "none-such",
        "groups.invitation_id": "none-such",
        "groups.step_id": "none-such",
        "groups.member_id": 999_999,
        "tally.step_id": "none-such",
        "steps.step_id": "none-such",
        "steps.code": "none-such",
        "actions.language": ["en", "new"],
        "targets.public_id": every_target(),
    }


def every_target() -> list[str]:
    """Everybody in the target book."""
    return list(db.session.scalars(select(Target.public_id)))


def _ids(lived: Lived, case: Case, hearing: Hearing) -> Ids:
    """Rows of a case."""
    session = db.session()
    session.rollback()

    def every(what: Any) -> list[Any]:
        found = list(session.scalars(what))
        assert found, f"nothing to look at: {what}"
        return found

    of_hearing = (Message.subject_kind == "hearing", Message.subject_id == hearing.id)
    colleague = session.scalars(select(Recipient.id).where(Recipient.user_id == lived.colleague.id)).one()
    return {
        "ref": case.ref,
        "publishing.public_id": case.public_id,
        "following.public_id": case.public_id,
        "cases.public_id": every(select(Person.public_id).where(Person.id == lived.person(case))),
        "consent.public_id": every(select(Person.public_id).where(Person.id == lived.person(case))),
        "hearings.public_id": every(select(Hearing.public_id).where(Hearing.id == hearing.id)),
        "entries.public_id": every(
            select(Entry.public_id).where(Entry.case_id == case.id, Entry.kind == "person.arrested")
        ),
        # One for the desk, one for named people: they look alike from every route.
        "contacts.public_id": every(
            select(Contact.public_id).where(Contact.case_id == case.id, Contact.kind.in_(["family", "medical_note"]))
        ),
        "contacts.kind": ["family", "medical_note"],
        **{
            f"{room}.public_id": every(select(UrgentAction.public_id).where(UrgentAction.case_id == case.id))
            for room in ("actions", "steps", "telling", "tally")
        },
        "flag_id": every(select(Flag.id).where(Flag.case_id == case.id)),
        "message_id": every(select(Message.id).where(*of_hearing))[:2],
        "reminders.token": stop_token(colleague, [case.id]),
    }
