"""Flag rules over who follows what: they stand here because the tables do. Importing this announces them."""

from tracker.reminders.finders import address_bounced, mail_not_delivered, nobody_reachable

__all__ = ["address_bounced", "mail_not_delivered", "nobody_reachable"]
