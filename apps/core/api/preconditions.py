"""Edits say which state they were made from: ETag in answers, If-Match in edits (428 without, 412 when stale)."""

import re

from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.errors import PreconditionFailed, PreconditionRequired

ETAG = re.compile(r'(?:W/)?"(\d{1,18})"')


def etag(revision: int) -> str:
    """Return the ETag of a row's revision."""
    return f'"{revision}"'


def with_etag(response: Response, revision: int) -> Response:
    """Put the ETag of `revision` on an answer."""
    response["ETag"] = etag(revision)
    return response


def revision_demanded(request: Request) -> int:
    """Return the revision in If-Match; raise `PreconditionRequired` without one, `PreconditionFailed` for nonsense."""
    given = request.headers.get("If-Match")
    if given is None:
        raise PreconditionRequired
    found = ETAG.fullmatch(given.strip())
    if found is None:
        raise PreconditionFailed("If-Match is not an ETag of ours.")
    return int(found[1])
