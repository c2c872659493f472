"""Sealed values open where they were sealed, with their key, and nowhere else."""

import stat
import threading
from pathlib import Path

import pytest

from tracker.base.errors import Misconfigured
from tracker.base.sealing import Keyring, made_once


def test_it_works(tmp_path: Path) -> None:
    ring = Keyring.load(tmp_path / "keyring")
    sealed = ring.seal(b"+972 1 234", "contacts|1|phone")
    assert b"972" not in sealed.encode()
    assert ring.unseal(sealed, "contacts|1|phone") == b"+972 1 234"
    assert Keyring.load(tmp_path / "keyring").unseal(sealed, "contacts|1|phone") == b"+972 1 234"
    assert stat.S_IMODE((tmp_path / "keyring").stat().st_mode) == 0o600


def test_a_value_moved_to_another_row_does_not_open(tmp_path: Path) -> None:
    ring = Keyring.load(tmp_path / "keyring")
    sealed = ring.seal(b"one family's number", "contacts|1|phone")
    with pytest.raises(Misconfigured, match="moved from another row"):
        ring.unseal(sealed, "contacts|2|phone")


def test_another_keyring_is_named_as_the_cause(tmp_path: Path) -> None:
    sealed = Keyring.load(tmp_path / "one").seal(b"x", "a|1|b")
    with pytest.raises(Misconfigured, match="TRACKER_KEYRING"):
        Keyring.load(tmp_path / "another").unseal(sealed, "a|1|b")


def test_after_a_new_key_is_put_first_old_values_open_and_fingerprints_stay(tmp_path: Path) -> None:
    path = tmp_path / "keyring"
    old = Keyring.load(path)
    sealed, blind = old.seal(b"x", "a|1|b"), old.blind("amal@example.org", "mail")
    fresh = Keyring.load(tmp_path / "fresh")
    path.write_text((tmp_path / "fresh").read_text() + path.read_text())
    both = Keyring.load(path)
    assert both.unseal(sealed, "a|1|b") == b"x"
    assert fresh.unseal(both.seal(b"y", "a|1|b"), "a|1|b") == b"y"
    assert both.blind("amal@example.org", "mail") == blind


@pytest.mark.parametrize("content", ["", "id:not base64 at all!", "id:c2hvcnQ="])
def test_a_keyring_without_a_usable_key_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "keyring"
    path.write_text(content)
    with pytest.raises(Misconfigured, match="TRACKER_KEYRING"):
        Keyring.load(path)


def test_processes_that_start_together_make_one_secret(tmp_path: Path) -> None:
    found: list[str] = []
    makers = [
        threading.Thread(target=lambda n=n: found.append(made_once(tmp_path / "secret", f"secret {n}")))
        for n in range(16)
    ]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    assert len(set(found)) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["secret"]
