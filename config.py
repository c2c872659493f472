"""Settings: one frozen object from `TRACKER_*` (and `DATABASE_URL`). Each default is safe in production.

Loaded by path (see `tracker.base.resources`), so that no top-level module named `config` need be installed.
"""

import ipaddress
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from tracker.base.db import normalise_url
from tracker.base.errors import Misconfigured
from tracker.base.sealing import made_once

#: What a switch within an address may say.
_YES, _NO = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}

#: Belong to the tests; passed over here.
_FOR_TESTS = {"TRACKER_CHROMIUM", "TRACKER_REQUIRE"}

_NAMES = {
    "TRACKER_DATABASE_URL",
    "TRACKER_SMTP_URL",
    "TRACKER_MAIL_FROM",
    "TRACKER_BASE_URL",
    "TRACKER_SECRET_KEY",
    "TRACKER_SECRET_KEY_OLD",
    "TRACKER_KEYRING",
    "TRACKER_KEYRING_KEYS",
    "TRACKER_INSTANCE",
    "TRACKER_PROXIES",
    "TRACKER_LANGUAGES",
    "TRACKER_BOUNCE_TO",
    "TRACKER_ALARM_URL",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Everything that may differ between two installations."""

    #: SQLAlchemy address: a SQLite file for one machine, PostgreSQL from two on.
    database_url: str
    #: `smtp://user:pass@host:port`, `smtps://`, `?starttls=1`; None: nothing is sent, mail waits and staff are told.
    smtp_url: str | None
    #: The From of every mail.
    mail_from: str
    #: Where people reach the pages; links in mail begin with it.
    base_url: str
    #: Signs form tokens and cookies. Never in the database.
    secret_key: str
    #: The key that signed before it: it opens what is still under way, and signs nothing. None: there was none.
    secret_key_old: str | None = None
    #: File of the keys that seal fields (see `tracker.base.sealing`).
    keyring: Path
    #: The lines of the keyring itself, where they come by the environment and not in a file; None: the file holds them.
    keyring_keys: str | None = field(default=None, repr=False)
    #: Folder for what the program makes itself: the SQLite file, the secret, the keyring, the rewritten style sheet.
    instance: Path
    #: How many proxies stand before the web process and set X-Forwarded-*; 0: none is believed.
    proxies: int
    #: Languages people may choose, the first of which is the default.
    languages: tuple[str, ...]
    #: The mailbox to which mail that does not arrive comes back, such as `bounces@example.org`: each mail's return
    #: address is made from it, signed (`bounces+…@example.org`). None: it comes back to `mail_from`, unread by us.
    bounce_to: str | None
    #: Fetched once a minute while mail leaves and the clock works: whoever listens there raises the alarm when it stays
    #: away. None: nobody outside notices a silent machine.
    alarm_url: str | None

    @property
    def secret_keys(self) -> list[str]:
        """All keys, as what signs takes them: the last one signs, each opens."""
        return [key for key in (self.secret_key_old, self.secret_key) if key]

    @property
    def https(self) -> bool:
        """Whether cookies must be Secure."""
        return self.base_url.startswith("https:")


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings. Misconfigured, naming the variable, when one is unknown, missing or cannot be."""
    env = {k: v for k, v in (os.environ if environ is None else environ).items() if v != ""}
    unknown = sorted(k for k in env if k.startswith("TRACKER_") and k not in _NAMES | _FOR_TESTS)
    if unknown:
        raise Misconfigured(f"{unknown[0]} is no setting of the tracker. Known are: {', '.join(sorted(_NAMES))}.")
    instance = Path(env.get("TRACKER_INSTANCE", "instance")).resolve()
    base_url = _base_url(env.get("TRACKER_BASE_URL", "http://127.0.0.1:8000"))
    return Settings(
        database_url=normalise_url(
            env.get("TRACKER_DATABASE_URL") or env.get("DATABASE_URL") or f"sqlite:///{instance / 'tracker.db'}"
        ),
        smtp_url=_smtp_url(env.get("TRACKER_SMTP_URL")),
        mail_from=_mail_from(env.get("TRACKER_MAIL_FROM", "Urgent action tracker <tracker@localhost>")),
        base_url=base_url,
        secret_key=env.get("TRACKER_SECRET_KEY") or _own_secret(instance, base_url),
        secret_key_old=env.get("TRACKER_SECRET_KEY_OLD"),
        keyring=Path(env.get("TRACKER_KEYRING", instance / "keyring")),
        keyring_keys=_keyring_keys(env),
        instance=instance,
        proxies=_count("TRACKER_PROXIES", env.get("TRACKER_PROXIES", "0")),
        languages=tuple(c.strip() for c in env.get("TRACKER_LANGUAGES", "en,ar").split(",")),
        bounce_to=_bounce_to(env.get("TRACKER_BOUNCE_TO")),
        alarm_url=_alarm_url(env.get("TRACKER_ALARM_URL")),
    )


def _is_loopback(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def _base_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise Misconfigured("TRACKER_BASE_URL must look like https://tracker.example.org")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise Misconfigured("TRACKER_BASE_URL: plain http is only for this machine; everything else needs https.")
    return text.rstrip("/")


def _smtp_url(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("smtp", "smtps") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable:
        raise Misconfigured("TRACKER_SMTP_URL must look like smtp://user:password@host:port or smtps://host")
    # A word that was passed over because of a slip of the pen would send everything in the open.
    said = parse_qsl(parts.query, keep_blank_values=True)
    if [name for name, _value in said] not in ([], ["starttls"]) or parts.path not in ("", "/") or parts.fragment:
        raise Misconfigured("TRACKER_SMTP_URL: after the host, nothing can follow but ?starttls=1")
    value = said[0][1].lower() if said else "0"
    if value not in _YES | _NO:
        raise Misconfigured("TRACKER_SMTP_URL: starttls is 1 or 0 (also: true, yes, on; false, no, off)")
    kept = parts.scheme == "smtps" or value in _YES
    if (parts.username or parts.password) and not kept and not _is_loopback(parts.hostname):
        raise Misconfigured(
            "TRACKER_SMTP_URL: user and password would go over the network in the open. Use smtps:// or ?starttls=1"
        )
    return text


def _mail_from(text: str) -> str:
    if "@" not in text or any(ord(c) < 32 for c in text):
        raise Misconfigured("TRACKER_MAIL_FROM must be a mail address, such as Tracker <tracker@example.org>")
    return text


def _bounce_to(text: str | None) -> str | None:
    if text is not None and not re.fullmatch(r"[A-Za-z0-9._-]{1,30}@[A-Za-z0-9.-]+", text):
        raise Misconfigured("TRACKER_BOUNCE_TO must be a plain mail address, such as bounces@example.org")
    return text


def _alarm_url(text: str | None) -> str | None:
    parts = urlsplit(text or "https://unset.invalid")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Misconfigured("TRACKER_ALARM_URL must look like https://alarm.example.org/some/path")
    return text


def _keyring_keys(env: Mapping[str, str]) -> str | None:
    if "TRACKER_KEYRING_KEYS" in env and "TRACKER_KEYRING" in env:
        raise Misconfigured("TRACKER_KEYRING_KEYS and TRACKER_KEYRING: the keyring is in the one or in the other.")
    return env.get("TRACKER_KEYRING_KEYS")


def _count(name: str, text: str) -> int:
    if not text.isdigit():
        raise Misconfigured(f"{name} must be a whole number, not {text[:20]!r}.")
    return int(text)


def _own_secret(instance: Path, base_url: str) -> str:
    """The secret of this machine, made once (mode 0600): only where nobody else can reach the pages."""
    if not _is_loopback(urlsplit(base_url).hostname):
        raise Misconfigured(
            "TRACKER_SECRET_KEY is not set: make one with python -c 'import secrets; print(secrets.token_hex(32))'"
        )
    return made_once(instance / "secret", secrets.token_hex(32))
