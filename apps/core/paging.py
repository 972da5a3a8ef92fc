"""Keyset paging by id, newest first: a page is read in the same time however far back it is."""

from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet

Row = TypeVar("Row")
Table = TypeVar("Table", bound=Model)
LONGEST_PAGE = 200
USUAL_PAGE = 50


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows, and the id behind which the next page begins; None on the last page."""

    items: list[Row]
    next: UUID | None


def by_id(rows: "QuerySet[Table]", *, after: UUID | None = None, limit: int = USUAL_PAGE) -> Page[Table]:
    """Read the page of `rows` that follows the row `after`, newest first."""
    limit = max(1, min(limit, LONGEST_PAGE))
    if after is not None:
        rows = rows.filter(pk__lt=after)
    found = list(rows.order_by("-pk")[: limit + 1])
    return Page(found[:limit], found[limit - 1].pk if len(found) > limit else None)
