"""Who works in the demo. Everybody is invented, and every address ends in example.org, where no mail is taken."""

from dataclasses import dataclass
from pathlib import Path

#: The one password of all demo accounts. It is printed on every start: a demo holds nothing to protect.
PASSWORD = "olive harbour lantern"  # noqa: S105  # meant to be known

#: Desks by code: name, countries, zone, working days.
DESKS = {
    "iopt": ("Israel and the Occupied Palestinian Territories", ("IL", "PS"), "Asia/Jerusalem", "sun-thu"),
    "casia": ("Central Asia", ("KZ", "KG"), "Asia/Almaty", "mon-fri"),
}


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who signs in. `zone` None: the desk's."""

    email: str
    name: str
    role: str
    what: str
    desks: tuple[str, ...] = ()
    coordinates: bool = False
    zone: str | None = None


#: Accounts by the word acts of the demo call them by.
ACCOUNTS = {
    "noor": Account(
        "coordinator@example.org", "Noor", "staff", "coordinates the desk iopt", ("iopt",), coordinates=True
    ),
    "sacha": Account(
        "staff@example.org", "Sacha", "staff", "keeps cases of both desks, and lives in Dublin", ("iopt", "casia"),
        zone="Europe/Dublin",
    ),
    "dara": Account(
        "almaty@example.org", "Dara", "staff", "coordinates the desk casia", ("casia",), coordinates=True
    ),
    "wren": Account(
        "bishkek@example.org", "Wren", "staff", "follows the desk casia; mail to them comes back", ("casia",)
    ),
    "kit": Account("deputy@example.org", "Kit", "staff", "stands in on the desk iopt", ("iopt",)),
    "robin": Account("volunteer@example.org", "Robin", "volunteer", "sees what is open to volunteers"),
    "uma": Account("admin@example.org", "Uma", "admin", "looks after accounts; sees cases open to volunteers"),
}  # fmt: skip


def told_on_start(url: str, mails: Path) -> str:
    """What the terminal says once the demo answers: where it is, who may sign in, where mail goes, how it ends."""
    width = max(len(account.email) for account in ACCOUNTS.values())
    who = "\n".join(f"  {account.email:<{width}}  {account.what}" for account in ACCOUNTS.values())
    return (
        f"\nThe demo answers at {url}\n\n"
        f"Sign in with the password  {PASSWORD}  as\n{who}\n\n"
        f"Mail never leaves this machine: each is told here and kept in {mails}\n"
        "Ctrl-C ends it. The next start keeps what you change; make demo-reset starts afresh.\n"
    )
