"""The header lines of an answer at the ingress: ours, the tenant's, and which of the tenant's are not passed on."""

from functools import lru_cache

from apps.engine.http import BODILESS, JSON_TYPE, Response, is_sendable, sendable_type
from apps.engine.streams import StreamedResponse

Headers = list[tuple[bytes, bytes]]
OURS = frozenset(
    {b"content-type", b"content-length", b"x-request-id", b"weft-version", b"transfer-encoding", b"connection"}
)
COOKIE = b"set-cookie"
FOR_THE_WHOLE_ORIGIN = frozenset({COOKIE, b"clear-site-data"})  # would reach the portal's pages too
STRICT_TRANSPORT = b"strict-transport-security"
SANDBOX = b"content-security-policy: sandbox\r\n"
FORM = b"%bx-request-id: %b\r\n%b%b%b"
_JSON_LINE = b"content-type: %b\r\n" % JSON_TYPE
LENGTHLESS = frozenset({204, 304})  # RFC 9110, 8.6: no length with the one, another answer's with the other


class Heads:
    """Makes heads; `hsts_seconds` of 0 leaves strict transport security out.

    A header of the tenant's replaces ours, except those in `OURS` and, where the tenant shares the portal's origin,
    those that would reach the portal's pages too. A content security policy of theirs stands beside our `sandbox`:
    both hold. What cannot be sent (a line break in a value) is left out. A cookie of a tenant's host is for that host
    alone: with a `Domain` it would reach the portal's pages and other tenants.
    """

    def __init__(self, hsts_seconds: int) -> None:
        self._common: Headers = [(b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"same-origin")]
        self._barred = OURS | FOR_THE_WHOLE_ORIGIN  # under our own origin
        if hsts_seconds:
            self._barred |= {STRICT_TRANSPORT}
            self._common.append((STRICT_TRANSPORT, b"max-age=%d; includeSubDomains" % hsts_seconds))
        self._plain = _lines(self._common)
        self._names = frozenset(name for name, _ in self._common)

    def of(self, response: Response, request_id: str, version: int, *, shares_origin: bool) -> bytes:
        """Return the lines of an answer, each ended by CR LF; `version` 0 when no workflow answered."""
        status, kind = response.status, response.content_type
        text = f"x-request-id: {request_id}\r\n"
        if status in LENGTHLESS:
            kind_line = b""
        else:
            size = 0 if status in BODILESS else len(response.body)
            text = f"content-length: {size}\r\n{text}"
            kind_line = _JSON_LINE if kind == JSON_TYPE else b"content-type: %b\r\n" % sendable_type(kind)
        return b"".join(
            (
                kind_line,
                text.encode(),
                self._with_theirs(response.headers, shares_origin) if response.headers else self._plain,
                _version_line(version) if version else b"",
                SANDBOX if shares_origin else b"",
            )
        )

    def of_stream(self, response: StreamedResponse, request_id: str, version: int, *, shares_origin: bool) -> bytes:
        """Return the lines of an answer whose body is still to come; its length is what the other side announced."""
        length = b"" if response.length is None else b"content-length: %d\r\n" % response.length
        return FORM % (
            b"content-type: %b\r\n%b" % (sendable_type(response.content_type), length),
            request_id.encode(),
            self._with_theirs(response.headers, shares_origin),
            _version_line(version),
            SANDBOX if shares_origin else b"",
        )

    def _with_theirs(self, given: Headers, shares_origin: bool) -> bytes:
        barred = self._barred if shares_origin else OURS
        theirs = [pair for pair in given if pair[0] not in barred and is_sendable(*pair)]
        said = {name for name, _ in theirs}
        if COOKIE in said:
            theirs = [_host_only(*pair) for pair in theirs]
        ours = self._plain if said.isdisjoint(self._names) else _lines([p for p in self._common if p[0] not in said])
        return ours + _lines(theirs)


def pairs(head: bytes) -> Headers:
    """Take lines apart again, for a server that wants names and values."""
    lines = (line.partition(b": ") for line in head.split(b"\r\n")[:-1])
    return [(name, value) for name, _, value in lines]


@lru_cache(maxsize=1024)
def _version_line(version: int) -> bytes:
    return b"weft-version: %d\r\n" % version


def _host_only(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    if name != COOKIE:
        return name, value
    parts = value.split(b";")
    kept = [part for part in parts[1:] if part.partition(b"=")[0].strip().lower() != b"domain"]
    return name, b";".join([parts[0], *kept])


def _lines(headers: Headers) -> bytes:
    return b"".join([b"%b: %b\r\n" % pair for pair in headers])
