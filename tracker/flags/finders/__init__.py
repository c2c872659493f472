"""The flag rules, one file each. `load` imports every file here, so that a new rule is a new file and nothing else."""

import importlib
import pkgutil


def load() -> None:
    """Import every rule, in the order of their names."""
    for module in sorted(found.name for found in pkgutil.iter_modules(__path__)):
        importlib.import_module(f"{__name__}.{module}")
