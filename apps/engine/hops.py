"""How far work has come: over which links between workflows and brokers outside, and how many messages deep it is.

Work carries its way, and so does all that follows from it: the messages it publishes, the runs they become, the runs
that those start. Beyond `MOST_HOPS` links and brokers, or `MOST_DEEP` messages and runs one after the other, it goes no
further: what would go round for ever ends as a failed run. Outside only the number of hops travels, in a header that
others may leave out, copy or make up.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from apps.engine.outcome import StepFailed

HOPS_HEADER = "weft-hops"  # of messages: how many hops led to them
LINKS_HEADER = "weft-links"  # and which, in order
DEPTH_HEADER = "weft-depth"  # how deep the work was that published them, where it was not a beginning
MOST_HOPS = 16
# A passage on the bus costs one run of the tenant's own, so a ring of a thousand does no harm, and a job that goes
# through pages by messages to itself, which is a ring that ends, has a thousand of them.
MOST_DEEP = 1_000
OUTSIDE = "~"  # in the place of a link's id: over a broker outside


@dataclass(frozen=True, slots=True)
class Way:
    """What led to a piece of work; a request, a schedule or a person is a beginning."""

    links: tuple[str, ...] = ()  # links between workflows, in order, and `OUTSIDE` for each broker outside
    depth: int = 0  # how many messages, and runs started by runs, one after the other

    @property
    def is_too_deep(self) -> bool:
        """Whether this work comes after so many that it looks like a ring."""
        return self.depth > MOST_DEEP

    def on(self) -> "Way":
        """Return the way of what this work starts."""
        return replace(self, depth=self.depth + 1)

    def headers(self) -> dict[str, str]:
        """Return the headers of what this work publishes."""
        found = {DEPTH_HEADER: str(self.depth)} if self.depth else {}
        return found | ({HOPS_HEADER: str(len(self.links)), LINKS_HEADER: ",".join(self.links)} if self.links else {})


BEGINNING = Way()


def way_of(headers: Mapping[str, str] | None) -> Way:
    """Return the way of the work that takes a message of the bus in."""
    said = headers or {}
    passed = said.get(LINKS_HEADER, "")
    return Way(tuple(passed.split(",")) if passed else (), _number(said.get(DEPTH_HEADER, ""), MOST_DEEP) + 1)


def way_from_outside(headers: Mapping[str, str]) -> Way:
    """Return the way of a message from a broker outside: none where nobody counts, or not as we do."""
    return Way((OUTSIDE,) * _number(headers.get(HOPS_HEADER, ""), MOST_HOPS))


def headers_outside(hops: int) -> dict[str, str]:
    """Return the headers of a message that is sent to a broker outside; raise `StepFailed` after too many hops."""
    if hops >= MOST_HOPS:
        told = f"The message has come over {MOST_HOPS} brokers and links, and goes no further."
        raise StepFailed(told, code="broker.loop")
    return {HOPS_HEADER: str(hops + 1)}


def refuse_ring(way: Way, *, started: bool = False) -> None:
    """Raise `StepFailed` for a message, or a run `started` by another, that comes after too many."""
    if way.is_too_deep:
        what, code = ("run is started", "run.loop") if started else ("message comes", "message.loop")
        told = f"The {what} after {MOST_DEEP} messages and runs that led to one another, and goes no further."
        raise StepFailed(told, code=code)


def _number(said: str, most: int) -> int:
    return min(int(said[:9]), most) if said.isascii() and said.isdigit() else 0
