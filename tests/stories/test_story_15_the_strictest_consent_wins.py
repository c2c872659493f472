"""One of three goes free and wants silence: when several speak, and for several, the strictest wins."""

from house_of_cases import Lived

from tracker.base.audience import Audience


def test_one_of_three_wants_silence(lived: Lived) -> None:
    names = ("Ahmad Khalefa", "Munther Amira", "Khaled Al Serr")
    case = lived.case(*names, title="Three of one raid", audience=Audience.VOLUNTEERS)
    for place in range(3):
        lived.agrees(case, "name", speaker="person", place=place)
    volunteer, owner = lived.browser(lived.volunteer), lived.browser(lived.owner)
    page = volunteer.get(f"/cases/{case.ref}").text
    assert all(name in page for name in names)

    lived.agrees(case, "name", speaker="person", place=1, answer="withdrawn")
    page = volunteer.get(f"/cases/{case.ref}").text
    assert "Ahmad Khalefa" in page
    assert "M.A." in page
    assert "Amira" not in page
    assert "Three of one raid" not in page, "the title may name them"

    lived.agrees(case, "name", speaker="family", place=1)
    assert "Amira" not in volunteer.get(f"/cases/{case.ref}").text, "their own word is the stricter one"

    lived.agrees(case, speaker="person", place=1, answer="withdrawn")
    assert volunteer.get(f"/cases/{case.ref}").status_code == 404
    again = owner.fill(f"/cases/{case.ref}/edit", audience="volunteers")
    assert again.status_code == 422
    assert "Munther Amira: consent was withdrawn." in again.text
    assert "Ahmad Khalefa:" not in again.text


def test_the_same_person_in_two_cases_keeps_their_stricter_word(lived: Lived) -> None:
    first, second = lived.case("Ahmad Khalefa", audience=Audience.VOLUNTEERS), lived.case("Munther Amira")
    with lived.at() as session:
        from tracker.cases.models import Case
        from tracker.cases.service import involve

        involve(session, session.get_one(Case, second.id), lived.person(first))
    lived.agrees(second, place=1, speaker="family", answer="refused")
    assert lived.fresh(first).audience == Audience.DESK
    assert lived.browser(lived.volunteer).get(f"/cases/{first.ref}").status_code == 404
