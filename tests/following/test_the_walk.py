"""`follow.confirm`, `follow.reminder`: from the form of a public case to one reminder, and out again."""

from datetime import timedelta
from typing import Any

import pytest
from follow_ground import ADDRESS, DAY_BEFORE, NOW, WEEK_BEFORE, Follow, FollowAsk

MOMENT = timedelta(seconds=1)


def test_somebody_follows_is_reminded_once_at_eight_and_leaves_by_one_click(followed: Any) -> None:
    case = followed.open_case()
    page = followed.get(f"/cases/{case.public_id}")
    assert f"/follow/en/cases/{case.public_id}" in page.text
    assert "Set-Cookie" not in page.headers

    answer = followed.ask(case)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/follow/en/asked")
    followed.tick()
    (first,) = followed.sink.to(ADDRESS)
    assert first.kind == "follow.confirm"
    assert case.nickname not in first.text
    link = followed.link()
    for _ in range(3):
        assert followed.open(link).status_code == 200, "looking begins nothing"
    assert followed.rows(Follow) == []
    assert followed.post(link).status_code == 303
    (follow,) = followed.rows(Follow)
    assert follow.days_before == [7, 1]
    begun = followed.open(link).text
    assert "You follow this case" in begun
    assert f'href="/public/en/cases/{case.public_id}"' in begun

    followed.tick(WEEK_BEFORE - MOMENT)
    assert followed.kinds() == ["follow.confirm"]
    for minutes in (0, 1, 2, 600):
        followed.tick(WEEK_BEFORE + timedelta(minutes=minutes))
    assert followed.kinds() == ["follow.confirm", "follow.reminder"]
    reminder = followed.sink.to(ADDRESS)[-1]
    assert case.nickname in reminder.text
    assert "Monday 8 April 2024, 09:30" in reminder.text
    assert "Ahmad" not in reminder.text
    assert reminder.message["Subject"] == "A date you follow: Mon 8 Apr"
    assert reminder.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    out = reminder.message["List-Unsubscribe"].strip("<>").removeprefix("http://127.0.0.1:8000")
    assert case.nickname in followed.open(out).text, "looking ends nothing"
    assert len(followed.rows(Follow)) == 1
    answer = followed.post(out, **{"List-Unsubscribe": "One-Click"})
    assert (answer.status_code, answer.mimetype) == (200, "text/plain")
    assert (followed.rows(Follow), followed.addresses()) == ([], [])
    followed.tick(DAY_BEFORE)
    assert followed.kinds() == ["follow.confirm", "follow.reminder"]
    assert followed.post(out, **{"List-Unsubscribe": "One-Click"}).status_code == 200, "sent again it changes nothing"
    assert case.nickname not in followed.open(out).text


@pytest.mark.parametrize("off", [-MOMENT, 0 * MOMENT, MOMENT])
def test_the_link_is_good_just_before_72_hours_and_not_at_them(followed: Any, off: timedelta) -> None:
    case = followed.open_case()
    followed.ask(case)
    followed.tick()
    late = NOW + timedelta(hours=72) + off
    assert followed.post(followed.link(), late).status_code == (303 if off < 0 * MOMENT else 410)
    assert len(followed.rows(Follow)) == (off < 0 * MOMENT)
    followed.tick(NOW + timedelta(hours=80))
    assert len(followed.rows(FollowAsk)) == 0, "asks are forgotten when they are over"
    assert len(followed.addresses()) == (off < 0 * MOMENT)
