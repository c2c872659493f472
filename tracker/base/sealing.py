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
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import String, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from tracker.base.columns import BigId
from tracker.base.db import Model, insert_or_pass
from tracker.base.errors import Misconfigured
from tracker.base.house import read_fact

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


#: The fact that holds the ids of keys that were retired, with spaces between.
RETIRED = "keys.retired"

#: The line of the keyring that never seals and never rotates: fingerprints, signatures and the audit's hashes stand on
#: it.
ROOT = "root"

#: Before the id of a key that waits: it opens, and does not seal before it is taken into use.
WAITS = "+"


@dataclass(frozen=True, slots=True)
class Ring:
    """What a keyring says at one moment."""

    #: All keys by id, in the order of the lines.
    keys: Mapping[str, bytes]
    #: The id of the key that seals: the first that does not wait.
    primary: str
    #: Ids of keys that wait.
    waiting: frozenset[str]
    #: What fingerprints are made with: the line `root`, else the last key, which is the oldest.
    root: bytes
    #: Whether there is such a line.
    has_root: bool

    @classmethod
    def read(cls, text: str) -> "Ring":
        """Read the lines of a keyring. Misconfigured when one cannot be."""
        keys: dict[str, bytes] = {}
        waiting: set[str] = set()
        root: bytes | None = None
        for line in text.split():
            key_id, _, key = line.partition(":")
            name = key_id.removeprefix(WAITS)
            try:
                plain = base64.b64decode(key, validate=True)
            except ValueError as fault:
                raise Misconfigured(f"TRACKER_KEYRING: the key {name[:12]} is not base64.") from fault
            if len(plain) != 32 or not name or name in keys:
                raise Misconfigured(_UNUSABLE)
            if name == ROOT:
                root = plain
                continue
            keys[name] = plain
            if key_id != name:
                waiting.add(name)
        return cls.of(keys, frozenset(waiting), root)

    @classmethod
    def of(cls, keys: Mapping[str, bytes], waiting: frozenset[str] = frozenset(), root: bytes | None = None) -> "Ring":
        """A ring of these keys, newest first. Misconfigured when none of them may seal."""
        seals = [name for name in keys if name not in waiting]
        if not seals or any(len(key) != 32 for key in keys.values()):
            raise Misconfigured(_UNUSABLE)
        oldest = keys[seals[-1]]
        return cls(keys, seals[0], frozenset(waiting), root or oldest, root is not None)


_UNUSABLE = "TRACKER_KEYRING holds no usable key: a line is an id, a colon and 32 bytes in base64, each id once."


class Keyring:
    """Keys by id, the first of which seals; all of them open. One `id:base64` a line; `root:base64` is no key but what
    fingerprints stand on, and a key that waits has a `+` before its id (`tracker.base.rotation`).

    Where it stands in a file, it is read again as soon as that file is another: a process that runs while keys are
    rotated seals with the new one from then on, and opens what others have sealed with it.
    """

    def __init__(self, keys: Mapping[str, bytes] | Ring, path: Path | None = None) -> None:
        self._ring = keys if isinstance(keys, Ring) else Ring.of(keys)
        self.path = path
        self._seen = _stamp(path)

    @classmethod
    def load(cls, path: Path) -> "Keyring":
        """Read the keyring; a missing file is made (mode 0600) with one new key and a root of its own."""
        made_once(path, f"{new_line(secrets.token_hex(4))}\n{new_line(ROOT)}")
        seen = _stamp(path)
        ring = cls(Ring.read(path.read_text()), path)
        ring._seen = seen
        return ring

    @classmethod
    def of_text(cls, text: str) -> "Keyring":
        """A keyring whose lines stand in the environment."""
        return cls(Ring.read(text))

    @property
    def ring(self) -> Ring:
        """What it says now."""
        if self.path is not None and (seen := _stamp(self.path)) != self._seen and seen is not None:
            with suppress(OSError, Misconfigured):  # half copied: what was read before still holds
                self._ring = Ring.read(self.path.read_text())
                self._seen = seen
        return self._ring

    def seal(self, plain: bytes, place: str) -> str:
        """Seal for `place` (`table|row|column`). What is sealed so is announced (`tracker.base.rotation`)."""
        ring = self.ring
        return _seal(plain, place, ring.primary, ring.keys[ring.primary])

    def unseal(self, sealed: str, place: str) -> bytes:
        """Open what was sealed for this very place. Misconfigured when the key is not on the ring."""
        key_id = sealed.split(":", 2)[1] if sealed.count(":") == 3 else ""
        ring = self._ring if key_id in self._ring.keys else self.ring
        if key_id not in ring.keys:
            raise Misconfigured(
                f"TRACKER_KEYRING does not hold the key {key_id[:12]}: is it the keyring of this database, and the "
                "same on each machine?"
            )
        return _unseal(sealed, place, ring.keys[key_id])

    def blind(self, value: str, purpose: str) -> str:
        """A keyed fingerprint for exact search of a sealed value; a separate key per purpose. It stands on the root,
        which no rotation changes."""
        key = hmac.digest(self._ring.root, f"blind|{purpose}".encode(), hashlib.sha256)
        return hmac.new(key, value.encode(), hashlib.sha256).hexdigest()


def new_line(name: str) -> str:
    """A line of a keyring with a new key."""
    return f"{name}:{base64.b64encode(secrets.token_bytes(32)).decode()}"


def _stamp(path: Path | None) -> tuple[int, int, int] | None:
    """What tells one state of a file from another; None where there is none."""
    try:
        found = os.stat(path) if path is not None else None
    except OSError:
        return None
    return (found.st_ino, found.st_mtime_ns, found.st_size) if found else None


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
    try:
        _version, _key_id, nonce, cipher = sealed.split(":")
        return AESGCM(key).decrypt(base64.urlsafe_b64decode(nonce), base64.urlsafe_b64decode(cipher), place.encode())
    except (InvalidTag, ValueError) as fault:
        raise Misconfigured("A sealed value does not open: it was changed, or moved from another row.") from fault


def seal_with(key: bytes, subject: str, plain: bytes, place: str) -> str:
    """Seal for `place` with the key of `subject`, as `Sealer.keys_for` gives it."""
    return _seal(plain, place, subject.replace(":", "."), key)


def unseal_with(key: bytes, sealed: str, place: str) -> bytes:
    """Open what `seal_with` sealed."""
    return _unseal(sealed, place, key)


class Sealer:
    """Seals under a subject's own key, made at first use."""

    def __init__(self, keyring: Keyring) -> None:
        self.keyring = keyring

    def seal_for(self, session: Session, subject: str, plain: bytes, place: str) -> str:
        """Seal under the key of `subject` (such as `case:12`), for `place`."""
        return seal_with(self.keys_for(session, [subject])[subject], subject, plain, place)

    def unseal_for(self, session: Session, subject: str, sealed: str, place: str) -> bytes:
        """Open what `seal_for` sealed. Misconfigured when its key is gone, with all that was sealed under it."""
        key = self.find_key(session, subject)
        if key is None:
            raise Misconfigured(f"The key of {subject} is gone: what was sealed under it cannot be opened any more.")
        return _unseal(sealed, place, key)

    def find_key(self, session: Session, subject: str) -> bytes | None:
        """The key of a subject, for who opens many values of it; None where there is none, or no longer."""
        wrapped = session.scalar(select(DataKey.wrapped).where(DataKey.subject == subject))
        return None if wrapped is None else self.keyring.unseal(wrapped, key_place(subject))

    def keys_for(self, session: Session, subjects: Sequence[str]) -> dict[str, bytes]:
        """The keys of these subjects, in one statement; those that are missing are made."""
        held = select(DataKey.subject, DataKey.wrapped)
        found = {row.subject: row.wrapped for row in session.execute(held.where(DataKey.subject.in_(subjects)))}
        missing = [subject for subject in subjects if subject not in found]
        for subject in missing:
            fresh = self.keyring.seal(secrets.token_bytes(32), key_place(subject))
            session.execute(insert_or_pass(session, DataKey, "subject").values(subject=subject, wrapped=fresh))
        if missing:
            # Asked after the insert: whoever retires a key waits for that, or has said so by now.
            retired = (read_fact(session, RETIRED) or "").split()
            for row in session.execute(held.where(DataKey.subject.in_(missing))):
                if row.wrapped.split(":", 2)[1] in retired:
                    raise Misconfigured(
                        "TRACKER_KEYRING: this process seals with a key that was retired. Copy the keyring here."
                    )
                found[row.subject] = row.wrapped
        return {subject: self.keyring.unseal(found[subject], key_place(subject)) for subject in subjects}


def key_place(subject: str) -> str:
    """What binds the wrapped key of a subject to its row."""
    return f"data_keys|{subject}|wrapped"
