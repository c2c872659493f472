"""Flag rules over who was told of an action: they stand here because the mails do. Importing this announces them."""

from tracker.telling.finders import stop_not_delivered

__all__ = ["stop_not_delivered"]
