"""Where templates, migrations and `config.py` lie: beside the package in a checkout, inside it when installed."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent


def resource(name: str) -> Path:
    """The file or folder `name` (`templates`, `migrations`, `config.py`)."""
    inside = PACKAGE / ("_config.py" if name == "config.py" else name)
    return inside if inside.exists() else PACKAGE.parent / name
