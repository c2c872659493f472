"""The environment is made once, and again when what it was made from has changed."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from sources import ROOT


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """`.ci/environment.py` over a folder of its own, with an environment that was just made for a run."""
    spec = importlib.util.spec_from_file_location("environment", ROOT / ".ci" / "environment.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in ("constraints.txt", "constraints-dev.txt", "constraints-build.txt", "pyproject.toml"):
        (tmp_path / name).write_text("as it was\n")
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    for name, value in (("ROOT", tmp_path), ("PYTHON", python), ("STAMP", tmp_path / ".venv" / ".stamp")):
        monkeypatch.setattr(module, name, value)
    module.STAMP.write_text(f"{module.fingerprint()} run\n")
    return module


def test_what_was_made_is_not_made_again(environment: ModuleType) -> None:
    assert environment.is_made("run")


def test_a_run_does_not_serve_the_tests_but_the_tests_serve_a_run(environment: ModuleType) -> None:
    assert not environment.is_made("dev")
    environment.STAMP.write_text(f"{environment.fingerprint()} dev\n")
    assert environment.is_made("run")
    assert environment.is_made("dev")


@pytest.mark.parametrize("name", ["constraints.txt", "constraints-dev.txt", "constraints-build.txt", "pyproject.toml"])
def test_a_changed_file_makes_it_again(environment: ModuleType, name: str) -> None:
    (environment.ROOT / name).write_text("otherwise\n")
    assert not environment.is_made("run")


def test_a_broken_stamp_makes_it_again(environment: ModuleType) -> None:
    environment.STAMP.write_text("")
    assert not environment.is_made("run")
    environment.STAMP.unlink()
    assert not environment.is_made("run")


def test_every_pin_names_its_hashes_and_no_address() -> None:
    for name in ("constraints.txt", "constraints-dev.txt", "constraints-build.txt"):
        lines = (ROOT / name).read_text().splitlines()
        pins = [n for n, line in enumerate(lines) if line and not line.startswith((" ", "#"))]
        assert pins
        for n in pins:
            assert "==" in lines[n], f"{name}: {lines[n]} names no version"
            assert lines[n + 1].strip().startswith("--hash=sha256:"), f"{name}: {lines[n]} has no hash"
        assert not [line for line in lines if "://" in line], name
