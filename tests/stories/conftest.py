"""Stories of people who keep cases, with a mail server that takes what they are told."""

from collections.abc import Callable
from datetime import datetime

import pytest
from flask import Flask
from house_of_cases import lived
from mail_sink import Mail, MailSink

from tracker.base import clock
from tracker.base.db import db
from tracker.clockwork.runner import tick


@pytest.fixture
def tracker_env(tracker_env: dict[str, str], mail_sink: MailSink) -> dict[str, str]:
    """The settings, with a relay."""
    return {**tracker_env, "TRACKER_SMTP_URL": mail_sink.url}


@pytest.fixture
def mails_at(app: Flask, mail_sink: MailSink) -> Callable[[datetime], list[Mail]]:
    """Let the clock run once at an instant; what came of it in the mail."""

    def run(now: datetime) -> list[Mail]:
        before = len(mail_sink.mails)
        with clock.fixed_at(now):
            tick(app, now)
        db.session.rollback()
        return mail_sink.mails[before:]

    return run


__all__ = ["lived"]
