"""Contacts that cases hold, and what the audit says of those who looked."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import current_app
from house_of_cases import NOW, Browser, Lived
from sqlalchemy import select

from tracker.audit.models import Act
from tracker.base.audience import Audience
from tracker.base.db import db
from tracker.cases.models import Case
from tracker.contacts.models import Contact
from tracker.contacts.service import add_contact

#: What a contact of these tests holds, in every sealed field.
VALUES = {
    "name": "Samira Khalefa",
    "phone": "+970 599 123 456",
    "email": "samira@family.example",
    "address": "12 Olive Street\nthird floor",
    "language": "Arabic, after nine",
    "note": "Do not ring on Fridays",
}

Keeps = Callable[..., Contact]


@pytest.fixture
def keeps(lived: Lived) -> Keeps:
    """Keep a contact of a case: the sister, with VALUES, unless something else is said."""

    def keep(case: Case, values: dict[str, str] | None = None, **about: Any) -> Contact:
        with lived.at(about.pop("now", NOW)) as session:
            given = {"kind": "family", "label": "sister", "audience": Audience.DESK} | about
            contact = add_contact(session, session.get(Case, case.id), values=values or VALUES, **given)
        return lived.fresh(contact)

    return keep


def contacts_of(case: Case) -> list[Contact]:
    """The contacts of a case as they are stored."""
    db.session.rollback()
    return list(
        db.session.scalars(
            select(Contact)
            .where(Contact.case_id == case.id)
            .order_by(Contact.id)
            .execution_options(populate_existing=True)
        )
    )


def acts(act: str = "contacts.") -> list[tuple[Act, list[dict[str, Any]]]]:
    """The acts of the audit whose name begins so, each with its changes, opened."""
    db.session.rollback()
    sealer = current_app.extensions["sealer"]
    found = []
    for row in db.session.scalars(select(Act).where(Act.act.startswith(act)).order_by(Act.seq)):
        key = f"case:{row.case_id}" if row.case_id else "house"
        plain = sealer.unseal_for(db.session(), key, row.changes_sealed, f"acts|{row.seq}|changes")
        found.append((row, json.loads(plain)))
    return found


def address_of(case: Case, contact: Contact, what: str = "reveal") -> str:
    """The address of what is done to a contact."""
    return f"/cases/{case.ref}/contacts/{contact.public_id}/{what}"


def token_of(browser: Browser) -> dict[str, str]:
    """The form token of somebody as a field: of who is not signed in, that of the page to sign in."""
    page = browser.get("/account")
    if page.status_code != 200:
        page = browser.get("/sign-in")
    return {"csrf_token": browser.held(page.text)["csrf_token"][0]}


def press(browser: Browser, address: str, **fields: Any) -> Any:
    """The answer to a POST of a page's button."""
    return browser.send(address, {**token_of(browser), **fields})
