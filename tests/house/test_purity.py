"""What decides by values loads neither the web nor the database: looked at in a Python that has loaded nothing else."""

import subprocess
import sys

from sources import PACKAGE, ROOT, python_files

PURE_FILES = [
    PACKAGE / "base" / f"{name}.py" for name in ("audience", "clock", "countries", "dates", "errors", "sentences")
]

#: Whoever loads one of these is not pure.
IMPURE = ("flask", "sqlalchemy", "wtforms", "flask_babel", "tracker.app", "tracker.base.db")


def pure_modules() -> list[str]:
    """Every `rules`, everything in intake/reading/, and what may be imported there."""
    reading = PACKAGE / "intake" / "reading"
    found = [p for p in python_files() if p.stem == "rules" or reading in p.parents or p in PURE_FILES]
    return [".".join(p.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for p in found]


def look(modules: list[str]) -> str:
    """What the first impure of these modules loads, as `module loads other`; empty when all are pure."""
    code = (
        "import importlib, sys\n"
        f"for name in {modules!r}:\n"
        "    importlib.import_module(name)\n"
        f"    loaded = [m for m in {IMPURE!r} if m in sys.modules]\n"
        "    if loaded:\n"
        "        sys.exit(f'{name} loads {loaded}')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    return done.stderr.strip()


def test_pure_modules_load_no_web_and_no_database() -> None:
    assert look(pure_modules()) == ""


def test_an_impure_module_is_seen() -> None:
    assert "tracker.base.db loads" in look(["tracker.base.dates", "tracker.base.db"])
