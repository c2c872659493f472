"""A country changes its clocks: the hour on the court's door stays, the instants follow, nothing has moved."""

from pathlib import Path

from house_of_cases import ZONE, Lived, utc
from sqlalchemy import select
from zone_ground import come_into_force, other_rules

from tracker.agenda.models import AgendaItem
from tracker.base.db import db
from tracker.clockwork.kinds import rederivers
from tracker.clockwork.zones import follow_zone_rules
from tracker.hearings.projecting import derive_hearings_anew

NOW = utc("2024-03-20T09:00")

__all__ = ["other_rules"]


def test_instants_follow_the_rules_in_force(lived: Lived, other_rules: Path) -> None:
    assert rederivers.get("hearings") is derive_hearings_anew
    case = lived.case(now=NOW)
    hearing = lived.hearing(case, now=NOW)
    over = lived.hearing(case, now=NOW, state="took_place")
    follow_zone_rules(NOW)
    assert follow_zone_rules(NOW) == {"rederived": 0}
    come_into_force(other_rules)
    assert follow_zone_rules(NOW) == {"rederived": 1}
    held = lived.fresh(hearing)
    assert held.starts_at == utc("2024-04-08T04:30"), "09:30 there is five hours ahead now"
    assert held.outcome_due_at == utc("2024-04-08T19:00")
    assert (held.zone, f"{held.local_time:%H:%M}", held.schedule_rev, held.last_change) == (ZONE, "09:30", 1, "")
    item = db.session.scalars(select(AgendaItem).where(AgendaItem.subject_id == hearing.id)).one()
    assert (item.starts_at, item.rev) == (held.starts_at, 1)
    assert lived.face(case).next_sort.startswith("2024-04-08T04:30")
    assert lived.fresh(over).starts_at == utc("2024-04-08T06:30"), "what is over stays as it was"
    assert [e.kind for e in lived.entries(case, "hearing.")] == ["hearing.scheduled"] * 2
    assert follow_zone_rules(NOW) == {"rederived": 0}
