"""An outbox, and a whole house, that things are done to; and a table of what each cost."""

from collections.abc import Iterator

import note_kind
import pytest
from outbox_ground import Outbox
from raw_relay import RawRelay
from zygote import Zygote

from tracker.app import settings_module
from tracker.base.db import db


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    """Starts real processes."""
    made = Zygote()
    yield made
    made.close()


@pytest.fixture
def relay() -> Iterator[RawRelay]:
    """A relay that misbehaves as told."""
    made = RawRelay()
    yield made
    made.close()


@pytest.fixture
def tracker_env(tracker_env: dict[str, str], relay: RawRelay) -> dict[str, str]:
    """The settings, with that relay."""
    return {**tracker_env, "TRACKER_SMTP_URL": relay.url}


@pytest.fixture
def outbox(tracker_env: dict[str, str]) -> Iterator[Outbox]:
    """The outbox alone, in which processes may be ended."""
    settings = settings_module().load({k: v for k, v in tracker_env.items() if k.startswith("TRACKER_")})
    made = note_kind.bare_house(settings)
    with made.app_context(), note_kind.announced():
        outbox = Outbox(made, tracker_env)
        outbox.rehearse()
        yield outbox
        db.session.remove()
        for engine in db.engines.values():
            engine.dispose()
