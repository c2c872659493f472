"""Cases, who is in them and how they look to each audience."""

from datetime import date, datetime, time
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from tracker.base.audience import Audience
from tracker.base.columns import AudienceType, BigId, JSONText, SortKey, UTCDateTime, WallTime
from tracker.base.db import Model

#: draft (nobody is reminded), open, monitoring (nothing asked, still watched), closed.
STAGES = ("draft", "open", "monitoring", "closed")

#: Worst first; each has its own stale clock.
RISKS = ("critical", "high", "medium", "low")

#: Why a case is closed.
CLOSED_REASONS = ("resolved", "released", "died", "at_their_request", "duplicate", "out_of_scope")

#: What somebody is in a case.
INVOLVEMENT_ROLES = ("at_risk", "relative", "witness")


class Case(Model):
    """A case: one matter about one or several people at risk."""

    __tablename__ = "cases"
    __table_args__ = (
        Index("ix_cases_stage_stale_at", "stage", "stale_at"),
        # Those nobody keeps are few; an index over all owners would not be chosen where there are few owners.
        Index(
            "ix_cases_unowned",
            "stage",
            sqlite_where=text("owner_id IS NULL"),
            postgresql_where=text("owner_id IS NULL"),
        ),
    )

    #: Row number.
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: Readable reference kept for ever, such as IOPT-0004.
    ref: Mapped[str] = mapped_column(String(30), unique=True)
    #: Random id for public addresses.
    public_id: Mapped[str] = mapped_column(String(22), unique=True)
    #: Neutral word for subjects and talk, such as Cedar: says nothing about anybody.
    nickname: Mapped[str] = mapped_column(String(40))
    #: What it is about, for those who may read it.
    title: Mapped[str] = mapped_column(String(300))
    #: The present state in a few sentences.
    summary: Mapped[str] = mapped_column(Text, default="")
    #: The desk that keeps it.
    desk_id: Mapped[int] = mapped_column(ForeignKey("desks.id"), index=True)
    #: Country where the person is held or was last seen (ISO 3166-1 alpha-2).
    country: Mapped[str | None] = mapped_column(String(2))
    #: State that answers for it (ISO 3166-1 alpha-2).
    responsible_state: Mapped[str | None] = mapped_column(String(2))
    #: Who keeps it.
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    #: Who stands in.
    deputy_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    #: One of STAGES.
    stage: Mapped[str] = mapped_column(String(12))
    #: Why it was closed: one of CLOSED_REASONS.
    closed_reason: Mapped[str | None] = mapped_column(String(20))
    #: One of RISKS.
    risk: Mapped[str] = mapped_column(String(10))
    #: Who may see it at all.
    audience: Mapped[Audience] = mapped_column(AudienceType)
    #: When it was recorded.
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    #: Latest day of news on it (a sourced entry); None: none yet.
    last_news_on: Mapped[date | None]
    #: When a human last checked it, or wrote a sourced entry: restarts the stale clock.
    last_checked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: Extra working days before it first goes stale, so that an import does not make one morning of them all.
    stale_grace_working_days: Mapped[int] = mapped_column(default=0)
    #: When it goes stale unless checked; None: never (closed, draft, or everybody in it has died).
    stale_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: How far its title may be read beyond the desk: as far as everybody in it may be named. Written by what follows
    #: from consent.
    title_up_to: Mapped[Audience] = mapped_column(AudienceType, default=Audience.DESK, server_default="1")
    #: Since when publicity is stopped; None: it is not. While it is, nothing opens beyond the desk.
    publicity_stopped_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: The account that stopped it; None: the command line, or it is not stopped.
    publicity_stopped_by: Mapped[int | None] = mapped_column(BigId)
    #: Why, by one of a few neutral words; empty: it is not stopped.
    publicity_stopped_reason: Mapped[str] = mapped_column(String(20), default="", server_default=text("''"))
    #: When somebody asked to resume publicity, which a second person has to agree to; None: nobody has.
    resume_asked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: Who asked.
    resume_asked_by: Mapped[int | None] = mapped_column(BigId)
    #: Counts changes, for version conflicts.
    version: Mapped[int] = mapped_column(default=1)


class Involvement(Model):
    """A person in a case, and where they stand, folded from the timeline (never typed)."""

    __tablename__ = "involvements"
    __table_args__ = (
        UniqueConstraint("case_id", "person_id"),
        # Those whose consent has a date are few beside all people; what has none is found by none of these.
        Index(
            "ix_involvements_consent_changes_at",
            "consent_changes_at",
            sqlite_where=text("consent_changes_at IS NOT NULL"),
            postgresql_where=text("consent_changes_at IS NOT NULL"),
        ),
        Index(
            "ix_involvements_consent_review_at",
            "consent_review_at",
            sqlite_where=text("consent_review_at IS NOT NULL"),
            postgresql_where=text("consent_review_at IS NOT NULL"),
        ),
    )
    audit_hides = frozenset({"reported"})

    #: Row number.
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: The case.
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    #: The person.
    person_id: Mapped[int] = mapped_column(ForeignKey("persons.id"), index=True)
    #: One of INVOLVEMENT_ROLES.
    role: Mapped[str] = mapped_column(String(20), default="at_risk")
    #: Order in which they are shown.
    position: Mapped[int] = mapped_column(default=0)
    #: Custody code; None: nothing is known.
    custody: Mapped[str | None] = mapped_column(String(40))
    #: Day since when, with custody_precision; None: not stated.
    custody_since: Mapped[date | None]
    #: Precision of custody_since.
    custody_precision: Mapped[str | None] = mapped_column(String(10))
    #: Proceedings code; None: nothing is known.
    proceedings: Mapped[str | None] = mapped_column(String(40))
    #: Day since when.
    proceedings_since: Mapped[date | None]
    #: Conditions in force: electronic_tag, bail, travel_ban.
    conditions: Mapped[list[str]] = mapped_column(JSONText, default=list)
    #: The one-word headline of both axes, such as house_arrest.
    status: Mapped[str | None] = mapped_column(String(40))
    #: Unconfirmed claims that stand beside it: [{"entry": public id, "custody": code, "on": date}].
    reported: Mapped[list[dict[str, Any]]] = mapped_column(JSONText, default=list)
    #: Folded from consent, like what follows: up to which audience it may be known that they are in this case.
    public_up_to: Mapped[Audience] = mapped_column(AudienceType, default=Audience.DESK, server_default="1")
    #: Up to which audience they may be named.
    name_up_to: Mapped[Audience] = mapped_column(AudienceType, default=Audience.DESK, server_default="1")
    #: Up to which audience a picture of them may be shown.
    photo_up_to: Mapped[Audience] = mapped_column(AudienceType, default=Audience.DESK, server_default="1")
    #: Up to which audience their health may be told of.
    medical_up_to: Mapped[Audience] = mapped_column(AudienceType, default=Audience.DESK, server_default="1")
    #: Up to which audience it may be told where they are.
    location_up_to: Mapped[Audience] = mapped_column(AudienceType, default=Audience.DESK, server_default="1")
    #: When the next consent runs out, so that the clock may look again; None: none does.
    consent_changes_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: From when somebody must look at their consent again; None: no need.
    consent_review_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class CaseGrant(Model):
    """One of the named people of a restricted case."""

    __tablename__ = "case_grants"

    #: The case.
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    #: The account.
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True, index=True)


class CaseFace(Model):
    """How a case looks to one audience, folded only from what that audience may see. Lists and mail join this row."""

    __tablename__ = "case_faces"
    __table_args__ = (
        Index("ix_case_faces_next", "audience", "desk_id", "stage", "next_sort", "case_id"),
        Index("ix_case_faces_worst", "audience", "desk_id", "stage", "worst_sort", "case_id"),
        Index("ix_case_faces_checked", "audience", "desk_id", "stage", "checked_sort", "case_id"),
        Index("ix_case_faces_ref", "audience", "desk_id", "stage", "ref_sort", "case_id"),
        Index("ix_case_faces_open_next", "audience", "stage", "next_sort", "case_id"),
        Index("ix_case_faces_next_ends_at", "next_ends_at"),
    )
    audited = False

    #: The case.
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    #: The audience this is the face for.
    audience: Mapped[Audience] = mapped_column(AudienceType, primary_key=True)
    #: Copy, for lists: the desk.
    desk_id: Mapped[int] = mapped_column(BigId)
    #: Copy, for lists: stage.
    stage: Mapped[str] = mapped_column(String(12))
    #: Copy, for lists: risk.
    risk: Mapped[str] = mapped_column(String(10))
    #: Copy, for lists: owner.
    owner_id: Mapped[int | None] = mapped_column(BigId)
    #: Headline of the person who stands worst: a status code.
    status: Mapped[str | None] = mapped_column(String(40))
    #: Custody and proceedings of all in words of codes: [{"person": id, "status": code, …}].
    statuses: Mapped[list[dict[str, Any]]] = mapped_column(JSONText, default=list)
    #: Day since when that status holds; None: not stated.
    status_since: Mapped[date | None]
    #: Agenda kind of the next date; None: nothing lies ahead.
    next_kind: Mapped[str | None] = mapped_column(String(30))
    #: Its row in its own room.
    next_subject_id: Mapped[int | None] = mapped_column(BigId)
    #: Its local day (the first of a window).
    next_on: Mapped[date | None]
    #: Its last possible day: of a window; the same day where the day is known.
    next_until: Mapped[date | None]
    #: How that date is known: day; week, month or between where only a window is.
    next_precision: Mapped[str | None] = mapped_column(String(10))
    #: Its clock time; None: not announced.
    next_time: Mapped[time | None] = mapped_column(WallTime)
    #: Its zone.
    next_zone: Mapped[str | None] = mapped_column(String(60))
    #: When it is no longer the next date, so that the clock may look again.
    next_ends_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: Day of the last entry this audience may see.
    last_entry_on: Mapped[date | None]
    #: When last checked.
    last_checked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    #: Worst open flag: its rule.
    worst_flag: Mapped[str | None] = mapped_column(String(40))
    #: Its severity, 0 where none is open.
    worst_severity: Mapped[int] = mapped_column(default=0)
    #: Rules of all open flags, for filters and badges.
    flags: Mapped[list[str]] = mapped_column(JSONText, default=list)
    #: Severity of each of them, by rule: {rule: 1 to 3, or 0 while it asks for nobody}.
    severities: Mapped[dict[str, int]] = mapped_column(JSONText, default=dict)
    #: Sort key: instant of the next date as text, `9999` where none. Made in Python, equal on both engines.
    next_sort: Mapped[str] = mapped_column(SortKey)
    #: Sort key: worst first (9 minus severity), then the flag's due instant.
    worst_sort: Mapped[str] = mapped_column(SortKey)
    #: Sort key: longest unchecked first.
    checked_sort: Mapped[str] = mapped_column(SortKey)
    #: Sort key: the reference.
    ref_sort: Mapped[str] = mapped_column(SortKey)
