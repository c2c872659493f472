"""The urgent action case tracker."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Flask


def create_app(settings: Any = None) -> "Flask":
    """The web application with its commands; `settings` as made by `config.load` (read from the environment when None).

    Imported inside the function, so that a pure module of the package loads nothing else.
    """
    from tracker import app, cli

    made = app.build(settings)
    cli.register(made)
    return made
