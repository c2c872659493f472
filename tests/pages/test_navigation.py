"""The way to other pages: only where one may go, and only where there is something."""

import pytest
from flask import Flask
from house_of_cases import Lived

from tracker.accounts.guard import open_to
from tracker.pages import navigation

pytestmark = pytest.mark.one_engine


def test_a_place_is_shown_to_those_whom_its_mark_lets_in(app: Flask) -> None:
    app.add_url_rule("/for-staff", "for_staff", open_to("staff")(lambda: ""))
    app.add_url_rule("/for-all", "for_all", open_to("signed_in")(lambda: ""))
    app.add_url_rule("/closed", "closed", lambda: "")
    shown = {
        role: [
            endpoint
            for endpoint in ("for_staff", "for_all", "closed", "nowhere")
            if navigation.is_open(navigation.Place(endpoint, "", "today", frozenset()), role)
        ]
        for role in ("anyone", "volunteer", "staff", "admin")
    }
    assert shown == {
        "anyone": [],
        "volunteer": ["for_all"],
        "staff": ["for_staff", "for_all"],
        "admin": ["for_staff", "for_all"],
    }


def test_a_stranger_is_shown_only_where_to_sign_in(app: Flask) -> None:
    page = app.test_client().get("/nothing-here").text
    assert 'href="/sign-in"' in page
    for place in navigation.PLACES:
        assert f">{place.label}<" not in page
    assert "Sign out" not in page


def test_the_foot_of_a_phone_has_room_for_its_places() -> None:
    assert [str(p.label) for p in navigation.PLACES if "thumbs" in p.shown] == [
        "From a call",
        "Paste",
        "Search",
        "Cases",
    ]


def test_what_needs_a_desk_is_not_shown_without_one(lived: Lived) -> None:
    admin, owner = (lived.browser(user).get("/cases").text for user in (lived.admin, lived.owner))
    for address in ("/intake/paste", "/cases/new"):
        assert address not in admin
        assert address in owner
    assert "Your account belongs to no desk." in admin
    assert "/intake/paste" not in lived.browser(lived.admin).get("/").text


def test_the_way_to_whose_number_it_is_stands_in_the_menu_of_those_who_may_ask(lived: Lived) -> None:
    for user, may in ((lived.owner, True), (lived.outsider, True), (lived.admin, True), (lived.volunteer, False)):
        assert ('href="/contacts/whose"' in lived.browser(user).get("/").text) is may, user.email
        assert lived.browser(user).get("/contacts/whose").status_code == (200 if may else 403)
