"""The header lines of a request, looked at without decoding those that nobody asks for."""

from collections.abc import Iterator, Mapping
from typing import Any

Lines = list[tuple[bytes, bytes]]
ID_CHARACTERS = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-")
LONGEST_ID = 128


class LazyHeaders(Mapping[str, str]):
    """Header lines as a mapping, decoded when somebody looks; for a tenant that shares the portal's origin (`/w/`)."""

    __slots__ = ("_found", "_raw")

    hidden = frozenset({b"cookie"})  # it is the portal's

    def __init__(self, raw: Lines) -> None:
        self._raw = raw
        self._found: dict[str, str] | None = None

    def _all(self) -> dict[str, str]:
        if self._found is None:
            self._found = {
                name.decode("latin-1"): value.decode("latin-1") for name, value in self._raw if name not in self.hidden
            }
        return self._found

    def __getitem__(self, name: str) -> str:
        return self._all()[name]

    def get(self, name: str, default: Any = None) -> Any:
        """Return one header; looks through the lines without decoding the others."""
        if self._found is not None:
            return self._found.get(name, default)
        wanted = name.encode("latin-1")
        for each, value in self._raw:
            if each == wanted and wanted not in self.hidden:
                return value.decode("latin-1")
        return default

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


class OwnHeaders(LazyHeaders):
    """For a tenant's own host, whose cookies are the tenant's."""

    __slots__ = ()

    hidden = frozenset()


def header(lines: Lines, name: bytes) -> bytes:
    """Return the first value of a header, empty when there is none."""
    for each, value in lines:
        if each == name:
            return value
    return b""


def request_id(lines: Lines) -> str:
    """Return the caller's own request id when it is one that may be passed on, else nothing."""
    given = header(lines, b"x-request-id")
    if given and len(given) <= LONGEST_ID and ID_CHARACTERS.issuperset(given):
        return given.decode("ascii")
    return ""
