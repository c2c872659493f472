"""What rooms tell the audit about their rows: which cases a row concerns that carries no case of its own, and from
which rung of the ladder a row may be seen.

The audit stands below every room; it asks these when an act is written, and the history of a case asks them again when
it is read. Both take the numbers of rows of one table and answer with one statement.
"""

from collections.abc import Callable, Collection, Mapping, Sequence

from sqlalchemy.orm import Session

from tracker.base.registry import Registry

#: Numbers of rows → the cases each concerns; a row that is left out concerns none.
Cases = Callable[[Session, Sequence[int]], Mapping[int, Collection[int]]]

#: Numbers of rows → the rung each is open to now; a row that is left out is gone, and for the named people only.
Rungs = Callable[[Session, Sequence[int]], Mapping[int, int]]

#: By table. What is told of a row is sealed once for each of its cases, under that case's key.
concerned: Registry[Cases] = Registry("way to cases")

#: By table. That of `cases` itself caps what was done while a case was for fewer people.
rungs: Registry[Rungs] = Registry("rung of rows")
