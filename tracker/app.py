"""Putting the house together: with the command line and the demo, the only place that sees every room."""

import importlib
import importlib.util
import logging
import sys
from types import ModuleType
from typing import Any

from flask import Flask
from flask_migrate import Migrate
from jinja2 import StrictUndefined

from tracker.accounts import signing_in
from tracker.audit.service import watch
from tracker.base import concealed, error_pages, headers, languages, logs, markup, theme, words
from tracker.base.db import db, engine_options, prepare_engine
from tracker.base.resources import resource
from tracker.base.sealing import Keyring, Sealer
from tracker.pages import navigation
from tracker.safety import checking

#: Modules in which rooms announce what they bring: models, kinds, settlers, clock steps. In the order of the floors;
#: order within a phase of settling and within a tick follows it.
ROOMS: tuple[str, ...] = (
    "tracker.base.house",
    "tracker.base.mode",
    "tracker.base.once",
    "tracker.base.sealing",
    "tracker.audit.service",
    "tracker.clockwork.models",
    "tracker.clockwork.zones",
    "tracker.accounts.steps",
    "tracker.factors.kinds",
    "tracker.factors.service",
    "tracker.invitations.kinds",
    "tracker.invitations.steps",
    "tracker.timeline.models",
    "tracker.agenda.models",
    "tracker.search.models",
    "tracker.people.models",
    "tracker.cases.kinds",
    "tracker.cases.folding",
    "tracker.consent.kinds",
    "tracker.consent.service",
    "tracker.consent.following",
    "tracker.consent.telling",
    "tracker.cases.letting_go",
    "tracker.hearings.kinds",
    "tracker.hearings.projecting",
    "tracker.contacts.kinds",
    "tracker.targets.kinds",
    "tracker.targets.models",
    "tracker.actions.kinds",
    "tracker.actions.service",
    "tracker.actions.following",
    "tracker.actions.steps",
    "tracker.steps.kinds",
    "tracker.steps.models",
    "tracker.groups.kinds",
    "tracker.groups.models",
    "tracker.tally.kinds",
    "tracker.flags.sweep",
    "tracker.flags.seen",
    "tracker.intake.models",
    "tracker.cases.faces",
    "tracker.cases.indexing",
    "tracker.publishing.kinds",
    "tracker.publishing.revising",
    "tracker.reminders.kinds",
    "tracker.reminders.planning",
    "tracker.reminders.bouncing",
    "tracker.reminders.stopping",
    "tracker.reminders.finders",
    "tracker.asking.kinds",
    "tracker.asking.planning",
    "tracker.digests.kinds",
    "tracker.digests.planning",
    "tracker.telling.kinds",
    "tracker.telling.planning",
    "tracker.telling.finders",
    "tracker.following.kinds",
    "tracker.following.planning",
    "tracker.calendar.service",
    "tracker.outbox.deliver",
    "tracker.catching_up.reporting",
    "tracker.history.words",
    "tracker.history.steps",
    "tracker.pages.kinds",
    "tracker.pages.probes",
)

#: Modules that answer requests, each with its blueprint `bp`.
PAGES: tuple[str, ...] = (
    "tracker.accounts.views",
    "tracker.factors.views",
    "tracker.invitations.views",
    "tracker.administration.views",
    "tracker.cases.views",
    "tracker.entries.views",
    "tracker.consent.views",
    "tracker.hearings.views",
    "tracker.contacts.views",
    "tracker.targets.views",
    "tracker.actions.views",
    "tracker.steps.views",
    "tracker.groups.views",
    "tracker.tally.views",
    "tracker.flags.views",
    "tracker.intake.views",
    "tracker.reminders.views",
    "tracker.calendar.views",
    "tracker.digests.views",
    "tracker.telling.views",
    "tracker.history.views",
    "tracker.safety.views",
    "tracker.publishing.views",
    "tracker.following.views",
    "tracker.pages.views",
)

#: Largest request that is read at all; one that brings a document may be larger (`headers.takes_documents`).
LARGEST_REQUEST = 1024 * 1024


def settings_module() -> ModuleType:
    """`config.py`, loaded by path: beside the package in a checkout, inside it when installed."""
    known = sys.modules.get("tracker._settings")
    if known is not None:
        return known
    spec = importlib.util.spec_from_file_location("tracker._settings", resource("config.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["tracker._settings"] = module
    spec.loader.exec_module(module)
    return module


def build(settings: Any = None) -> Flask:
    """The application with all rooms. `settings`: as `config.load` makes them; None reads the environment."""
    settings = settings or settings_module().load()
    app = Flask(
        "tracker",
        root_path=str(resource("templates").parent),
        template_folder=str(resource("templates")),
        static_folder=None,
        instance_path=str(settings.instance),
    )
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.extensions["settings"] = settings
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SECRET_KEY_FALLBACKS=settings.secret_keys[:-1],
        # Flask-WTF knows of one key only, and hands it on: a form that was open when the key was changed can be sent.
        WTF_CSRF_SECRET_KEY=settings.secret_keys,
        MAX_CONTENT_LENGTH=LARGEST_REQUEST,
        MAX_FORM_MEMORY_SIZE=LARGEST_REQUEST,
        MAX_FORM_PARTS=1000,
        PREFERRED_URL_SCHEME="https" if settings.https else "http",
        WTF_CSRF_TIME_LIMIT=None,
        BABEL_DEFAULT_LOCALE=settings.languages[0],
    )
    _connect_database(app, settings)
    for module in ROOMS:
        importlib.import_module(module)
    _open_pages(app, settings)
    return app


def _connect_database(app: Flask, settings: Any) -> None:
    app.config["SQLALCHEMY_DATABASE_URI"] = settings.database_url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(settings.database_url)
    settings.instance.mkdir(parents=True, exist_ok=True, mode=0o700)
    db.init_app(app)
    with app.app_context():
        prepare_engine(db.engine)
    watch(db.session.session_factory)  # type: ignore[arg-type]  # a sessionmaker takes listeners as a class does
    held = settings.keyring_keys
    app.extensions["sealer"] = Sealer(Keyring.of_text(held) if held else Keyring.load(settings.keyring))
    Migrate(app, db, directory=str(resource("migrations")), render_as_batch=True)
    # Alembic tells of its plugins at every start.
    logging.getLogger("alembic").setLevel(logging.WARNING)


def _open_pages(app: Flask, settings: Any) -> None:
    logs.set_up()
    languages.set_up(app, settings)
    words.set_up(app)
    markup.set_up(app)
    theme.set_up(app, settings)
    concealed.set_up(app)
    error_pages.set_up(app)
    navigation.set_up(app)
    headers.set_up(app, settings)
    checking.set_up(app)
    signing_in.set_up(app, settings)
    for module in PAGES:
        app.register_blueprint(importlib.import_module(module).bp)
