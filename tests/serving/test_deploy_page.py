"""The page on running it says what really starts."""

import configparser
import os
import re
import shlex
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tracker.app import settings_module

PAGE = Path(__file__).resolve().parents[2] / "docs" / "deploy.md"
BIN = Path(sys.executable).parent


def blocks(language: str) -> Iterator[str]:
    """The blocks of code in a language."""
    yield from re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)


def commands() -> dict[str, list[str]]:
    """What the units start, by what they are."""
    found = {}
    for block in blocks("ini"):
        unit = configparser.RawConfigParser(strict=True)
        unit.optionxform = str  # type: ignore[assignment,method-assign]
        unit.read_string(block)
        assert unit["Service"]["Restart"] == "always"
        assert unit["Service"]["EnvironmentFile"] == "/etc/tracker/env"
        assert unit["Install"]["WantedBy"] == "multi-user.target"
        found[unit["Unit"]["Description"].rpartition(" ")[2]] = shlex.split(
            unit["Service"]["ExecStart"].replace("()", "'()'")
        )
    return found


def test_the_settings_are_ones_there_are() -> None:
    (block,) = blocks("sh")
    said = dict(line.split("=", 1) for line in block.splitlines())
    assert set(said) <= settings_module()._NAMES
    assert settings_module().load(said | {"TRACKER_INSTANCE": "/nowhere"}).proxies == 1


def test_the_clock_starts_as_the_unit_says() -> None:
    program, *arguments = commands()["clock"]
    assert Path(program).name == "tracker"
    done = subprocess.run(
        [str(BIN / "tracker"), *arguments, "--help"], capture_output=True, text=True, timeout=60, env=dict(os.environ)
    )
    assert "Run the clock alone" in done.stdout


@pytest.mark.slow
@pytest.mark.one_engine
def test_the_pages_start_as_the_unit_says(tracker_env: dict[str, str], tmp_path: Path) -> None:
    pytest.importorskip("gunicorn")
    program, *arguments = commands()["pages"]
    assert Path(program).name == "gunicorn"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    arguments[arguments.index("--bind") + 1] = address
    with (tmp_path / "log").open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", *arguments],
            env={**tracker_env, "HOME": str(tmp_path), "PYTHONWARNINGS": "ignore"},
            cwd=tmp_path,
            stdout=log,
            stderr=log,
        )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        give_up = time.monotonic() + 60
        while True:
            try:
                with opener.open(f"http://{address}/healthz", timeout=10) as answer:
                    assert (answer.status, answer.read()) == (200, b"ok\n")
                break
            except OSError:
                assert time.monotonic() < give_up, (tmp_path / "log").read_text()
                time.sleep(0.2)
    finally:
        child.terminate()
        child.wait(timeout=30)
