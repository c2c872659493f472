"""`make` alone explains every word one can say to it, and works where nothing is installed."""

import re
import shutil
import subprocess

import pytest
from sources import ROOT

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="no make")


def test_make_explains_every_target() -> None:
    said = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True, env={"PATH": "/usr/bin:/bin"})
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)) - {"checks"}
    assert targets == set(re.findall(r"^  ([a-z-]+) +\S", said.stdout, re.MULTILINE))


def test_a_missing_python_is_named() -> None:
    done = subprocess.run(
        ["make", "environment", "PYTHON=/no/such/python"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "/no/such/python is not a Python 3.11" in done.stderr
