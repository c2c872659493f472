"""Public pages, which anybody reads and nobody is known on; and the pages on which a desk says what stands there."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Blueprint, Response, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from tracker.accounts.guard import acting, open_to, viewer
from tracker.accounts.models import Desk
from tracker.accounts.queries import get_desk, may_set_up
from tracker.base import clock
from tracker.base.countries import country_name
from tracker.base.dates import today_in
from tracker.base.db import db
from tracker.base.errors import NotAllowed, NotFound, Refused
from tracker.base.forms import led_to, once, submit
from tracker.base.languages import from_browser, known_languages, language_tag
from tracker.base.once import new_token
from tracker.base.work import unit_of_work
from tracker.cases.access import kept_case
from tracker.cases.queries import get_case
from tracker.hearings.ics import write_feed
from tracker.publishing import country_pages, queries, service
from tracker.publishing.answers import CACHE_CONTROL, answer, missing
from tracker.publishing.feeds import write_atom, write_json, write_sitemap
from tracker.publishing.for_programs import as_json, changes_of, event_of, item_as_post, post_of
from tracker.publishing.forms import IndexForm, OfferedForm, PageForm, WithdrawForm, WriteForm
from tracker.publishing.models import PublicCase
from tracker.publishing.shown import CaseShown

bp = Blueprint("publishing", __name__)

V = Callable[..., Response]


def _for_everybody(view: V) -> V:
    """A view whose address names its language. What it does not find, and a language that is not spoken here, get the
    one answer for what is missing."""

    @wraps(view)
    def shown(lang: str, **named: Any) -> Response:
        if lang not in dict(known_languages()):
            return missing()
        try:
            return view(**named)
        except NotFound:
            return missing()

    return open_to("anyone")(shown)


# Public pages ---------------------------------------------------------------------------------------------------------


@bp.get("/public/")
@open_to("anyone")
def home() -> Response:
    """The public pages, in the best language of the browser."""
    chosen = from_browser(current_app.extensions["languages"])
    response: Response = current_app.make_response(redirect(url_for("publishing.index", lang=chosen), 303))
    response.headers["Cache-Control"] = CACHE_CONTROL
    response.vary.add("Accept-Language")
    return response


@bp.get("/public/<lang>/")
@_for_everybody
def index() -> Response:
    """The desks that have a page."""
    pages = country_pages.list_country_pages(db.session())
    told = tuple((desk.code, desk.name, tuple(desk.countries)) for desk, _page in pages)
    return answer(lambda: _page("index", desks=told), told, today=clock.now().date())


@bp.get("/public/<lang>/cases/<public_id>")
@_for_everybody
def case(public_id: str) -> Response:
    """The page of a case."""

    def draw(shown: CaseShown, found: queries.Found) -> str:
        today = found.today(clock.now())
        return _page(
            "case",
            case=shown,
            today=today,
            ahead=shown.ahead(today),
            past=shown.past(today),
            indexed=found.indexed,
            page_is_open=found.page_is_open,
            changed_on=today_in(found.zone, found.changed_at),
        )

    return _of_case(public_id, draw, "text/html")


@bp.get("/public/<lang>/cases/<public_id>/case.json")
@_for_everybody
def case_json(public_id: str) -> Response:
    """The same for programs: docs/public.md says what stands where."""

    def write(shown: CaseShown, found: queries.Found) -> str:
        return write_json(
            as_json(shown, found, found.today(clock.now()), _address("publishing.case", public_id=public_id))
        )

    return _of_case(public_id, write, "application/json", filename="case.json")


@bp.get("/public/<lang>/cases/<public_id>/feed.atom")
@_for_everybody
def case_feed(public_id: str) -> Response:
    """News of a case as a feed."""

    def write(shown: CaseShown, found: queries.Found) -> bytes:
        page = _address("publishing.case", public_id=public_id)
        posts = [post_of(entry, page, found.opened_at) for entry in shown.timeline]
        own = _address("publishing.case_feed", public_id=public_id)
        return write_atom(shown.title, shown.desk, own, page, language_tag(), posts, found.changed_at)

    return _of_case(public_id, write, "application/atom+xml", filename="case.atom")


@bp.get("/public/<lang>/cases/<public_id>/hearings.ics")
@_for_everybody
def case_hearings(public_id: str) -> Response:
    """The public hearings of a case as a calendar."""

    def write(shown: CaseShown, _found: queries.Found) -> bytes:
        changes = changes_of(db.session(), shown.hearings)
        page = _address("publishing.case", public_id=public_id)
        events = [
            event_of(hearing, shown.title, page, changes.get(hearing.public_id, hearing.created_at))
            for hearing in shown.hearings
            if hearing.earliest_on is not None
        ]
        return write_feed(events, _("Hearings: %(case)s", case=shown.title))

    return _of_case(public_id, write, "text/calendar", filename="hearings.ics")


@bp.get("/public/<lang>/actions")
@_for_everybody
def actions() -> Response:
    """Every action that everybody may know of and that can be taken."""
    now = clock.now()
    listed = tuple(queries.list_public_actions(db.session(), now))
    return answer(lambda: _page("actions", actions=listed), listed, today=now.date())


@bp.get("/public/<lang>/actions/<public_id>")
@_for_everybody
def action(public_id: str) -> Response:
    """What is asked, and until when; of one that may not be taken any more, what everybody is told of that. What a
    letter on paper leads to before it is posted."""
    session = db.session()
    found = queries.get_public_action(session, public_id)
    today = found.today(clock.now())

    def draw() -> str:
        if found.case is None:
            return _page("withdrawn", words=queries.withdrawn_words(session, found.action))
        shown = queries.read_public_action(session, found.action, found.case)
        return _page(
            "action",
            action=shown,
            stands=shown.stands(today),
            said=shown.said(today),
            of=found.case,
            count=found.count,
        )

    return answer(draw, "action", found.mark(), today=today)


@bp.get("/public/<lang>/desks/<code>")
@_for_everybody
def desk(code: str) -> Response:
    """The country page of a desk: what it published last."""
    return _of_desk(code, lambda found: _draw_desk(found, None))


@bp.get("/public/<lang>/desks/<code>/<year>")
@_for_everybody
def year(code: str, year: str) -> Response:
    """What it published in a year."""
    if not (year.isascii() and year.isdigit() and len(year) == 4):
        raise NotFound("That is no year.")
    return _of_desk(code, lambda found: _draw_desk(found, int(year)), year)


@bp.get("/public/<lang>/desks/<code>/good-news")
@_for_everybody
def good_news(code: str) -> Response:
    """Releases, acquittals, charges that were dropped."""
    return _of_desk(
        code,
        lambda found: _page(
            "good_news",
            found=found,
            news=country_pages.list_good_news(db.session(), found.desk, found.today(clock.now())),
        ),
        "good-news",
    )


@bp.get("/public/<lang>/desks/<code>/feed.atom")
@_for_everybody
def desk_feed(code: str) -> Response:
    """What a desk publishes, as a feed."""

    def write(found: country_pages.DeskFound) -> bytes:
        page = _address("publishing.desk", code=code)
        listed = country_pages.list_items(db.session(), found.desk, found.today(clock.now())).items
        posts = [
            item_as_post(
                item, _address("publishing.case", public_id=item.case) if item.case else f"{page}#entry-{item.key}"
            )
            for item in listed
        ]
        own = _address("publishing.desk_feed", code=code)
        return write_atom(found.desk.name, found.desk.name, own, page, language_tag(), posts, found.page.changed_at)

    return _of_desk(code, write, mimetype="application/atom+xml", filename="desk.atom")


@bp.get("/public/<lang>/desks/<code>/hearings.ics")
@_for_everybody
def desk_hearings(code: str) -> Response:
    """The public hearings of a desk's public cases as a calendar."""

    def write(found: country_pages.DeskFound) -> bytes:
        rows = country_pages.list_public_hearings(db.session(), found.desk)
        changes = changes_of(db.session(), [hearing for hearing, _of in rows])
        events = [
            event_of(
                hearing,
                queries.public_title(of),
                _address("publishing.case", public_id=of.public_id),
                changes.get(hearing.public_id, hearing.created_at),
            )
            for hearing, of in rows
        ]
        return write_feed(events, _("Hearings: %(case)s", case=found.desk.name))

    return _of_desk(code, write, mimetype="text/calendar", filename="hearings.ics")


@bp.get("/public/sitemap.xml")
@open_to("anyone")
def sitemap() -> Response:
    """The pages of the cases that search engines may list, and no other."""
    listed = queries.list_indexed(db.session())
    languages = [code for code, _name in known_languages()]

    def write() -> bytes:
        pages = []
        for public_id, changed_at in listed:
            in_languages = [(code, _address("publishing.case", lang=code, public_id=public_id)) for code in languages]
            pages.append((in_languages[0][1], in_languages, changed_at))
        return write_sitemap(pages)

    return answer(write, tuple(listed), today=clock.now().date(), mimetype="application/xml")


def _of_case(
    public_id: str,
    makes: Callable[[CaseShown, queries.Found], str | bytes],
    mimetype: str,
    filename: str = "",
) -> Response:
    """The answer about a case: from one row where the browser holds it."""
    session = db.session()
    found = queries.get_public_case(session, public_id)
    # Of a case that was open before there were public pages nobody has worked out a revision yet.
    now = clock.now()
    read = None if found.revision else queries.read_found(session, found, now)

    def make() -> str | bytes:
        return makes(read or queries.read_found(session, found, now), found)

    return answer(
        make,
        "case",
        found.public_id,
        read.revision if read else found.revision,
        found.changed_at,
        found.mark(),
        today=found.today(now),
        mimetype=mimetype,
        indexed=found.indexed,
        filename=filename,
    )


def _of_desk(
    code: str,
    makes: Callable[[country_pages.DeskFound], str | bytes],
    *parts: object,
    mimetype: str = "text/html",
    filename: str = "",
) -> Response:
    """The answer about a desk: from one row where the browser holds it."""
    found = country_pages.get_country_page(db.session(), code)
    return answer(
        lambda: makes(found),
        "desk",
        found.mark(),
        *parts,
        today=found.today(clock.now()),
        mimetype=mimetype,
        filename=filename,
    )


def _draw_desk(found: country_pages.DeskFound, year: int | None) -> str:
    listing = country_pages.list_items(db.session(), found.desk, found.today(clock.now()), year)
    if year is not None and not listing.items:
        raise NotFound("Nothing was published in that year.")
    told = [y for y in found.page.document_years if y not in listing.years]
    years = sorted({*listing.years, *told}, reverse=True)
    return _page(
        "desk",
        found=found,
        listing=listing,
        year=year,
        actions=queries.list_public_actions(db.session(), clock.now(), found.desk) if year is None else (),
        years=[(y, _address_of_year(found, y, y in listing.years)) for y in years],
    )


def _address_of_year(found: country_pages.DeskFound, of: int, is_here: bool) -> str:
    """Where the documents of a year are: elsewhere where the desk says so, else on the page of that year."""
    if found.page.documents_url:
        return found.page.documents_url.replace("{year}", str(of))
    return url_for("publishing.year", lang=_lang(), code=found.desk.code, year=of) if is_here else ""


def _page(name: str, **shown: Any) -> str:
    return render_template(
        f"publishing/{name}.html",
        lang=_lang(),
        languages=known_languages(),
        own_url=_address(str(request.endpoint), **{k: v for k, v in (request.view_args or {}).items() if k != "lang"}),
        in_language=_in_language,
        country_name=country_name,
        **shown,
    )


def _in_language(code: str) -> str:
    """The address of this page in another language."""
    return url_for(str(request.endpoint), **{**(request.view_args or {}), "lang": code})


def _lang() -> str:
    return str((request.view_args or {}).get("lang", ""))


def _address(endpoint: str, **named: Any) -> str:
    """An address in full, as the settings have it: links of feeds lead back from elsewhere."""
    path = url_for(endpoint, **{"lang": _lang(), **named})
    return f"{current_app.extensions['settings'].base_url}{path}"


# For those who publish ------------------------------------------------------------------------------------------------


@bp.get("/cases/<ref>/public-page")
@open_to("staff")
def case_page(ref: str) -> str:
    """Whether a case has a public page, where it is, and whether search engines may list it."""
    case, _desk = kept_case(ref)
    listed = _listed(case)
    form = IndexForm(indexed=bool(listed and listed.indexed))
    return render_template("publishing/case_page.html", form=form, case=case, listed=listed)


@bp.post("/cases/<ref>/public-page")
@open_to("staff")
def index_case(ref: str) -> Any:
    """Say whether search engines may list it."""
    case, _desk = kept_case(ref)
    form = IndexForm()

    def act() -> str:
        with unit_of_work("publishing.index", acting(), f"case:{case.id}"):
            once(form)
            mine, _desk = kept_case(ref)
            service.set_indexed(db.session(), mine, form.indexed.data)
            flash(_("Saved."), "good")
            return led_to(form, url_for("publishing.case_page", ref=ref))

    return submit(
        form,
        act,
        lambda: render_template("publishing/case_page.html", form=form, case=case, listed=_listed(case)),
    )


@bp.get("/desks/<code>/country-page")
@open_to("staff")
def set_up(code: str) -> str:
    """How the country page of a desk is set up, and what stands on it."""
    desk = _own_desk(code)
    page = country_pages.find_page(db.session(), desk)
    form = PageForm(version="0")
    if page is not None:
        form = PageForm(
            version=str(page.version),
            is_open=page.is_open,
            contact=page.contact,
            names_coordinators=page.names_coordinators,
            document_years=" ".join(map(str, page.document_years)),
            documents_url=page.documents_url,
        )
    return _set_up_page(form, desk)


@bp.post("/desks/<code>/country-page")
@open_to("staff")
def change_page(code: str) -> Any:
    """Set it up."""
    desk = _own_desk(code)
    form = PageForm()

    def act() -> str:
        with unit_of_work("publishing.set_up", acting(), f"desk:{desk.id}"):
            once(form)
            service.set_up_page(
                db.session(),
                _own_desk(code),
                version=form.expected_version,
                is_open=form.is_open.data,
                contact=form.contact.data or "",
                names_coordinators=form.names_coordinators.data,
                document_years=_years(form.document_years.data or ""),
                documents_url=form.documents_url.data or "",
            )
            flash(_("Saved."), "good")
            return led_to(form, url_for("publishing.set_up", code=desk.code))

    def version_now() -> int:
        page = country_pages.find_page(db.session(), desk)
        return page.version if page else 0

    return submit(form, act, lambda: _set_up_page(form, desk), version_now=version_now)


@bp.get("/desks/<code>/country-page/offered")
@open_to("staff")
def offered(code: str) -> str:
    """What the pages that were read say and the country page does not list."""
    desk = _own_desk(code)
    return _offered_page(OfferedForm(), desk)


@bp.post("/desks/<code>/country-page/offered")
@open_to("staff")
def list_them(code: str) -> Any:
    """Put entries on the page."""
    desk = _own_desk(code)
    form = OfferedForm()
    form.entries.choices = [(o.fingerprint, o.title) for o in service.list_offered(db.session(), desk, viewer())]

    def act() -> str:
        with unit_of_work("publishing.list", acting(), f"desk:{desk.id}"):
            once(form)
            put = service.list_entries(db.session(), _own_desk(code), viewer(), set(form.entries.data or ()))
            flash(_("On the page: %(number)d more.", number=len(put)), "good")
            return led_to(form, url_for("publishing.set_up", code=desk.code))

    return submit(form, act, lambda: _offered_page(form, desk))


@bp.get("/desks/<code>/country-page/new")
@open_to("staff")
def new(code: str) -> str:
    """An entry in the desk's own words."""
    desk = _own_desk(code)
    form = WriteForm(published_on=clock.now().date())
    return render_template("publishing/new.html", form=form, desk=desk)


@bp.post("/desks/<code>/country-page/new")
@open_to("staff")
def write(code: str) -> Any:
    """Put it on the page."""
    desk = _own_desk(code)
    form = WriteForm()

    def act() -> str:
        with unit_of_work("publishing.write", acting(), f"desk:{desk.id}"):
            once(form)
            service.write_entry(
                db.session(),
                _own_desk(code),
                kind=form.kind.data,
                title=form.title.data or "",
                text=form.text.data or "",
                published_on=form.published_on.data or clock.now().date(),
                case=_case_of(form.case_ref.data or "", desk),
            )
            flash(_("It is on the page."), "good")
            return led_to(form, url_for("publishing.set_up", code=desk.code))

    return submit(form, act, lambda: render_template("publishing/new.html", form=form, desk=desk))


@bp.post("/desks/<code>/country-page/entries/<public_id>/withdraw")
@open_to("staff")
def withdraw(code: str, public_id: str) -> Any:
    """Take an entry off the page."""
    desk = _own_desk(code)
    form = WithdrawForm()

    def act() -> str:
        with unit_of_work("publishing.withdraw", acting(), f"desk:{desk.id}"):
            once(form)
            service.withdraw_entry(db.session(), _own_desk(code), public_id)
            flash(_("It is off the page."), "good")
            return led_to(form, url_for("publishing.set_up", code=desk.code))

    return submit(form, act, lambda: _set_up_page(PageForm(formdata=None), desk))


def _own_desk(code: str) -> Desk:
    desk = get_desk(db.session(), code)
    if not may_set_up(viewer(), desk):
        raise NotAllowed(_("Only the coordinators of a desk and admins say what stands on its country page."))
    return desk


def _set_up_page(form: PageForm, desk: Desk) -> str:
    session = db.session()
    return render_template(
        "publishing/set_up.html",
        form=form,
        desk=desk,
        page=country_pages.find_page(session, desk),
        published=country_pages.list_published(session, desk),
        lang=known_languages()[0][0],
        new_token=new_token,
    )


def _offered_page(form: OfferedForm, desk: Desk) -> str:
    found = service.list_offered(db.session(), desk, viewer())
    return render_template("publishing/offered.html", form=form, desk=desk, offered=found)


def _listed(case: Any) -> PublicCase | None:
    return db.session.get(PublicCase, case.id, populate_existing=True)


def _years(said: str) -> list[int]:
    words = said.replace(",", " ").split()
    if any(not (word.isdigit() and 1900 <= int(word) <= 2200) for word in words):
        raise Refused(_("Write years, such as 2024 2023 2022."), "document_years")
    return [int(word) for word in words]


def _case_of(ref: str, desk: Desk) -> Any:
    if not ref.strip():
        return None
    try:
        case, _rung = get_case(db.session(), viewer(), ref.strip())
    except NotFound:
        raise Refused(_("There is no such case that you may see."), "case_ref") from None
    if case.desk_id != desk.id:
        raise Refused(_("That case is another desk's."), "case_ref")
    return case
