"""Sealing: AES-256-GCM bound to the row it stands in, keys outside the database, blind indexes for exact search.

A sealed value is `v1:<key id>:<nonce>:<ciphertext>` in URL-safe base64. The place it is written to (`table|row|column`)
is authenticated with it, so a value moved to another row does not open: Fernet, which has no such binding, would let a
writer of the database swap two families' numbers.
"""

import base64
import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import String, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from tracker.base.columns import BigId
from tracker.base.db import Model, insert_or_pass
from tracker.base.errors import Misconfigured

#: How the name of a form's field begins that asks for something kept sealed: no page but its own shows it again.
SEALED = "sealed"


class DataKey(Model):
    """The key of one subject (a case), wrapped with the keyring. Losing the row loses everything sealed under it."""

    __tablename__ = "data_keys"
    audited = False

    #: Row number.
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    #: What the key belongs to, such as `case:12`, or `house` for what concerns no case.
    subject: Mapped[str] = mapped_column(String(60), unique=True)
    #: The key itself, sealed with the keyring.
    wrapped: Mapped[str] = mapped_column(Text)


class Keyring:
    """Keys by id, the first of which seals; all of them open. One `id:base64` a line in the file."""

    def __init__(self, keys: dict[str, bytes]) -> None:
        if not keys or any(len(k) != 32 for k in keys.values()):
            raise Misconfigured("TRACKER_KEYRING holds no usable key: a line is an id, a colon and 32 bytes in base64.")
        self._keys = keys

    @classmethod
    def load(cls, path: Path) -> "Keyring":
        """Read the keyring; a missing file is made (mode 0600) with one new key."""
        fresh = f"{secrets.token_hex(4)}:{base64.b64encode(secrets.token_bytes(32)).decode()}"
        keys: dict[str, bytes] = {}
        for line in made_once(path, fresh).split():
            key_id, _, key = line.partition(":")
            try:
                keys[key_id] = base64.b64decode(key, validate=True)
            except ValueError as fault:
                raise Misconfigured(f"TRACKER_KEYRING: the key {key_id[:12]} is not base64.") from fault
        return cls(keys)

    def seal(self, plain: bytes, place: str) -> str:
        """Seal for `place` (`table|row|column`)."""
        key_id, key = next(iter(self._keys.items()))
        return _seal(plain, place, key_id, key)

    def unseal(self, sealed: str, place: str) -> bytes:
        """Open what was sealed for this very place. Misconfigured when the key is not on the ring."""
        key_id = sealed.split(":", 2)[1]
        if key_id not in self._keys:
            raise Misconfigured(f"TRACKER_KEYRING does not hold the key {key_id}: is it the file of this database?")
        return _unseal(sealed, place, self._keys[key_id])

    def blind(self, value: str, purpose: str) -> str:
        """A keyed fingerprint for exact search of a sealed value; a separate key per purpose."""
        root = next(reversed(self._keys.values()))  # the oldest key: rotation must not change fingerprints
        key = hmac.digest(root, f"blind|{purpose}".encode(), hashlib.sha256)
        return hmac.new(key, value.encode(), hashlib.sha256).hexdigest()


def made_once(path: Path, secret: str) -> str:
    """The content of a secret file (mode 0600), made with `secret` when there is none. Two processes that start at once
    read the same one: it is written aside, and linked into its place whole or not at all."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secret + "\n")
        with suppress(FileExistsError):
            os.link(aside, path)
        aside.unlink()
    return path.read_text().strip()


def _seal(plain: bytes, place: str, key_id: str, key: bytes) -> str:
    nonce = secrets.token_bytes(12)
    cipher = AESGCM(key).encrypt(nonce, plain, place.encode())
    return ":".join(("v1", key_id, base64.urlsafe_b64encode(nonce).decode(), base64.urlsafe_b64encode(cipher).decode()))


def _unseal(sealed: str, place: str, key: bytes) -> bytes:
    _version, _key_id, nonce, cipher = sealed.split(":")
    try:
        return AESGCM(key).decrypt(base64.urlsafe_b64decode(nonce), base64.urlsafe_b64decode(cipher), place.encode())
    except InvalidTag as fault:
        raise Misconfigured("A sealed value does not open: it was changed, or moved from another row.") from fault


class Sealer:
    """Seals under a subject's own key, made at first use."""

    def __init__(self, keyring: Keyring) -> None:
        self.keyring = keyring

    def seal_for(self, session: Session, subject: str, plain: bytes, place: str) -> str:
        """Seal under the key of `subject` (such as `case:12`), for `place`."""
        return _seal(plain, place, subject.replace(":", "."), self._key(session, subject))

    def unseal_for(self, session: Session, subject: str, sealed: str, place: str) -> bytes:
        """Open what `seal_for` sealed."""
        return _unseal(sealed, place, self._key(session, subject))

    def _key(self, session: Session, subject: str) -> bytes:
        place = f"data_keys|{subject}|wrapped"
        held = select(DataKey.wrapped).where(DataKey.subject == subject)
        wrapped = session.scalar(held)
        if wrapped is None:
            fresh = self.keyring.seal(secrets.token_bytes(32), place)
            session.execute(insert_or_pass(session, DataKey, "subject").values(subject=subject, wrapped=fresh))
            wrapped = session.scalars(held).one()
        return self.keyring.unseal(wrapped, place)
