"""What a process holds and looks up: memory of a loaded application, routes a second, topic matches a second.

    .venv/bin/python -m tests.load.bench_tables

Look-ups in a large table are compared with those in a small one of the same run: a table that is searched in proportion
to its size would have a ratio of 0.002 and 0.0001. Memory is what Python's allocator counts, compared with the bound of
performance.md 2, P9, for one application; what all applications share (the catalogue, code) is loaded before.
"""

import argparse
import gc
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from apps.engine.compile import compile_document
from apps.engine.registry import Registry, discover
from apps.engine.routes import RouteTable
from apps.engine.topics import TopicTable
from apps.modules import catalog
from tests.load.bench_engine import document_of
from tests.load.figures import Figure, alternate, rate

FEW_ROUTES, MANY_ROUTES = 10, 5_000
FEW_TOPICS, MANY_TOPICS = 10, 100_000
LOOK_UPS = 1_000
SAMPLES = 10  # different look-ups of one measurement, all of which find something
BYTES_PER_APPLICATION = 200_000  # performance.md 2, P9
EXAMPLE = Path(__file__).parents[2] / "examples" / "order_processing" / "workflow.yaml"


@dataclass(frozen=True, slots=True)
class Route:
    """A route of the table that is measured."""

    method: str
    pattern: str


def routes_of(count: int) -> RouteTable[Route]:
    """Return a table of plain routes, routes with a parameter and routes that take the rest, a third each."""
    forms = ("/r{}/plain", "/r{}/{{id}}/parts", "/r{}/files/{{path...}}")
    return RouteTable([Route("GET", forms[number % 3].format(number)) for number in range(count)])


def topics_of(count: int) -> TopicTable[int]:
    """Return a table of plain topics, patterns with one star and patterns with two, a third each."""
    forms = ("t{}.made", "t{}.*", "t{}.**.done")
    return TopicTable((forms[number % 3].format(number), number) for number in range(count))


def _spread(count: int) -> list[int]:
    return [number * count // SAMPLES for number in range(SAMPLES)]


def routing(count: int) -> Callable[[], None]:
    """Return work that finds `LOOK_UPS` routes in a table of `count`."""
    table = routes_of(count)
    forms = ("/r{}/plain", "/r{}/7/parts", "/r{}/files/a/b")
    paths = [forms[number % 3].format(number) for number in _spread(count)]
    if any(table.match("GET", path).route is None for path in paths):
        raise SystemExit("the benchmark's own routes are not found")

    def work() -> None:
        for _ in range(LOOK_UPS // SAMPLES):
            for path in paths:
                table.match("GET", path)

    return work


def matching(count: int) -> Callable[[], None]:
    """Return work that finds `LOOK_UPS` subscriptions in a table of `count`."""
    table = topics_of(count)
    forms = ("t{}.made", "t{}.moved", "t{}.a.b.done")
    topics = [forms[number % 3].format(number) for number in _spread(count)]
    if any(len(table.find(topic)) != 1 for topic in topics):
        raise SystemExit("the benchmark's own topics are not found")

    def work() -> None:
        for _ in range(LOOK_UPS // SAMPLES):
            for topic in topics:
                table.find(topic)

    return work


def measure_look_ups(
    name: str, kind: Callable[[int], Callable[[], None]], sizes: tuple[int, int], seconds: float, rounds: int
) -> Figure:
    """Look-ups a second in a table of the larger size, against the smaller one."""
    few, many = (kind(size) for size in sizes)
    mine, theirs, single = alternate(
        lambda: rate(many, per_call=LOOK_UPS, seconds=seconds),
        lambda: rate(few, per_call=LOOK_UPS, seconds=seconds),
        rounds=rounds,
    )
    rounded = [round(value) for value in single]
    return Figure(name, round(mine), round(theirs), target=0.25, details={"sizes": sizes, "rounds": rounded})


def bytes_held(registry: Registry, applications: int) -> int:
    """Return the bytes that so many compiled applications hold, each from a document of its own."""
    text = EXAMPLE.read_text(encoding="utf-8")
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        held = [compile_document(document_of(text), registry) for _ in range(applications)]
        gc.collect()  # what is not held
        after, _ = tracemalloc.get_traced_memory()
        return after - before if held else 0
    finally:
        tracemalloc.stop()


def measure_memory(registry: Registry, applications: int) -> Figure:
    """Applications of `examples/order_processing` in ten megabytes, against what the bound allows."""
    compile_document(document_of(EXAMPLE.read_text(encoding="utf-8")), registry)
    each = bytes_held(registry, applications) / applications
    return Figure(
        "loaded applications in 10 MB",
        ours=round(10_000_000 / each, 1),
        baseline=10_000_000 / BYTES_PER_APPLICATION,
        target=1.0,
        details={"bytes": round(each), "applications": applications},
    )


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--applications", type=int, default=50)
    options = parser.parse_args()
    for_time = (options.seconds, options.rounds)
    measure_look_ups("routes, 10 : 5,000", routing, (FEW_ROUTES, MANY_ROUTES), *for_time).emit()
    measure_look_ups("topics, 10 : 100,000 subscriptions", matching, (FEW_TOPICS, MANY_TOPICS), *for_time).emit()
    measure_memory(discover(catalog), options.applications).emit()


if __name__ == "__main__":
    main()
