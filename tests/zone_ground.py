"""A country changes its clocks."""

import shutil
import zoneinfo
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def other_rules(tmp_path: Path) -> Iterator[Path]:
    """A folder of zones in which Jerusalem keeps the clock of Karachi, two hours earlier; in force once it is on the
    path."""
    folder = tmp_path / "zones" / "Asia"
    folder.mkdir(parents=True)
    zones = [Path(path, "Asia", "Karachi") for path in zoneinfo.TZPATH]
    source = next((path for path in zones if path.is_file()), None)
    if source is None:
        import tzdata

        source = Path(tzdata.__file__).parent / "zoneinfo" / "Asia" / "Karachi"
    shutil.copy(source, folder / "Jerusalem")
    kept = zoneinfo.TZPATH
    yield folder.parent
    zoneinfo.reset_tzpath(kept)
    zoneinfo.ZoneInfo.clear_cache()


def come_into_force(folder: Path) -> None:
    """From now on the zones in this folder hold."""
    zoneinfo.reset_tzpath([str(folder), *zoneinfo.TZPATH])
