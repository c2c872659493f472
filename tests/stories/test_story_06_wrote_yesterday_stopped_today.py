"""Somebody wrote yesterday, and today the family asks to stop: they hear of it at once, and where to look says so."""

from collections.abc import Callable
from datetime import datetime, timedelta

from actions_ground import action, open_case
from house_of_cases import NOW, Lived
from mail_sink import Mail

#: Four minutes past ten in the evening at the desk.
STOPPED = NOW + timedelta(hours=12, minutes=4)

WORDS = "Your letter was right when it was sent. Do not write again"


def test_wrote_yesterday_stopped_today(lived: Lived, mails_at: Callable[[datetime], list[Mail]]) -> None:
    case = open_case(lived)
    written = action(lived, case, now=NOW - timedelta(days=2))
    address = f"/actions/{written.public_id}"
    volunteer = lived.browser(lived.volunteer, NOW - timedelta(days=1))
    assert volunteer.send(f"{address}/did-it", volunteer.filled(address, channel="letter")).status_code == 303
    assert volunteer.get(f"{address}/print").status_code == 200

    staff = lived.browser(lived.owner, STOPPED)
    assert staff.fill(f"/cases/{case.ref}/stop-publicity", reason="safety").status_code == 303
    [mail] = [mail for mail in mails_at(STOPPED) if mail.recipients[0] == lived.volunteer.email]
    assert mail.kind == "action.stopped"
    assert WORDS in mail.text
    assert "Please do not post about it." in mail.text
    volunteer.now = STOPPED + timedelta(hours=9)
    page = volunteer.get(address).text
    assert WORDS in page
    assert "surgeon" not in f"{page}{mail.text}{mail.html}"
