"""Style sheets and static files: one sheet for both directions, small, kept by browsers, and never half there."""

import gzip
import os
import re
import threading
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tracker.base import markup, theme
from tracker.base.languages import made_once
from tracker.base.resources import resource

#: What the first page may weigh on its way, in bytes.
FIRST_LOAD = 100_000

pytestmark = pytest.mark.one_engine


@pytest.fixture(scope="module")
def sheet() -> str:
    """Bootstrap as it is served."""
    return theme.rewrite(theme.bootstrap_css())


@pytest.mark.parametrize(
    ("physical", "logical"),
    [
        ("margin-left:1px", "margin-inline-start:1px"),
        ("padding-right:calc(1px + 2px)!important", "padding-inline-end:calc(1px + 2px)!important"),
        ("border-left:0;border-right-width:1px", "border-inline-start:0;border-inline-end-width:1px"),
        ("border-top-left-radius:0", "border-start-start-radius:0"),
        ("border-bottom-right-radius:0", "border-end-end-radius:0"),
        ("position:absolute;left:0;right:auto", "position:absolute;inset-inline-start:0;inset-inline-end:auto"),
        ("text-align:left", "text-align:start"),
        ("float:right", "float:inline-end"),
        ("--bs-gutter-left:1px;margin:0 auto", "--bs-gutter-left:1px;margin:0 auto"),
        ("background-position:right .75rem center", "background-position:right .75rem center"),
    ],
)
def test_a_side_of_the_screen_becomes_an_end_of_the_line(physical: str, logical: str) -> None:
    assert theme.logical(physical) == logical


def test_the_served_sheet_names_no_side_of_the_screen(sheet: str) -> None:
    assert not re.search(
        r"(?<![\w-])(margin|padding|border)-(left|right)|[;{](left|right):|text-align:(left|right)", sheet
    )
    assert not re.search(r"border-(top|bottom)-(left|right)-radius", sheet)


def test_the_served_sheet_keeps_its_licence_and_its_braces(sheet: str) -> None:
    assert sheet.startswith("/*!")
    assert "MIT" in sheet[:400]
    assert sheet.count("{") == sheet.count("}")
    assert "@media print" in sheet


def test_the_dark_colours_follow_the_readers_system(sheet: str) -> None:
    assert "data-bs-theme" not in sheet
    assert "@media (prefers-color-scheme:dark){:root{color-scheme:dark" in sheet


def test_no_page_uses_a_class_that_was_left_out(sheet: str) -> None:
    known = re.compile(r"\.(-?[a-zA-Z_][\w-]*)")
    packaged, served = set(known.findall(theme.bootstrap_css())), set(known.findall(sheet))
    used = {
        (word, path.name)
        for path in resource("templates").rglob("*.html")
        for given in re.findall(r'class="([^"]*)"', path.read_text())
        for word in re.sub(r"{[{%].*?[}%]}", " ", given).split()
    }
    used |= {
        (word, "markup.py")
        for words in markup._CLASSES.values()
        for word in (*words.split(), "form-control", "is-invalid")
    }
    missing = sorted((word, page) for word, page in used if word in packaged - served)
    assert not missing, f"take these out of theme._UNUSED, or use another class: {missing}"


def test_what_every_page_loads_is_small(tmp_path: Path) -> None:
    folder = theme.prepare(tmp_path)
    weights = {file.name: file.stat().st_size for file in folder.glob("*.gz")}
    assert sum(weights.values()) < FIRST_LOAD / 3, weights


def test_static_files_are_kept_for_long_and_travel_compressed(app: Flask) -> None:
    address = app.jinja_env.globals["static_url"]("tracker.css")  # type: ignore[operator]
    assert re.fullmatch(r"/static/tracker\.css\?v=[0-9a-f]{12}", address)
    answer = app.test_client().get(address, headers={"Accept-Encoding": "gzip"})
    assert answer.status_code == 200
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in answer.headers
    content = answer.data
    answer.close()
    assert gzip.decompress(content) == (theme.OWN / "tracker.css").read_bytes()


def test_a_static_file_that_does_not_exist_is_an_ordinary_missing_page(app: Flask) -> None:
    for path in ("/static/nothing.css", "/static/../config.py", "/static/%2e%2e/secret", "/static/"):
        assert app.test_client().get(path).status_code == 404, path
    with pytest.raises(KeyError):
        app.jinja_env.globals["static_url"]("nothing.css")  # type: ignore[operator]


def test_every_picture_named_by_a_template_is_on_the_sheet() -> None:
    drawn = set(re.findall(r'symbol id="([\w-]+)"', (theme.OWN / "icons.svg").read_text()))
    named = {
        name
        for path in resource("templates").rglob("*.html")
        for name in re.findall(r'\b_?icon\("([\w-]+)"', path.read_text())
        + re.findall(r'\bicon="([\w-]+)"', path.read_text())
    }
    assert named <= drawn, named - drawn


def test_processes_that_start_together_see_a_whole_folder_or_none(tmp_path: Path) -> None:
    filled: list[Path] = []
    barrier = threading.Barrier(4)

    def fill(folder: Path) -> None:
        filled.append(folder)
        barrier.wait(timeout=60)
        (folder / "a").write_text("whole")

    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append((made_once(tmp_path, "x", fill) / "a").read_text()))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert found == ["whole"] * 4
    assert len(filled) == 4
    assert [p.name for p in (tmp_path / "made").iterdir()] == ["x"]


def test_a_failed_making_leaves_nothing_behind(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").write_text("half")
        raise ValueError("the disk is full")

    with pytest.raises(ValueError, match="disk is full"):
        made_once(tmp_path, "x", fail)
    assert list((tmp_path / "made").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_replaced_by_a_temporary_one(tmp_path: Path) -> None:
    (tmp_path / "made").write_text("not a folder")
    folder = made_once(tmp_path, "x", lambda made: (made / "a").touch() or None)
    assert (folder / "a").exists()
    assert not os.path.commonpath([folder, tmp_path]).startswith(str(tmp_path))


@pytest.mark.parametrize(("language", "direction"), [("en", "ltr"), ("ar", "rtl")])
def test_a_small_phone_shows_a_page_without_scrolling_sideways(
    live_server: Any, page: Any, browser: Any, language: str, direction: str
) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740}, locale=language)
    phone = context.new_page()
    weights: list[int] = []
    phone.on("requestfinished", lambda request: weights.append(sum(request.sizes()[k] for k in _ON_ITS_WAY)))
    phone.goto(f"{live_server.url}/sign-in", wait_until="networkidle")
    assert phone.evaluate("document.documentElement.dir") == direction
    assert phone.evaluate("document.documentElement.scrollWidth") <= 360
    small = phone.evaluate(
        "[...document.querySelectorAll('main a, main button, main input:not([type=hidden]), main select')]"
        ".filter((e) => e.getBoundingClientRect().height < 44).map((e) => e.outerHTML)"
    )
    assert not small, "fingers need 44 px"
    assert (
        phone.evaluate("getComputedStyle(document.querySelector('.btn-primary')).backgroundColor") == "rgb(23, 80, 107)"
    )
    assert len(weights) >= 4
    assert sum(weights) < FIRST_LOAD, weights
    context.close()


_ON_ITS_WAY = ("responseBodySize", "responseHeadersSize")
