"""Publishing: what a desk puts on its country page, and takes off it; how that page is set up; who may list a case."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from flask_babel import gettext as _
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from tracker.accounts.models import Desk, User
from tracker.base.audience import Audience
from tracker.base.columns import new_public_id
from tracker.base.errors import NotFound, Refused, VersionConflict
from tracker.base.words import say_number
from tracker.base.work import current_work, note_done, touch
from tracker.cases.models import Case, Involvement
from tracker.cases.queries import level
from tracker.intake.models import Document, Proposal
from tracker.intake.reading import fingerprint
from tracker.intake.reading.model import ENTRY_KINDS, EntryRead
from tracker.intake.reading.page import read_page
from tracker.people.models import PersonName
from tracker.publishing.models import CountryPage, Publication, PublicationCase, PublicCase
from tracker.publishing.revising import page_changed
from tracker.search.rules import ARTICLES, words_of

#: Longest heading and longest text, in characters: twice what was seen.
LONGEST_TITLE, LONGEST_TEXT = 300, 20_000

#: How an entry of a page that is read ends: links that lead on are no words of it.
_LEADS_ON = ("Read more.", "Take action.")


@dataclass(frozen=True, slots=True)
class Offered:
    """An entry of a page that was read, which the desk's own page does not list yet."""

    #: Names it: in the form, and for good.
    fingerprint: str
    kind: str
    title: str
    text: str
    published_on: date
    position: int
    document_id: int
    #: The cases it is about, or names somebody of.
    cases: tuple[int, ...]
    #: Whether it is about somebody whose case was never taken from the page: such an entry cannot be listed.
    lacks_case: bool


def list_offered(session: Session, desk: Desk, user: User) -> list[Offered]:
    """What the pages that were read say and the desk's own page does not list, newest first; of two editions, what the
    later one says. A case that `user` may not see is no case to them."""
    listed = set(session.scalars(select(Publication.fingerprint).where(Publication.desk_id == desk.id)))
    names = _names_of(session, desk)
    found: dict[str, Offered] = {}
    documents = session.scalars(
        select(Document).where(Document.desk_id == desk.id).order_by(Document.received_at.desc(), Document.id.desc())
    ).all()
    for document in documents:
        try:
            entries = read_page(document.text, document.published_on).entries
        except Refused:
            continue
        about = _cases_of(session, document, entries, user)
        for position, entry in enumerate(entries):
            key = fingerprint.of_entry(entry)
            if key in listed or key in found or entry.published is None:
                continue
            said = f"{entry.title}\n{entry.body}"
            cases = about.get(key, set()) | _named_in(said, names)
            found[key] = Offered(
                key,
                entry.kind,
                entry.title,
                _plain(entry.body),
                entry.published,
                position,
                document.id,
                tuple(sorted(cases)),
                entry.individual_case and not about.get(key),
            )
    return sorted(found.values(), key=lambda o: (-o.published_on.toordinal(), o.position))


def list_entries(session: Session, desk: Desk, user: User, chosen: Collection[str]) -> list[Publication]:
    """Put those that were chosen on the desk's page. Refused for one about somebody who is in no case: nobody has asked
    them."""
    taken = [offered for offered in list_offered(session, desk, user) if offered.fingerprint in chosen]
    if not taken:
        raise Refused(_("Choose at least one entry."), "entries")
    for offered in taken:
        if offered.lacks_case:
            raise Refused(
                _("“%(title)s” is about somebody who is in no case of this desk yet.", title=offered.title), "entries"
            )
    return [
        _add(
            session,
            desk,
            kind=offered.kind,
            title=offered.title,
            text=offered.text,
            published_on=offered.published_on,
            cases=offered.cases,
            key=offered.fingerprint,
            document_id=offered.document_id,
            position=offered.position,
        )
        for offered in taken
    ]


def write_entry(
    session: Session, desk: Desk, *, kind: str, title: str, text: str, published_on: date, case: Case | None = None
) -> Publication:
    """Put an entry in the desk's own words on its page. What names somebody of a case of the desk belongs to that case,
    whatever was said."""
    title = " ".join(title.split())
    if kind not in ENTRY_KINDS:
        raise Refused(_("“%(code)s” is no kind of entry.", code=kind[:30]), "kind")
    if not title or len(title) > LONGEST_TITLE:
        raise Refused(_("The heading has 1 to %(most)s characters.", most=LONGEST_TITLE), "title")
    if len(text) > LONGEST_TEXT:
        raise Refused(
            _(
                "The text has %(count)s characters; %(most)s is the most.",
                count=say_number(len(text)),
                most=say_number(LONGEST_TEXT),
            ),
            "text",
        )
    cases = _named_in(f"{title}\n{text}", _names_of(session, desk)) | ({case.id} if case else set())
    key = hashlib.sha256(f"{kind}\x1f{published_on}\x1f{title}\x1f{text}".encode()).hexdigest()[:32]
    held = session.scalar(
        select(Publication).where(Publication.desk_id == desk.id, Publication.fingerprint == key).with_for_update()
    )
    if held is not None:
        raise Refused(_("This very entry is on the page already, or was taken off it."), "title")
    return _add(
        session, desk, kind=kind, title=title, text=text, published_on=published_on, cases=sorted(cases), key=key
    )


def withdraw_entry(session: Session, desk: Desk, public_id: str) -> None:
    """Take an entry off the desk's page; it is not offered again. Nothing where it is off already."""
    found = session.scalar(
        select(Publication).where(Publication.desk_id == desk.id, Publication.public_id == public_id)
    )
    if found is None:
        raise NotFound("There is no such entry on the page of this desk.")
    if found.withdrawn_at is None:
        found.withdrawn_at, found.version = current_work(session).now, found.version + 1
        _follow(session, desk, [found.id])


def set_up_page(
    session: Session,
    desk: Desk,
    *,
    version: int,
    is_open: bool,
    contact: str,
    names_coordinators: bool,
    document_years: Sequence[int],
    documents_url: str,
) -> CountryPage:
    """Say whether a desk has a page, and what stands on it beside entries. VersionConflict when somebody else did in
    between; `version` 0: it never was set up."""
    now = current_work(session).now
    page = session.get(CountryPage, desk.id, populate_existing=True, with_for_update={"key_share": True})
    if page is None:
        page = CountryPage(desk_id=desk.id, changed_at=now, version=0, revision=0)
        session.add(page)
    if page.version != version:
        theirs: dict[str, object] = {
            name: getattr(page, name) for name in ("is_open", "contact", "names_coordinators", "documents_url")
        }
        theirs["document_years"] = " ".join(map(str, page.document_years))
        raise VersionConflict(_("The page was set up anew in between."), theirs)
    page.is_open, page.contact, page.names_coordinators = is_open, contact.strip(), names_coordinators
    page.document_years = sorted(set(document_years), reverse=True)
    page.documents_url = _checked_url(documents_url.strip())
    page.version, page.revision, page.changed_at = version + 1, page.revision + 1, now
    session.flush()
    touch(*session.scalars(select(PublicCase.case_id).where(PublicCase.desk_id == desk.id)))
    return page


def set_indexed(session: Session, case: Case, indexed: bool) -> None:
    """Say whether search engines may list the page of a case. Refused while it has none."""
    done = session.execute(update(PublicCase).where(PublicCase.case_id == case.id).values(indexed=indexed))
    if not done.rowcount:  # type: ignore[attr-defined]  # an UPDATE counts
        raise Refused(_("This case has no public page."))
    note_done("public_cases", case.id, case.id, indexed=indexed)


def _checked_url(said: str) -> str:
    if said and not (said.startswith("https://") and len(said) <= 300 and said.count("{year}") == 1):
        raise Refused(_("Write an address that begins with https:// and has {year} in it once."), "documents_url")
    return said


def _add(
    session: Session,
    desk: Desk,
    *,
    kind: str,
    title: str,
    text: str,
    published_on: date,
    cases: Sequence[int],
    key: str,
    document_id: int | None = None,
    position: int = 0,
) -> Publication:
    work = current_work(session)
    entry = Publication(
        public_id=new_public_id(),
        desk_id=desk.id,
        document_id=document_id,
        fingerprint=key,
        kind=kind,
        title=title[:LONGEST_TITLE],
        text=text[:LONGEST_TEXT],
        published_on=published_on,
        position=position,
        recorded_at=work.now,
        recorded_by=work.actor.user_id,
    )
    session.add(entry)
    session.flush()
    session.add_all(PublicationCase(publication_id=entry.id, case_id=case_id) for case_id in cases)
    session.flush()
    _follow(session, desk, [entry.id])
    return entry


def _follow(session: Session, desk: Desk, entries: Sequence[int]) -> None:
    """Let everything that shows these entries follow."""
    page_changed(session, [desk.id], current_work(session).now)
    touch(
        *session.scalars(select(PublicationCase.case_id).where(PublicationCase.publication_id.in_(entries)).distinct())
    )


def _plain(body: str) -> str:
    """The words of an entry without the links it ends its paragraphs with."""
    parts = []
    for part in body.split("\n\n"):
        said = " ".join(part.split())
        while any(said.endswith(link) for link in _LEADS_ON):
            said = next(said.removesuffix(link) for link in _LEADS_ON if said.endswith(link)).rstrip()
        if said:
            parts.append(said)
    return "\n\n".join(parts)


def _cases_of(session: Session, document: Document, entries: Sequence[EntryRead], user: User) -> Mapping[str, set[int]]:
    """For each entry of a page about people, by its fingerprint, the cases into which it went, as far as `user` keeps
    them."""
    found: dict[str, set[int]] = {}
    own = [fingerprint.of_entry(entry) for entry in entries if entry.individual_case]
    rows = session.execute(
        select(func.substr(Proposal.fingerprint, 1, fingerprint.LENGTH), Proposal.case_id)
        .join(Case, Case.id == Proposal.case_id)
        .where(
            Proposal.desk_id == document.desk_id,
            level(user.id) <= Audience.DESK,
            Proposal.kind == "case",
            func.substr(Proposal.fingerprint, 1, fingerprint.LENGTH).in_(own),
        )
    )
    for key, case_id in rows:
        found.setdefault(key, set()).add(case_id)
    spans = session.execute(
        select(Proposal.quote_start, Proposal.case_id)
        .join(Case, Case.id == Proposal.case_id)
        .where(Proposal.document_id == document.id, level(user.id) <= Audience.DESK)
    ).all()
    for entry in entries:
        if entry.individual_case:
            key = fingerprint.of_entry(entry)
            within = {c for start, c in spans if c is not None and entry.start <= start < entry.end}
            if within:
                found.setdefault(key, set()).update(within)
    return found


def _names_of(session: Session, desk: Desk) -> list[tuple[int, frozenset[str]]]:
    """(case, words of a name) of everybody in the cases of a desk."""
    rows = session.execute(
        select(Involvement.case_id, PersonName.text)
        .join(PersonName, PersonName.person_id == Involvement.person_id)
        .join(Case, Case.id == Involvement.case_id)
        .where(Case.desk_id == desk.id, PersonName.kind != "pseudonym")
    )
    return [(case_id, frozenset(w for w in words_of(text).split() if w not in ARTICLES)) for case_id, text in rows]


def _named_in(text: str, names: Sequence[tuple[int, frozenset[str]]]) -> set[int]:
    """The cases of which a text names somebody: all words of a name, two at least, stand in it."""
    said = frozenset(words_of(text).split())
    return {case_id for case_id, words in names if len(words) > 1 and words <= said}
