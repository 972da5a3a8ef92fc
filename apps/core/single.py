"""Reading the one row that a unique key names."""

from typing import TypeVar

from django.db.models import Model, QuerySet

Table = TypeVar("Table", bound=Model)
Row = TypeVar("Row")


def single(rows: "QuerySet[Table, Row]") -> Row | None:
    """Return the row that `rows` can only hold one of, None when it holds none.

    `first()` would have it ordered by its key, and writing that order into the statement takes as long as asking.
    """
    return next(iter(rows[:1]), None)
