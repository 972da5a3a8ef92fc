"""One benchmark figure as JSON: what we do, what the baseline of the same run does, and the ratio aimed at."""

import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(slots=True)
class Figure:
    """`ours` and `baseline` are rates per second (medians over rounds); `target` is the ratio to reach."""

    name: str
    ours: float
    baseline: float
    target: float
    ratio: float = 0.0
    met: bool = False
    details: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ratio = round(self.ours / self.baseline, 3) if self.baseline else 0.0
        self.met = self.ratio >= self.target

    def emit(self) -> None:
        """Print one JSON line."""
        sys.stdout.write(json.dumps(asdict(self)) + "\n")
        sys.stdout.flush()


def rate(work: Callable[[], None], *, per_call: int, seconds: float) -> float:
    """Return how many items per second `work` does, each call doing `per_call`."""
    work()
    done, began = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - began) < seconds:
        work()
        done += per_call
    return done / elapsed


def alternate(
    ours: Callable[[], float], baseline: Callable[[], float], *, rounds: int
) -> tuple[float, float, list[float]]:
    """Measure the two in turn, so that a busy neighbour hits both; return the medians and our single rounds."""
    mine: list[float] = []
    theirs: list[float] = []
    for _ in range(rounds):
        mine.append(ours())
        theirs.append(baseline())
    return statistics.median(mine), statistics.median(theirs), mine
