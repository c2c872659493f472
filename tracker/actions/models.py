"""Urgent actions, their letters and whom they are addressed to."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from tracker.base.audience import Audience
from tracker.base.columns import AudienceType, BigId, UTCDateTime, new_short_code
from tracker.base.db import Model
from tracker.targets.models import Target

#: draft (being written), active (may be taken), on_hold (nobody writes just now), expired (its day has passed), stopped
#: (nobody may write any more), closed (it has done its work, or another took its place).
STATES = ("draft", "active", "on_hold", "expired", "stopped", "closed")

#: What it is in its chain.
CHAINS = ("first", "update")


class UrgentAction(Model):
    """A request to write, about one case. The UA number stays the same through all updates of the chain."""

    __tablename__ = "urgent_actions"
    __table_args__ = (
        UniqueConstraint("ua_year", "ua_sequence", "update_number"),
        Index("ix_urgent_actions_state_act_until_at", "state", "act_until_at"),
    )

    #: Row number; what commands call its ID.
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: Random id for addresses.
    public_id: Mapped[str] = mapped_column(String(22), unique=True)
    #: Random word for an address that is typed from paper.
    short_code: Mapped[str] = mapped_column(String(10), unique=True, default=new_short_code)
    #: The case.
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    #: UA number: its sequence within the year; None: it has none.
    ua_sequence: Mapped[int | None]
    #: UA number: the year, in four digits; None: it has none.
    ua_year: Mapped[int | None]
    #: Index number of the document, such as MDE 15/8123/2024; empty: it has none.
    index_number: Mapped[str] = mapped_column(String(40), default="")
    #: One of CHAINS.
    chain: Mapped[str] = mapped_column(String(10), default="first")
    #: Which update it is: 0 for the first action, then 1, 2 …
    update_number: Mapped[int] = mapped_column(default=0)
    #: The action it follows; None: it is the first, or the one before is not here.
    previous_id: Mapped[int | None] = mapped_column(ForeignKey("urgent_actions.id"), index=True)
    #: What it is called for those who take it.
    title: Mapped[str] = mapped_column(String(200))
    #: The case in short, for those who take it.
    summary: Mapped[str] = mapped_column(Text, default="")
    #: What not to do or say; empty: nothing out of the ordinary.
    cautions: Mapped[str] = mapped_column(Text, default="")
    #: How long it takes, in minutes.
    minutes: Mapped[int] = mapped_column(default=10)
    #: Whether a copy goes to the embassy in the writer's country.
    copy_to_embassy: Mapped[bool] = mapped_column(default=True)
    #: The day it was issued.
    issued_on: Mapped[date]
    #: The last day on which writing helps.
    act_until: Mapped[date]
    #: When that day is over at the desk. Written when saved.
    act_until_at: Mapped[datetime] = mapped_column(UTCDateTime)
    #: One of STATES.
    state: Mapped[str] = mapped_column(String(10), default="draft")
    #: Why, by a code of its state; empty: draft or active.
    state_reason: Mapped[str] = mapped_column(String(20), default="")
    #: Since when it stands so.
    state_since: Mapped[datetime] = mapped_column(UTCDateTime)
    #: What its page says of a hold, a stop or the end, in words chosen for the public; empty: the words of the reason.
    public_words: Mapped[str] = mapped_column(Text, default="")
    #: Who may see it; the case's audience where that is stricter.
    audience: Mapped[Audience] = mapped_column(AudienceType)
    #: The widest audience it was ever open to while it could be taken: who may still be told that it is stopped.
    shown_to: Mapped[Audience] = mapped_column(AudienceType, default=Audience.DESK)
    #: The last entry telling of a death or a release that somebody had seen when they let it go on.
    seen_entry_id: Mapped[int] = mapped_column(BigId, default=0, server_default=text("0"))
    #: When recorded.
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    #: When it could first be taken; None: it never could.
    activated_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: Counts changes, for version conflicts.
    version: Mapped[int] = mapped_column(default=1)


class ActionLetter(Model):
    """The model letter of an action in one language."""

    __tablename__ = "action_letters"
    __table_args__ = (UniqueConstraint("action_id", "language"),)

    #: Row number.
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: The action.
    action_id: Mapped[int] = mapped_column(ForeignKey("urgent_actions.id"))
    #: Language of the letter (ISO 639-1).
    language: Mapped[str] = mapped_column(String(10))
    #: Subject of the e-mail.
    subject: Mapped[str] = mapped_column(String(200), default="")
    #: First line; empty: that of the one it goes to.
    salutation: Mapped[str] = mapped_column(String(200), default="")
    #: The letter, without its first line.
    body: Mapped[str] = mapped_column(Text)

    def text_to(self, target: Target) -> str:
        """The letter to somebody, with its first line: its own, or how they are addressed, where that is in its
        language."""
        salutation = self.salutation or (target.salutation if target.language == self.language else "")
        return f"{salutation}\n\n{self.body}" if salutation else self.body


class ActionTarget(Model):
    """Whom an action is addressed to."""

    __tablename__ = "action_targets"

    #: The action.
    action_id: Mapped[int] = mapped_column(ForeignKey("urgent_actions.id"), primary_key=True)
    #: The target.
    target_id: Mapped[int] = mapped_column(ForeignKey("targets.id"), primary_key=True, index=True)
    #: Order in which they are shown; the first is who the letter goes to unless another is chosen.
    position: Mapped[int] = mapped_column(default=0)
