"""Requests and responses as the engine sees them: no framework, no socket."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

import orjson

from apps.engine.outcome import Rejected

JSON_TYPE = b"application/json"
PROBLEM_TYPE = b"application/problem+json"
BODILESS = frozenset({204, 205, 304})
UNKNOWN_TYPE = b"application/octet-stream"
SOUND_TYPES = frozenset({JSON_TYPE, PROBLEM_TYPE})
NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
UNSENDABLE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


def is_sendable(name: bytes, value: bytes) -> bool:
    """Whether a header can be sent: servers drop the connection over a NUL or a line break in one."""
    return _is_name(name) and not UNSENDABLE.search(value)


@lru_cache(maxsize=1024)
def _is_name(name: bytes) -> bool:
    return NAME.fullmatch(name) is not None


def sendable_type(kind: bytes) -> bytes:
    """Return a media type as it can be sent."""
    return UNKNOWN_TYPE if kind not in SOUND_TYPES and UNSENDABLE.search(kind) else kind


class Request:
    """One HTTP request after routing; header names are lower case."""

    __slots__ = (
        "_json",
        "_query",
        "body",
        "claims",
        "client",
        "headers",
        "id",
        "method",
        "params",
        "path",
        "query_string",
        "route",
        "url_base",
    )

    def __init__(  # noqa: PLR0913 - a request has this many parts
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        query_string: bytes = b"",
        body: bytes = b"",
        params: dict[str, str] | None = None,
        client: str = "",
        id: str = "",
        route: str = "",
        url_base: str = "",
    ) -> None:
        self.method = method
        self.path = path
        self.headers: Mapping[str, str] = {} if headers is None else headers  # a lazy mapping's length is not free
        self.query_string = query_string
        self.body = body
        self.params: dict[str, str] = params or {}
        self.client = client
        self.id = id
        self.route = route  # the pattern that matched, e.g. /api/orders/{id}/transition
        self.url_base = url_base  # what precedes `path` in the public address, for Location headers and proxies
        self.claims: dict[str, Any] | None = None  # set by the auth middleware
        self._json: Any = None
        self._query: dict[str, str] | None = None

    @property
    def query(self) -> dict[str, str]:
        """Query parameters; the first value of a repeated name wins."""
        if self._query is None:
            pairs = parse_qsl(self.query_string.decode("latin-1"), keep_blank_values=True)
            self._query = dict(reversed(pairs))
        return self._query

    def json(self) -> Any:
        """Return the decoded JSON body, {} when it is empty; raise `Rejected` with the place of the fault."""
        if self._json is None:
            if not self.body:
                return {}
            try:
                self._json = orjson.loads(self.body)
            except orjson.JSONDecodeError as error:
                where = f"line {error.lineno}, column {error.colno}"
                raise Rejected(
                    f"The body is not JSON: {error.msg} at {where}.",
                    errors=[{"pointer": "", "message": f"{error.msg} at {where}"}],
                    code="body.not_json",
                ) from None
        return self._json


class Response:
    """One HTTP answer; `body` is final bytes, `headers` extra pairs (lower-case names).

    `is_refusal` says that the request was turned down: what it had written until then is dropped. An answer that a
    document chose by itself (`respond`, `http.handler`) is none, whatever its status. `starts_nothing` says that what a
    trigger names does not exist: the document's fault, not the caller's.
    """

    __slots__ = ("body", "content_type", "headers", "is_refusal", "starts_nothing", "status")

    def __init__(
        self,
        status: int = 200,
        body: bytes = b"",
        content_type: bytes = JSON_TYPE,
        headers: list[tuple[bytes, bytes]] | None = None,
    ) -> None:
        self.status = status
        self.body = body
        self.content_type = content_type
        self.headers = headers or []
        self.is_refusal = False
        self.starts_nothing = False

    @property
    def is_failure(self) -> bool:
        """Whether the run of the request has failed (spec/modules.md 6 for what a trigger cannot start)."""
        return self.status >= 500 or self.starts_nothing

    @property
    def keeps_writes(self) -> bool:
        """Whether what the request wrote is committed with this answer."""
        return not self.is_refusal and self.status < 500

    def content(self, method: str) -> bytes:
        """Return the body as it goes over the wire: none for HEAD, nor where the status allows none.

        Bytes sent all the same would be taken for the beginning of the next answer (RFC 9110, 6.4.1).
        """
        return b"" if method == "HEAD" or self.status in BODILESS else self.body

    @classmethod
    def json(cls, value: Any, status: int = 200) -> "Response":
        """Answer `value` as JSON."""
        return cls(status, orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS, default=str))

    @classmethod
    def text(cls, value: str, status: int = 200) -> "Response":
        """Answer plain text."""
        return cls(status, value.encode(), b"text/plain; charset=utf-8")

    @classmethod
    def problem(cls, status: int, code: str, title: str, **extra: Any) -> "Response":
        """Refuse with `application/problem+json` (RFC 9457); `code` is the stable machine word."""
        body = {"type": "about:blank", "title": title, "status": status, "code": code, **extra}
        response = cls(status, orjson.dumps(body, default=str), PROBLEM_TYPE)
        response.is_refusal = True
        return response
