"""Measurements, each a file here with a function `main() -> None` that prints what it found: `make bench`."""
