"""What is done with the target book."""

from datetime import date
from typing import Any

from email_validator import EmailNotValidError, validate_email
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.base.columns import check_lengths, new_public_id
from tracker.base.countries import country_codes
from tracker.base.db import hold
from tracker.base.errors import Refused, VersionConflict
from tracker.base.work import current_work
from tracker.targets.models import KINDS, REPORTS, Target, TargetReport

#: Longest postal address, in lines.
MOST_LINES = 8


def record_target(session: Session, *, kind: str, country: str, office: str, **fields: Any) -> Target:
    """Record somebody to write to. Refused without an office and a state, or when an address cannot be one."""
    target = Target(public_id=new_public_id(), created_at=current_work(session).now)
    _write(target, {"kind": kind, "country": country, "office": office, **fields})
    session.add(target)
    session.flush()
    return target


def edit_target(session: Session, target: Target, *, version: int, **fields: Any) -> None:
    """Change what is known of a target. VersionConflict when somebody else did so since `version`."""
    hold(session, target)
    if target.version != version:
        raise VersionConflict(
            _("Somebody changed this in the meantime."), {name: getattr(target, name) for name in fields}
        )
    _write(target, fields)
    target.version += 1


def report_target(session: Session, target: Target, *, what: str, user_id: int) -> TargetReport | None:
    """Note that an address of a target did not work. None: this account has said so already."""
    if what not in REPORTS:
        raise Refused(_("Choose what came back."), "what")
    said = select(TargetReport.id).where(
        TargetReport.target_id == target.id,
        TargetReport.what == what,
        TargetReport.reported_by == user_id,
        TargetReport.settled_at.is_(None),
    )
    if session.scalar(said.limit(1)) is not None:
        return None
    report = TargetReport(target_id=target.id, what=what, reported_at=current_work(session).now, reported_by=user_id)
    session.add(report)
    return report


def settle_reports(session: Session, target: Target) -> None:
    """Somebody has seen to what was reported of a target."""
    work = current_work(session)
    unsettled = select(TargetReport).where(TargetReport.target_id == target.id, TargetReport.settled_at.is_(None))
    for report in session.scalars(unsettled):
        report.settled_at, report.settled_by = work.now, work.actor.user_id


def _write(target: Target, fields: dict[str, Any]) -> None:
    for name, value in fields.items():
        setattr(target, name, value.strip() if isinstance(value, str) else value)
    if target.kind not in KINDS:
        raise Refused(_("Choose what it is: an official or an embassy."), "kind")
    target.country = _country(target.country, "country") or ""
    if not target.country:
        raise Refused(_("Say which state they serve."), "country")
    target.hosted_in = _country(target.hosted_in, "hosted_in")
    if target.kind == "embassy" and not target.hosted_in:
        raise Refused(_("Say in which country the embassy stands."), "hosted_in")
    if target.kind == "official" and target.hosted_in:
        raise Refused(_("Only an embassy stands in another country."), "hosted_in")
    if not target.office:
        raise Refused(_("Say which office it is."), "office")
    if target.email:
        try:
            target.email = validate_email(target.email, check_deliverability=False, allow_smtputf8=False).normalized
        except EmailNotValidError:
            raise Refused(_("That is no mail address."), "email") from None
    lines = [line.strip() for line in (target.postal or "").splitlines()]
    target.postal = "\n".join(line for line in lines if line)
    if len(target.postal.splitlines()) > MOST_LINES:
        raise Refused(_("A postal address has at most %(count)s lines.", count=MOST_LINES), "postal")
    if target.phone and not 5 <= sum(c.isdigit() for c in target.phone) <= 15:
        raise Refused(_("That is no telephone number."), "phone")
    _check_days(target.valid_from, target.valid_to)
    check_lengths(target)


def _country(code: str | None, field: str) -> str | None:
    code = (code or "").strip().upper()
    if not code:
        return None
    if code not in country_codes():
        raise Refused(_("Two letters, such as EG: the country's code."), field)
    return code


def _check_days(first: date | None, last: date | None) -> None:
    if first and last and last < first:
        raise Refused(_("The last day lies before the first."), "valid_to")
