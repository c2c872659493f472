"""Public pages: the page of a case under the load of eight clients, beside a static file of the same bytes through the
same server. 200 and 304 apart: what a browser that comes for the first time costs, and one that comes again.

Each round asks the four in turn for a while; what is compared are answers a second. The page is asked for as browsers
ask (packed with gzip), and the file lies there packed, as WhiteNoise serves it. Every answer of the page looks the case
up anew; its content is kept at hand by its tag. `first` is the page with nothing at hand: everything read and drawn.
"""

import http.client
import logging
import multiprocessing
import os
import statistics
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks._engines import application, databases

CLIENTS, ROUNDS, SECONDS = 8, 5, 2.0

#: Entries on the timeline of the case.
ENTRIES = 60

#: The static file of the same bytes.
SAME = "same.html"


def main() -> None:
    """Measure and print."""
    with databases(_fill) as engines:
        for engine, lend in engines.items():
            with lend() as (address, folder):
                _measure(engine, address, folder)


def _measure(engine: str, address: str, folder: Path) -> None:
    path = _lay_beside(address, folder)
    with _server(address, folder) as port:
        page, static = _ask(port, path, {}), _ask(port, f"/static/{SAME}", {})
        assert page.status == static.status == 200
        assert len(page.body) <= len(static.body) <= len(page.body) + 200, (len(page.body), len(static.body))
        held = {"page": page.headers["ETag"], "file": static.headers["ETag"]}
        asked: dict[str, tuple[str, Mapping[str, str], int]] = {
            "file, 200": (f"/static/{SAME}", {}, 200),
            "page, 200": (path, {}, 200),
            "page first, 200": (f"{path}?first", {}, 200),
            "file, 304": (f"/static/{SAME}", {"If-None-Match": held["file"]}, 304),
            "page, 304": (path, {"If-None-Match": held["page"]}, 304),
        }
        rates: dict[str, list[float]] = {name: [] for name in asked}
        for number in range(ROUNDS + 1):
            for name, (where, headers, status) in asked.items():
                rate = _load(port, where, headers, status)
                if number:  # the first round learns its way
                    rates[name].append(rate)
    load = os.getloadavg()[0]
    print(
        f"{engine}, {CLIENTS} clients, {len(page.body):,} bytes packed, {ROUNDS} rounds in turn; "
        f"load {load:.1f} on {os.cpu_count()} processors"
    )
    for name, found in rates.items():
        beside = rates[f"file, {name[-3:]}"]
        ratio = statistics.median(own / other for own, other in zip(found, beside, strict=True))
        print(f"    {name:<16} {statistics.median(found):>7.0f} a second   {ratio:.2f} of the file's")


class _Answer:
    def __init__(self, status: int, headers: Any, body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body


def _ask(port: int, path: str, headers: Mapping[str, str], line: http.client.HTTPConnection | None = None) -> _Answer:
    line = line or http.client.HTTPConnection("127.0.0.1", port)
    line.request("GET", path, headers={"Accept-Encoding": "gzip", **headers})
    answer = line.getresponse()
    return _Answer(answer.status, answer.headers, answer.read())


def _load(port: int, path: str, headers: Mapping[str, str], status: int) -> float:
    """Answers a second, of eight clients that each keep one connection and ask again as soon as they are answered."""
    ends = time.perf_counter() + SECONDS
    counts = [0] * CLIENTS

    def client(number: int) -> None:
        line = http.client.HTTPConnection("127.0.0.1", port)
        while time.perf_counter() < ends:
            assert _ask(port, path, headers, line).status == status
            counts[number] += 1
        line.close()

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - start)


@contextmanager
def _server(address: str, folder: Path) -> Iterator[int]:
    context = multiprocessing.get_context("fork")
    near, far = context.Pipe()
    process = context.Process(target=_serve, args=(address, folder, far), daemon=True)
    process.start()
    try:
        yield near.recv()
    finally:
        process.terminate()
        process.join()


def _serve(address: str, folder: Path, told: Any) -> None:
    from waitress.server import create_server

    from tracker.publishing import answers

    # It would say with every request that eight ask at once, which they do.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    with application(address, folder) as app:

        def apart(environ: Any, start_response: Any) -> Any:
            # Nothing at hand for who asks for the first time.
            if environ["QUERY_STRING"] == "first":
                app.extensions["publishing.kept"] = answers.Kept(0)
            elif app.extensions.get("publishing.kept") is None or app.extensions["publishing.kept"]._most == 0:
                app.extensions["publishing.kept"] = answers.Kept()
            return app(environ, start_response)

        server: Any = create_server(apart, host="127.0.0.1", port=0, threads=CLIENTS)
        told.send(server.effective_port)
        server.run()


def _lay_beside(address: str, folder: Path) -> str:
    """Lay a file of the very bytes of the page among the static files, packed as they are; the address of the page."""
    import gzip

    from sqlalchemy import select

    from tracker.base import theme
    from tracker.base.db import db
    from tracker.cases.models import Case

    with application(address, folder) as app:
        (public_id,) = db.session.scalars(select(Case.public_id)).all()
        path = f"/public/en/cases/{public_id}"
        page = app.test_client().get(path, base_url="http://localhost").data
        files = theme.prepare(folder)
        (files / SAME).write_bytes(page)
        (files / f"{SAME}.gz").write_bytes(gzip.compress(page, 6, mtime=0))
    return path


def _fill() -> None:
    """A public case with a long timeline, a hearing, and everything agreed to."""
    from signed_in import make_desk

    from tracker.accounts.models import Desk
    from tracker.base import clock
    from tracker.base.audience import Audience
    from tracker.base.dates import StatedDate
    from tracker.base.db import db
    from tracker.base.work import COMMAND, unit_of_work
    from tracker.cases import service as cases
    from tracker.consent.service import record_consent
    from tracker.hearings import service as hearings
    from tracker.hearings.rules import on_day
    from tracker.people.service import NameGiven, add_person
    from tracker.timeline.service import record_entry

    make_desk()
    now = clock.now().replace(microsecond=0)
    with unit_of_work("cases.open", COMMAND, now=now):
        session = db.session()
        desk = session.get(Desk, 1)
        assert desk is not None
        case = cases.open_case(session, desk, title="Somebody is held", risk="high", audience=Audience.DESK)
        person = add_person(session, [NameGiven("Ahmad Khalefa")])
        cases.involve(session, case, person.id)
        record_consent(
            session,
            case,
            person.id,
            answer="agreed",
            speaker="person",
            subjects=["public", "name", "medical", "location"],
            how="paper",
            up_to=Audience.PUBLIC,
        )
        cases.edit_case(session, case, version=case.version, audience=Audience.PUBLIC)
        for number in range(ENTRIES):
            told = f"On day {number} the lawyer was told something else: {number * 7919}."
            record_entry(
                session,
                case_id=case.id,
                kind="person.arrested" if not number else "case.news",
                date_stated=StatedDate(now.date() - timedelta(days=ENTRIES - number)),
                audience=Audience.PUBLIC,
                text=told,
                payload={"headline": f"Day {number}"} if number else {},
            )
        hearings.schedule_hearing(
            session,
            on_day("UTC", now.date() + timedelta(days=20)),
            appearing=[hearings.Appears(case.id, person.id)],
            audience=Audience.PUBLIC,
            kind="trial_session",
            court="Magistrates' Court",
            unlikely_is_meant=True,
        )
