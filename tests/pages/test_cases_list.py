"""The list of cases: who finds what, the filters in the address, pages that miss nobody."""

import re
from datetime import timedelta

import pytest
from house_of_cases import NOW, Browser, Lived

from tracker.base.audience import Audience
from tracker.flags.sweep import sweep_flags
from tracker.pages.listing import PAGE, Asked


def refs(browser: Browser, query: str = "") -> list[str]:
    """The references on a page of the list, in its order."""
    answer = browser.get(f"/cases{query}")
    assert answer.status_code == 200
    return re.findall(r'<p class="row-title"><a href="/cases/([A-Z]+-\d+)"', answer.text)


def test_it_works(lived: Lived) -> None:
    lived.case("Ahmad Khalefa")
    lived.case("Munther Amira", risk="low")
    assert sorted(refs(lived.browser(lived.owner))) == ["IOPT-0001", "IOPT-0002"]


def test_an_empty_house_says_what_to_do_next(lived: Lived) -> None:
    page = lived.browser(lived.owner).get("/cases").text
    assert "There is no case yet." in page
    assert "/intake/paste" in page


def test_a_page_that_is_full_leads_on_and_back_and_misses_nobody(lived: Lived) -> None:
    wanted = [lived.case(f"Person {n}").ref for n in range(PAGE + 3)]
    browser = lived.browser(lived.owner)
    first = refs(browser, "?sort=ref")
    answer = browser.get("/cases?sort=ref").text
    onward = re.search(r'href="(\?[^"]*after=[^"]*)"', answer)
    assert onward is not None
    second = refs(browser, onward[1].replace("&amp;", "&"))
    assert first + second == wanted
    back = re.search(r'href="(\?[^"]*before=[^"]*)"', browser.get("/cases" + onward[1].replace("&amp;", "&")).text)
    assert back is not None
    assert refs(browser, back[1].replace("&amp;", "&")) == first


@pytest.mark.parametrize("number", [PAGE - 1, PAGE])
@pytest.mark.one_engine
def test_a_page_that_just_fits_leads_nowhere(lived: Lived, number: int) -> None:
    for n in range(number):
        lived.case(f"Person {n}")
    page = lived.browser(lived.owner).get("/cases?sort=ref").text
    assert "after=" not in page
    assert "before=" not in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?risk=critical", ["IOPT-0001"]),
        ("?stage=monitoring", ["IOPT-0002"]),
        ("?stage=draft", ["IOPT-0003"]),
        ("?owner=nobody", ["IOPT-0004"]),
        ("?status=enforced_disappearance", ["IOPT-0001"]),
        ("?flag=no-owner", ["IOPT-0004"]),
        ("?q=serr", ["IOPT-0001"]),
        ("?q=السر", ["IOPT-0001"]),
        ("?q=IOPT-0002", ["IOPT-0002"]),
        ("?q=%22%2A+OR", []),
        ("?risk=critical&q=amira", []),
        ("?stage=nonsense&sort=nonsense&after=nonsense", ["IOPT-0001", "IOPT-0002", "IOPT-0004"]),
    ],
)
def test_filters(lived: Lived, query: str, found: list[str]) -> None:
    surgeon = lived.case("Khaled Al Serr", risk="critical", title="A surgeon")
    lived.tell(surgeon, "person.disappeared")
    lived.case("Munther Amira", stage="monitoring", title="A defender")
    lived.case("Somebody Else", stage="draft", title="A draft")
    lived.case("Nobody Keeps", owner=False, title="Unkept")
    sweep_flags(NOW)
    assert sorted(refs(lived.browser(lived.owner), query)) == found


def test_the_filters_stand_in_the_address_and_defaults_do_not() -> None:
    asked = Asked.from_args({"risk": "high", "sort": "next", "q": " two words ", "unknown": "x"})
    assert asked.address() == "?risk=high&q=two+words&sort=next"
    assert asked.address(risk="") == "?q=two+words&sort=next"
    assert Asked().address() == "?"


def test_what_waits_longest_for_a_check_comes_first_when_asked(lived: Lived) -> None:
    lived.case("First", now=NOW - timedelta(days=9))
    lived.case("Second", now=NOW - timedelta(days=5))
    lived.tell(lived.case("Third", now=NOW - timedelta(days=20)), "case.news", sourced=True)
    assert refs(lived.browser(lived.owner), "?sort=checked") == ["IOPT-0001", "IOPT-0002", "IOPT-0003"]


def test_a_restricted_case_is_listed_for_those_it_names_alone(lived: Lived) -> None:
    lived.case("Hidden Person", audience=Audience.NAMED)
    assert refs(lived.browser(lived.owner)) == ["IOPT-0001"]
    for other in (lived.colleague, lived.outsider, lived.volunteer, lived.admin):
        assert refs(lived.browser(other)) == []


def test_whoever_is_named_in_a_case_of_another_desk_finds_it(lived: Lived) -> None:
    case = lived.case("Ahmad Khalefa")
    with lived.at() as session:
        from tracker.accounts.models import User
        from tracker.cases.service import name_people

        name_people(session, session.merge(case), [session.get(User, lived.outsider.id)])
    assert refs(lived.browser(lived.outsider)) == ["IOPT-0001"]
    assert refs(lived.browser(lived.admin)) == []


def test_volunteers_find_what_is_open_to_them_without_a_name(lived: Lived) -> None:
    lived.case("Ahmad Khalefa", audience=Audience.VOLUNTEERS, title="Drop the charges against Ahmad Khalefa")
    lived.case("Munther Amira")
    browser = lived.browser(lived.volunteer)
    assert refs(browser) == ["IOPT-0001"]
    assert "Khalefa" not in browser.get("/cases").text
    assert refs(browser, "?q=Khalefa") == []
    assert refs(browser, "?q=Cedar") == ["IOPT-0001"]


def test_who_keeps_a_case_of_another_desk_is_not_learnt_by_filtering(lived: Lived) -> None:
    lived.case("Ahmad Khalefa", audience=Audience.VOLUNTEERS)
    for user, scope in ((lived.volunteer, ""), (lived.outsider, "&scope=others")):
        browser = lived.browser(user)
        for asked in (f"owner={lived.owner.id}", f"owner={lived.colleague.id}", "owner=nobody", "flag=no-owner"):
            assert refs(browser, f"?{asked}{scope}") == ["IOPT-0001"], asked


def test_of_two_places_to_go_on_from_the_later_is_meant(lived: Lived) -> None:
    lived.case("Ahmad Khalefa")
    browser = lived.browser(lived.owner)
    assert Asked.from_args({"after": "a~1", "before": "b~2"}).address() == "?after=a~1"
    assert "There is no case yet." not in browser.get("/cases?after=a~1&before=b~2").text
    assert "There is no case yet." not in browser.get("/cases?scope=others").text
    assert refs(browser, "?before=nonsense") == ["IOPT-0001"]
    assert "There is no case yet." not in browser.get("/cases?after=z~1").text


@pytest.mark.one_engine
def test_the_form_shows_what_is_applied(lived: Lived) -> None:
    lived.case("Ahmad Khalefa")
    browser = lived.browser(lived.owner)
    for field in ("risk", "status", "flag", "owner", "desk"):
        assert refs(browser, f"?{field}=nonsense") == ["IOPT-0001"], field
    others = browser.get("/cases?scope=others&sort=worst").text
    assert '<option value="next" selected>' in others
