"""An outbox that sends to a relay of the test's choice."""

from collections.abc import Iterator

import note_kind
import pytest
from flask import Flask
from mail_sink import MailSink
from outbox_ground import Outbox, WatchedSink

from tracker.app import settings_module
from tracker.base.db import db


@pytest.fixture
def mail_sink() -> Iterator[MailSink]:
    """A running mail server that can be made to do something while it is spoken to."""
    sink = WatchedSink()
    sink.start()
    yield sink
    sink.stop()


@pytest.fixture
def relay_url(mail_sink: MailSink) -> str:
    """Where mail goes; a module may bring a relay of its own."""
    return mail_sink.url


@pytest.fixture
def tracker_env(tracker_env: dict[str, str], relay_url: str) -> dict[str, str]:
    """The settings, with a relay."""
    return {**tracker_env, "TRACKER_SMTP_URL": relay_url}


@pytest.fixture
def app(tracker_env: dict[str, str]) -> Iterator[Flask]:
    """The outbox alone, within its context."""
    settings = settings_module().load({k: v for k, v in tracker_env.items() if k.startswith("TRACKER_")})
    made = note_kind.bare_house(settings)
    with made.app_context():
        yield made
        db.session.remove()
        for engine in db.engines.values():
            engine.dispose()


@pytest.fixture
def outbox(app: Flask, tracker_env: dict[str, str]) -> Iterator[Outbox]:
    """An empty outbox."""
    with note_kind.announced():
        yield Outbox(app, tracker_env)
