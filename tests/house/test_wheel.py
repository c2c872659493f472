"""What is built installs and runs elsewhere: templates, migrations and settings come with it."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from sources import ROOT

BUILT_FROM = ("tracker", "templates", "migrations", "config.py", "pyproject.toml", "README.md")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of the project."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for name in BUILT_FROM:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, source / name)
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out), cwd=source)
    return next(out.glob("*.whl"))


def run(*command: str, cwd: Path, env: dict[str, str] | None = None) -> str:
    """Run a command and return what it said; the test fails, with all it said, when the command does."""
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_wheel_holds_what_lies_beside_the_package(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"tracker/_config.py", "tracker/migrations/env.py", "tracker/migrations/alembic.ini"} <= names
    assert any(n.startswith("tracker/migrations/versions/0001") for n in names)
    assert any(n.startswith("tracker/templates/") for n in names)
    assert any(n.startswith("tracker/static/") for n in names)
    assert {n.split("/")[0] for n in names if ".dist-info/" not in n} == {"tracker"}, "nothing else is installed"


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment of its own: the wheel is installed there, what it needs is lent from here."""
    home = tmp_path_factory.mktemp("elsewhere") / "env"
    run(sys.executable, "-m", "venv", "--without-pip", str(home), cwd=home.parent)
    programs = home / "bin"
    python = str(programs / "python")
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=home).strip())
    run(
        *(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index"),
        str(wheel),
        cwd=home,
        env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
    )
    # A path file lends libraries without running their own path files: the checkout's editable install stays out.
    (site / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return programs


def test_what_is_installed_runs_from_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "TRACKER_INSTANCE": str(tmp_path / "instance")}
    where = run(str(installed / "python"), "-c", "import tracker; print(tracker.__file__)", cwd=tmp_path)
    assert str(ROOT) not in where, "the checkout must not be what runs"
    run(str(installed / "tracker"), "db", "upgrade", cwd=tmp_path, env=environment)
    assert (tmp_path / "instance" / "tracker.db").stat().st_size > 100_000
    assert run(str(installed / "tracker"), "cases", "list", "--json", cwd=tmp_path, env=environment).strip() == "[]"
    page = run(
        *(str(installed / "python"), "-c"),
        "from tracker import create_app; print(create_app().test_client().get('/sign-in').status_code)",
        cwd=tmp_path,
        env=environment,
    )
    assert page.strip() == "200"
