"""Registries: a room announces what it brings, and the rooms below find it without importing the room."""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Registry(Generic[T]):
    """Things by code, in the order they were announced. Announcing a code twice is a fault of ours."""

    def __init__(self, noun: str) -> None:
        self.noun = noun
        self._things: dict[str, T] = {}

    def add(self, code: str, thing: T) -> T:
        """Announce `thing` as `code`; returns it, so that decorators can be one line."""
        if code in self._things:
            raise RuntimeError(f"the {self.noun} {code} is announced twice")
        self._things[code] = thing
        return thing

    def adds(self, code: str) -> Callable[[T], T]:
        """`add` as a decorator."""
        return lambda thing: self.add(code, thing)

    def get(self, code: str) -> T:
        """The thing called `code`; LookupError when nobody announced it."""
        try:
            return self._things[code]
        except KeyError:
            raise LookupError(f"no {self.noun} is called {code}") from None

    def find(self, code: str) -> T | None:
        """The thing called `code`, or None."""
        return self._things.get(code)

    def codes(self) -> tuple[str, ...]:
        """All codes, in the order they were announced."""
        return tuple(self._things)

    def __iter__(self) -> Iterator[T]:
        return iter(self._things.values())

    def __len__(self) -> int:
        return len(self._things)
