"""Lists are read page by page: `?limit=` and an opaque `?cursor=`, answered as `{items, next}`."""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.errors import BadRequest
from apps.core.paging import LONGEST_PAGE, USUAL_PAGE, Page

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which page the caller asks for."""

    after: UUID | None
    limit: int


def wanted(request: Request) -> Wanted:
    """Read `cursor` and `limit`; raise `BadRequest` for what no page of ours has named."""
    return Wanted(_cursor(request.query_params.get("cursor")), _limit(request.query_params.get("limit")))


def answer(page: Page[Row], out: Callable[[Row], Any]) -> Response:
    """Answer one page, each row rendered by `out`."""
    return Response({"items": [out(row) for row in page.items], "next": cursor(page.next)})


def cursor(after: UUID | None) -> str | None:
    """Return the opaque form of the id behind which the next page begins."""
    return base64.urlsafe_b64encode(after.bytes).decode().rstrip("=") if after else None


def _cursor(text: str | None) -> UUID | None:
    if not text:
        return None
    try:
        return UUID(bytes=base64.urlsafe_b64decode(text + "=="))
    except (ValueError, binascii.Error):
        raise BadRequest("cursor is not one of ours.", code="cursor.bad") from None


def _limit(text: str | None) -> int:
    if not text:
        return USUAL_PAGE
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= LONGEST_PAGE:
        raise BadRequest(f"limit is a number from 1 to {LONGEST_PAGE}.", code="limit.bad")
    return int(text)
