"""What can be found by words: one row per thing, its text normalised so that scripts and spellings meet."""

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tracker.base.audience import Audience
from tracker.base.columns import AudienceType, BigId
from tracker.base.db import Model


class SearchRow(Model):
    """The words of one thing for those who may see it. The full-text index hangs on the row's id."""

    __tablename__ = "search_rows"
    __table_args__ = (UniqueConstraint("kind", "ref", "audience"), Index("ix_search_rows_case_id", "case_id"))
    audited = False

    #: Row number; the full-text table's rowid.
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: What it is: case, person.
    kind: Mapped[str] = mapped_column(String(20))
    #: Its row in its own room.
    ref: Mapped[int] = mapped_column(BigId)
    #: The case it stands in.
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    #: Who may find it by these words.
    audience: Mapped[Audience] = mapped_column(AudienceType)
    #: Normalised words and name keys, separated by spaces.
    words: Mapped[str] = mapped_column(Text)
