"""What is on the open web: which cases, what a desk's country page lists, and how that page is set up."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from tracker.base.columns import BigId, JSONText, UTCDateTime
from tracker.base.db import Model


class PublicCase(Model):
    """A case that has a page of its own, and which revision of it is read there. Derived, but for `indexed`."""

    __tablename__ = "public_cases"
    audited = False

    #: The case.
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    #: Copy, for lists: the desk.
    desk_id: Mapped[int] = mapped_column(BigId, index=True)
    #: Names all that its page shows: it changes whenever that does. Empty: not worked out yet.
    revision: Mapped[str] = mapped_column(String(32), default="")
    #: Since when the page is there.
    opened_at: Mapped[datetime] = mapped_column(UTCDateTime)
    #: When what it shows last changed.
    changed_at: Mapped[datetime] = mapped_column(UTCDateTime)
    #: Whether search engines may list it, because those it is about agreed to that. Ends with the page.
    indexed: Mapped[bool] = mapped_column(default=False, server_default=false())


class CountryPage(Model):
    """The page on which a desk tells what it publishes: whether there is one, and what stands on it beside entries."""

    __tablename__ = "country_pages"

    #: The desk.
    desk_id: Mapped[int] = mapped_column(ForeignKey("desks.id"), primary_key=True)
    #: Whether anybody may read it.
    is_open: Mapped[bool] = mapped_column(default=False, server_default=false())
    #: How the desk is reached, in its own words: an address of the group, never somebody's own.
    contact: Mapped[str] = mapped_column(Text, default="")
    #: Whether those who coordinate the desk are named there.
    names_coordinators: Mapped[bool] = mapped_column(default=False, server_default=false())
    #: Years of which there are documents elsewhere, latest first.
    document_years: Mapped[list[int]] = mapped_column(JSONText, default=list)
    #: Where the documents of a year are, with {year} in it; empty: nowhere to lead to.
    documents_url: Mapped[str] = mapped_column(String(300), default="")
    #: Counts changes of what the page shows, its cases included.
    revision: Mapped[int] = mapped_column(default=1)
    #: When that last changed: what the page calls updated.
    changed_at: Mapped[datetime] = mapped_column(UTCDateTime)
    #: Counts changes of the settings, for version conflicts.
    version: Mapped[int] = mapped_column(default=1)


class Publication(Model):
    """One entry of a country page: an urgent action, news, good news, as the desk published it."""

    __tablename__ = "publications"
    __table_args__ = (
        UniqueConstraint("desk_id", "fingerprint"),
        Index("ix_publications_desk_id_published_on", "desk_id", "published_on"),
    )

    #: Row number.
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: Random id for addresses.
    public_id: Mapped[str] = mapped_column(String(22), unique=True)
    #: The desk whose page lists it.
    desk_id: Mapped[int] = mapped_column(ForeignKey("desks.id"))
    #: The page it was read from; None: written here.
    document_id: Mapped[int | None] = mapped_column(ForeignKey("documents.id"))
    #: What makes it the same entry in another edition of that page.
    fingerprint: Mapped[str] = mapped_column(String(32))
    #: What it is: one of the kinds of entries that a page can have.
    kind: Mapped[str] = mapped_column(String(20))
    #: Its heading.
    title: Mapped[str] = mapped_column(String(300))
    #: Its words; an empty line parts paragraphs.
    text: Mapped[str] = mapped_column(Text, default="")
    #: The day it was published.
    published_on: Mapped[date]
    #: Order among those of one day: as on the page it was read from.
    position: Mapped[int] = mapped_column(default=0)
    #: When it was put on the page.
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)
    #: By whom; None: the command line.
    recorded_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    #: When it was taken off again; None: it is listed.
    withdrawn_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: Counts changes, for version conflicts.
    version: Mapped[int] = mapped_column(default=1)


class PublicationCase(Model):
    """A case that an entry of a country page is about, or names somebody of: the entry is shown no further than it."""

    __tablename__ = "publication_cases"
    audited = False

    #: The entry.
    publication_id: Mapped[int] = mapped_column(ForeignKey("publications.id"), primary_key=True)
    #: The case.
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), primary_key=True, index=True)
