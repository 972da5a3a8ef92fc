"""The log of `wfctl run`: what the engine says of itself goes to standard error, without the values of secrets."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from apps.engine.redaction import KnownSecrets


class HidingFormatter(logging.Formatter):
    """Formats a record, its traceback included, and hides what is known in it."""

    def __init__(self, known: KnownSecrets) -> None:
        super().__init__()
        self._known = known

    def format(self, record: logging.LogRecord) -> str:
        """Return the text of one record."""
        return self._known.redactor.text(super().format(record))


@contextmanager
def logging_without(known: KnownSecrets) -> Iterator[None]:
    """Log to standard error until the block ends."""
    handler = logging.StreamHandler()
    handler.setFormatter(HidingFormatter(known))
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
