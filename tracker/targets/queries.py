"""Reading the target book. It says nothing about anybody at risk, so all staff may read it."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from tracker.base.errors import NotFound
from tracker.targets.models import Target, TargetReport


def in_office(day: date) -> ColumnElement[bool]:
    """SQL: they hold the office on that day, as far as is known."""
    return (Target.valid_to.is_(None) | (Target.valid_to >= day)) & (
        Target.valid_from.is_(None) | (Target.valid_from <= day)
    )


def list_targets(session: Session, *, said: str = "", limit: int = 500) -> list[tuple[Target, int]]:
    """Targets by state and office, each with how many reports nobody has seen to. `said`: part of a name or office, or
    a country's code."""
    reports = (
        select(func.count(TargetReport.id))
        .where(TargetReport.target_id == Target.id, TargetReport.settled_at.is_(None))
        .scalar_subquery()
    )
    chosen = select(Target, reports).order_by(Target.country, Target.kind.desc(), Target.office, Target.id)
    said = said.strip()
    if said:
        pattern = f"%{said.replace('!', '!!').replace('%', '!%').replace('_', '!_')}%"
        chosen = chosen.where(
            or_(
                Target.country == said.upper(),
                Target.name.ilike(pattern, escape="!"),
                Target.office.ilike(pattern, escape="!"),
            )
        )
    return [(target, count) for target, count in session.execute(chosen.limit(limit))]


def list_officials(session: Session, day: date) -> Sequence[Target]:
    """Officials in office on that day, by state and office: whom an action can be addressed to."""
    return session.scalars(
        select(Target)
        .where(Target.kind == "official", in_office(day))
        .order_by(Target.country, Target.office, Target.id)
        .limit(500)
    ).all()


def get_target(session: Session, public_id: str) -> Target:
    """The target with this id. NotFound otherwise."""
    found = session.scalar(select(Target).where(Target.public_id == public_id))
    if found is None:
        raise NotFound("There is nobody like that in the target book.")
    return found


def list_reports(session: Session, target: Target) -> Sequence[TargetReport]:
    """What people found of its addresses, the latest first."""
    return session.scalars(
        select(TargetReport).where(TargetReport.target_id == target.id).order_by(TargetReport.id.desc()).limit(100)
    ).all()


def find_embassy(session: Session, country: str, hosted_in: str, day: date) -> Target | None:
    """The embassy of a state in a country; None: none is recorded."""
    return session.scalar(
        select(Target)
        .where(
            Target.kind == "embassy", Target.country == country, Target.hosted_in == hosted_in.upper(), in_office(day)
        )
        .order_by(Target.id.desc())
        .limit(1)
    )


def list_hosts(session: Session, country: str, day: date) -> Sequence[str]:
    """Countries in which a state's embassies are recorded."""
    return session.scalars(
        select(Target.hosted_in)
        .where(Target.kind == "embassy", Target.country == country, in_office(day), Target.hosted_in.is_not(None))
        .distinct()
        .order_by(Target.hosted_in)
    ).all()  # type: ignore[return-value]  # those without one are left out above


def as_json(target: Target) -> dict[str, Any]:
    """A target as commands print it."""
    return {
        "id": target.id,
        "kind": target.kind,
        "country": target.country,
        "hosted_in": target.hosted_in,
        "name": target.name,
        "office": target.office,
        "salutation": target.salutation,
        "language": target.language,
        "postal": target.postal.splitlines(),
        "email": target.email,
        "phone": target.phone,
        "valid_from": target.valid_from.isoformat() if target.valid_from else None,
        "valid_to": target.valid_to.isoformat() if target.valid_to else None,
    }
