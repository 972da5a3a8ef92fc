"""The header lines of a request, looked at without decoding those that nobody asks for."""

from collections.abc import Iterator, Mapping
from typing import Any

Lines = list[tuple[bytes, bytes]]
Given = dict[bytes, bytes]
ID_CHARACTERS = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-")
LONGEST_ID = 128


class LazyHeaders(Mapping[str, str]):
    """Headers as a mapping, decoded when somebody looks; for a tenant that shares the portal's origin (`/w/`)."""

    __slots__ = ("_found", "_given")

    hidden = frozenset({b"cookie"})  # it is the portal's

    def __init__(self, given: Given) -> None:
        self._given = given
        self._found: dict[str, str] | None = None

    def _all(self) -> dict[str, str]:
        if self._found is None:
            self._found = {
                name.decode("latin-1"): value.decode("latin-1")
                for name, value in reversed(self._given.items())
                if name not in self.hidden
            }
        return self._found

    def __getitem__(self, name: str) -> str:
        return self._all()[name]

    def get(self, name: str, default: Any = None) -> Any:
        """Return one header without decoding the others."""
        wanted = name.encode("latin-1", "replace")
        value = self._given.get(wanted)
        return default if value is None or wanted in self.hidden else value.decode("latin-1")

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


class OwnHeaders(LazyHeaders):
    """For a tenant's own host, whose cookies are the tenant's."""

    __slots__ = ()

    hidden = frozenset()


def given_headers(lines: Lines) -> Given:
    """Return the headers of a request by name: of several lines of one name the first, the last name first."""
    return dict(reversed(lines))


def forwarded_for(lines: Lines) -> list[str]:
    """Return the addresses of `X-Forwarded-For`, the nearest proxy's word last.

    Of all its lines: a proxy may add one of its own below that of the caller, who must not be believed in its place.
    """
    said = b",".join([value for name, value in lines if name == b"x-forwarded-for"]).decode("latin-1")
    return [address for part in said.split(",") if (address := part.strip())]


def request_id(given: Given) -> str:
    """Return the caller's own request id when it is one that may be passed on, else nothing."""
    said = given.get(b"x-request-id")
    if said and len(said) <= LONGEST_ID and ID_CHARACTERS.issuperset(said):
        return said.decode("ascii")
    return ""
