"""What did we know on a day? What was recorded by then, as it was meant then."""

from datetime import timedelta

from house_of_cases import NOW, Lived

from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.timeline.models import Entry
from tracker.timeline.queries import read_timeline
from tracker.timeline.rules import stand
from tracker.timeline.service import accept_entry, withdraw_entry


def test_as_known_on_each_day_is_the_fold_of_what_was_recorded_by_then(lived: Lived) -> None:
    case = lived.case()
    day = [NOW + timedelta(days=n) for n in range(7)]
    arrest = lived.tell(case, "person.arrested", "2024-03-01", now=day[0])
    lived.tell(case, "person.disappeared", "2024-03-01", now=day[1], supersedes_id=arrest.id)
    rumour = lived.tell(case, "person.released", "2024-03-10", now=day[2], confidence="reported")
    with lived.at(day[3]) as session:
        given = {"reason": "seen at home", "audience": Audience.DESK, "on": day[3].date()}
        yes = accept_entry(session, session.get(Entry, rumour.id), **given)
    with lived.at(day[4]) as session:
        given = {"reason": "not him", "audience": Audience.DESK, "on": day[4].date()}
        withdraw_entry(session, session.get(Entry, yes.id), **given)
    lived.tell(case, "person.died_in_custody", "2024-02-01", now=day[5], precision="by")

    def known(known_at: object) -> tuple[str | None, int]:
        seen = read_timeline(db.session(), case.id, Audience.NAMED, known_at)  # type: ignore[arg-type]
        where = stand([s.told for s in seen], {s.entry.id: s.meaning for s in seen}, [lived.person(case)])
        (person,) = where.values()
        return person.custody, len(person.reported)

    assert known(day[0] - timedelta(seconds=1)) == (None, 0)
    assert [known(at) for at in day[:6]] == [
        ("detained_without_charge", 0),
        ("enforced_disappearance", 0),
        ("enforced_disappearance", 1),
        ("released", 0),
        ("enforced_disappearance", 1),
        ("died_in_custody", 0),
    ]
    assert known(None) == known(day[6])
