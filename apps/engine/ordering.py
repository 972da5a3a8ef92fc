"""Names behind what they depend on."""

from collections.abc import Iterable, Mapping

MOST_CYCLES = 20  # told of one document


def dependency_order(depends_on: Mapping[str, Iterable[str]]) -> tuple[list[str], list[list[str]]]:
    """Return the names, each behind what it depends on and else in the order given, and the circles that were cut.

    A circle lists names of which each depends on the next, and the last on the first.
    """
    done: dict[str, None] = {}
    cycles: list[list[str]] = []
    for first in depends_on:
        if first in done:
            continue
        trail: list[str] = [first]
        open_ = {first}
        waiting = [iter(list(depends_on[first]))]
        while trail:
            following = next(waiting[-1], None)
            if following is None:
                waiting.pop()
                finished = trail.pop()
                open_.discard(finished)
                done.setdefault(finished)
            elif following in open_:
                if len(cycles) < MOST_CYCLES:
                    cycles.append(trail[trail.index(following) :])
            elif following in depends_on and following not in done:
                trail.append(following)
                open_.add(following)
                waiting.append(iter(list(depends_on[following])))
    return list(done), cycles
