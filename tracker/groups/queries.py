"""Reading groups: who is in one, what their log says, and their evenings."""

from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.groups.models import Group


def names_of_groups(session: Session, numbers: Sequence[int]) -> Mapping[int, str]:
    """What these groups are called, by their row numbers."""
    if not numbers:
        return {}
    groups = session.scalars(select(Group).where(Group.id.in_(numbers)))
    return {group.id: group.name for group in groups}
