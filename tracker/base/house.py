"""A few facts about the whole house: is this a demo, may a command set the instant, which zone rules were last used."""

from sqlalchemy import String, Text, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from tracker.base.db import Model, insert_or_pass


class HouseFact(Model):
    """One fact by its key: `demo`, `rehearsal`, `tzdata`."""

    __tablename__ = "house_facts"
    audited = False

    #: Which fact.
    key: Mapped[str] = mapped_column(String(30), primary_key=True)
    #: What it says.
    value: Mapped[str] = mapped_column(Text)


def read_fact(session: Session, key: str) -> str | None:
    """The fact called `key`, or None."""
    return session.scalar(select(HouseFact.value).where(HouseFact.key == key))


def write_fact(session: Session, key: str, value: str) -> None:
    """Set the fact called `key`. Several processes may write the same new one at once: the last one holds."""
    session.execute(insert_or_pass(session, HouseFact, "key"), [{"key": key, "value": value}])
    session.execute(
        update(HouseFact).where(HouseFact.key == key).values(value=value).execution_options(synchronize_session="fetch")
    )
