"""A country changes its clocks: the last day stays, when it is over follows, and nobody is told twice."""

from datetime import date
from pathlib import Path
from typing import Any

from actions_ground import action
from house_of_cases import Lived, utc
from sqlalchemy import select
from zone_ground import come_into_force, other_rules

from tracker.accounts.models import User
from tracker.agenda.models import AgendaItem
from tracker.base.db import db
from tracker.cases.models import Case
from tracker.clockwork.zones import follow_zone_rules
from tracker.outbox.models import Message
from tracker.telling.service import follow_case

__all__ = ["other_rules"]

#: The last day is a week ahead; over at 21:00Z by the old rules, at 19:00Z by the new ones.
NOW = utc("2024-04-01T09:00")
UNTIL, BEFORE, AFTER = date(2024, 4, 8), utc("2024-04-08T21:00"), utc("2024-04-08T19:00")


def test_when_a_last_day_is_over_follows_the_rules_in_force(telling: Any, lived: Lived, other_rules: Path) -> None:
    reader = telling.volunteer("Reem", "Europe/London")
    with lived.at(NOW, by=reader) as session:
        follow_case(session, session.get_one(User, reader.id), session.get_one(Case, telling.case.id))
    written = action(lived, telling.case, act_until=UNTIL)
    over = action(lived, telling.case, act_until=date(2024, 3, 30), ua_number="UA 53/24")
    assert [mail.kind for mail in telling.tick(NOW)] == ["action.ends_soon"]
    assert lived.fresh(written).act_until_at == BEFORE
    kept = lived.fresh(over).act_until_at
    come_into_force(other_rules)
    assert follow_zone_rules(NOW)["rederived"] >= 2
    held = lived.fresh(written)
    assert (held.act_until, held.act_until_at) == (UNTIL, AFTER)
    assert lived.fresh(over).act_until_at == kept, "what is over stays as it was"
    item = db.session.scalars(select(AgendaItem).where(AgendaItem.kind == "action")).one()
    assert item.starts_at == AFTER
    assert db.session.scalars(select(Message.give_up_at).where(Message.kind == "action.ends_soon")).all() == [AFTER]
    assert telling.tick(NOW) == [], "nobody hears of that day again"
