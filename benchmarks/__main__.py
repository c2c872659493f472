"""`python -m benchmarks [NAME ...]`: run the measurements named, or all of them, one after the other."""

import importlib
import pkgutil
import sys

import benchmarks


def main(wanted: list[str]) -> int:
    """Run them; 2 when one is asked for that there is not."""
    found = {module.name: f"benchmarks.{module.name}" for module in pkgutil.iter_modules(benchmarks.__path__)}
    runs = {name: importlib.import_module(path).main for name, path in found.items() if not name.startswith("_")}
    if unknown := set(wanted) - set(runs):
        print(f"There is no {', '.join(sorted(unknown))}. There is: {', '.join(sorted(runs))}.")
        return 2
    for name in wanted or sorted(runs):
        print(f"## {name}\n{importlib.import_module(found[name]).__doc__}")
        runs[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
