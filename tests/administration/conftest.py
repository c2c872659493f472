"""A desk with cases, hearings and people, for what is done to accounts; and a relay."""

import pytest
from house_of_cases import lived
from mail_sink import MailSink


@pytest.fixture
def tracker_env(tracker_env: dict[str, str], mail_sink: MailSink) -> dict[str, str]:
    """The settings, with a relay."""
    return {**tracker_env, "TRACKER_SMTP_URL": mail_sink.url}


__all__ = ["lived"]
