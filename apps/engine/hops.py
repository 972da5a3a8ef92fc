"""How far a message has come: over which links between workflows, and how often over a broker outside.

A run that a link made, or that a message from a broker outside started, carries the way so far; so do what it publishes
and the runs that follow. Beyond `MOST_HOPS` it goes no further: what would go round for ever ends as a dead letter.
Outside only the number travels, in a header that others may leave out, copy or make up.
"""

from collections.abc import Mapping

from apps.engine.outcome import StepFailed

HOPS_HEADER = "weft-hops"  # of messages: how many hops led to them
LINKS_HEADER = "weft-links"  # and which, in order
MOST_HOPS = 16
OUTSIDE = "~"  # in the place of a link's id: over a broker outside

Chain = tuple[str, ...]


def chain_of(headers: Mapping[str, str] | None) -> Chain:
    """Return the way that a message of the bus has come."""
    passed = (headers or {}).get(LINKS_HEADER, "")
    return tuple(passed.split(",")) if passed else ()


def chain_headers(chain: Chain) -> dict[str, str]:
    """Return the headers of what is published by work that a way led to."""
    return {HOPS_HEADER: str(len(chain)), LINKS_HEADER: ",".join(chain)} if chain else {}


def chain_from_outside(headers: Mapping[str, str]) -> Chain:
    """Return the way of a message from a broker outside: none where nobody counts, or not as we do."""
    said = headers.get(HOPS_HEADER, "")
    if not (said.isascii() and said.isdigit()):
        return ()
    return (OUTSIDE,) * min(int(said[:4]), MOST_HOPS)


def headers_outside(hops: int) -> dict[str, str]:
    """Return the headers of a message that is sent to a broker outside; raise `StepFailed` after too many hops."""
    if hops >= MOST_HOPS:
        told = f"The message has come over {MOST_HOPS} brokers and links, and goes no further."
        raise StepFailed(told, code="broker.loop")
    return {HOPS_HEADER: str(hops + 1)}
