"""People. A person stands alone: the same person may be arrested again, in another case."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from tracker.base.columns import BigId, UTCDateTime
from tracker.base.db import Model

#: legal name, also known as, another script's spelling, name for publication.
NAME_KINDS = ("legal", "known_as", "transliteration", "pseudonym")


class Person(Model):
    """Somebody at risk."""

    __tablename__ = "persons"

    #: Row number.
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: Random id for addresses.
    public_id: Mapped[str] = mapped_column(String(22), unique=True)
    #: As they want to be spoken of: he/him, she/her, they/them, or their own words.
    pronouns: Mapped[str] = mapped_column(String(40), default="")
    #: Work or standing: surgeon, lawyer.
    occupation: Mapped[str] = mapped_column(String(200), default="")
    #: Birth date, as precisely as birth_precision says.
    born_on: Mapped[date | None]
    #: day, month, year, about.
    birth_precision: Mapped[str | None] = mapped_column(String(10))
    #: When recorded.
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    #: Counts changes, for version conflicts.
    version: Mapped[int] = mapped_column(default=1)

    names: Mapped[list["PersonName"]] = relationship(
        back_populates="person", order_by="PersonName.position", lazy="selectin", cascade="all, delete-orphan"
    )

    @property
    def name(self) -> str:
        """The name staff use: the first that is not a pseudonym."""
        return next((n.text for n in self.names if n.kind != "pseudonym"), self.names[0].text if self.names else "?")

    @property
    def pseudonym(self) -> str:
        """The name for publication; empty: there is none. Beyond the desk it is shown in place of every other name."""
        return next((n.text for n in self.names if n.kind == "pseudonym"), "")

    @property
    def real_names(self) -> list["PersonName"]:
        """All names but the one for publication."""
        return [n for n in self.names if n.kind != "pseudonym"]


class PersonName(Model):
    """One name of a person, in one script."""

    __tablename__ = "person_names"
    __table_args__ = (Index("ix_person_names_key", "name_key"),)
    part_of = ("persons", "person_id")

    #: Row number.
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: Whose.
    person_id: Mapped[int] = mapped_column(ForeignKey("persons.id"), index=True)
    #: The name as written.
    text: Mapped[str] = mapped_column(String(300))
    #: ISO 15924 code of its script: Latn, Arab, Hebr, Cyrl.
    script: Mapped[str] = mapped_column(String(4), default="Latn")
    #: One of NAME_KINDS.
    kind: Mapped[str] = mapped_column(String(20), default="legal")
    #: Order in which they are shown.
    position: Mapped[int] = mapped_column(default=0)
    #: Consonant key across scripts and spellings: finds candidates for a human to compare, merges nothing.
    name_key: Mapped[str] = mapped_column(String(300))

    person: Mapped[Person] = relationship(back_populates="names")
