"""Putting the house together: the one place, with the command line, that sees every room."""

import importlib.util
import sys
from types import ModuleType
from typing import Any

from flask import Flask
from jinja2 import StrictUndefined

from tracker.base.resources import resource


def settings_module() -> ModuleType:
    """`config.py`, loaded by path: beside the package in a checkout, inside it when installed."""
    known = sys.modules.get("tracker._settings")
    if known is not None:
        return known
    spec = importlib.util.spec_from_file_location("tracker._settings", resource("config.py"))
    assert spec and spec.loader
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
    _configure(app, settings)
    _connect_database(app, settings)
    _open_rooms(app)
    _open_pages(app, settings)
    return app


def _configure(app: Flask, settings: Any) -> None:
    app.extensions["settings"] = settings
    app.config.update(
        SECRET_KEY=settings.secret_key,
        MAX_CONTENT_LENGTH=6 * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=6 * 1024 * 1024,
        MAX_FORM_PARTS=1000,
        PREFERRED_URL_SCHEME="https" if settings.https else "http",
        WTF_CSRF_TIME_LIMIT=None,
        BABEL_DEFAULT_LOCALE=settings.languages[0],
        BOOTSTRAP_SERVE_LOCAL=True,
    )


def _connect_database(app: Flask, settings: Any) -> None:
    from tracker.audit.service import watch
    from tracker.base.db import db, engine_options, prepare_engine
    from tracker.base.sealing import Keyring, Sealer

    app.config["SQLALCHEMY_DATABASE_URI"] = settings.database_url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(settings.database_url)
    settings.instance.mkdir(parents=True, exist_ok=True, mode=0o700)
    db.init_app(app)
    with app.app_context():
        prepare_engine(db.engine)
        if not app.extensions.get("audit_watched"):
            watch(db.session.session_factory)  # type: ignore[arg-type]  # a sessionmaker takes listeners as a class does
            app.extensions["audit_watched"] = True
    app.extensions["sealer"] = Sealer(Keyring.load(settings.keyring))


def _open_rooms(app: Flask) -> None:
    """Import the modules in which rooms announce what they bring: models, kinds, settlers, steps."""
    for module in ROOMS:
        importlib.import_module(module)


def _open_pages(app: Flask, settings: Any) -> None:
    """Everything that answers requests."""
    from tracker.accounts import signing_in
    from tracker.accounts.views import bp as accounts
    from tracker.base import error_pages, headers, languages, logs, markup, theme, words
    from tracker.pages import navigation
    from tracker.reminders.views import bp as reminders

    logs.set_up()
    languages.set_up(app, settings)
    words.set_up(app)
    markup.set_up(app)
    theme.set_up(app, settings)
    error_pages.set_up(app)
    navigation.set_up(app)
    headers.set_up(app, settings)
    signing_in.set_up(app, settings)
    app.register_blueprint(accounts)
    app.register_blueprint(reminders)


#: In the order of the floors; order within a phase of settling and within a tick follows it.
ROOMS: tuple[str, ...] = (
    "tracker.base.house",
    "tracker.base.once",
    "tracker.base.sealing",
    "tracker.audit.service",
    "tracker.clockwork.models",
    "tracker.accounts.steps",
    "tracker.timeline.models",
    "tracker.agenda.models",
    "tracker.outbox.models",
    "tracker.search.models",
    "tracker.people.models",
    "tracker.cases.kinds",
    "tracker.cases.folding",
    "tracker.hearings.kinds",
    "tracker.hearings.projecting",
    "tracker.flags.models",
    "tracker.intake.models",
    "tracker.cases.faces",
    "tracker.cases.indexing",
    "tracker.reminders.kinds",
    "tracker.reminders.planning",
)
