"""Counters, gauges and histograms of one application, rendered as Prometheus text.

`Samples` is plain memory. A host that is one process keeps them there; one of several processes drains each and adds
the parts up where all of them can (`runs/adapters/metrics.py`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import orjson

BUCKET_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
MOST_SERIES = 10_000

# name -> (type, help): what hosts and drivers feed (spec/modules.md 3.5, D30).
SAMPLE_FAMILIES: dict[str, tuple[str, str]] = {
    "workflow_executions_total": ("counter", "Finished runs by workflow type, action and status."),
    "workflow_duration_seconds": ("histogram", "Duration of runs."),
    "http_requests_total": ("counter", "Requests by method, route and status code."),
    "http_request_duration_seconds": ("histogram", "Duration of requests."),
    "module_operations_total": ("counter", "Calls of modules by operation and status."),
    "active_workflows": ("gauge", "Runs that are not finished."),
}

ACTIVE = "active_workflows"
TOTAL = len(BUCKET_BOUNDS) + 1  # the part of a histogram that is its sum; those before are its buckets

Labels = tuple[tuple[str, str], ...]
Part = tuple[bytes, float]  # one number with the name it has outside of this process, and what to add to it


@dataclass(slots=True)
class _Histogram:
    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKET_BOUNDS) + 1))
    total: float = 0.0

    def add(self, seconds: float) -> None:
        place = next((i for i, bound in enumerate(BUCKET_BOUNDS) if seconds <= bound), len(BUCKET_BOUNDS))
        self.counts[place] += 1
        self.total += seconds


class Samples:
    """The samples of one scope; new label sets beyond `most_series` are dropped, so a caller cannot fill memory."""

    def __init__(self, most_series: int = MOST_SERIES) -> None:
        self._most = most_series
        self._numbers: dict[str, dict[Labels, float]] = {}
        self._histograms: dict[str, dict[Labels, _Histogram]] = {}

    def count(self, name: str, labels: Mapping[str, str], amount: float = 1.0) -> None:
        """Add to a counter."""
        self.change(name, labels, amount)

    def change(self, name: str, labels: Mapping[str, str], amount: float) -> None:
        """Add to a gauge or counter."""
        series = self._numbers.setdefault(name, {})
        key = tuple(labels.items())
        if key in series or len(series) < self._most:
            series[key] = series.get(key, 0.0) + amount

    def observe(self, name: str, labels: Mapping[str, str], seconds: float) -> None:
        """Add one duration to a histogram."""
        series = self._histograms.setdefault(name, {})
        key = tuple(labels.items())
        if key in series or len(series) < self._most:
            series.setdefault(key, _Histogram()).add(seconds)

    def show_active(self, counts: Mapping[str, int]) -> None:
        """Say how many runs are unfinished, by section."""
        self._numbers[ACTIVE] = {(("workflow_type", section),): float(count) for section, count in counts.items()}

    def drain(self) -> list[Part]:
        """Return everything as parts, and forget it."""
        numbers, self._numbers = self._numbers, {}
        histograms, self._histograms = self._histograms, {}
        parts = [
            (_part_name(name, labels, None), value)
            for name, series in numbers.items()
            for labels, value in series.items()
        ]
        for name, kept in histograms.items():
            for labels, histogram in kept.items():
                amounts = [*histogram.counts, histogram.total]
                parts += [(_part_name(name, labels, place), amount) for place, amount in enumerate(amounts) if amount]
        return parts

    def absorb(self, parts: Iterable[Part]) -> None:
        """Add parts that were drained, here or elsewhere."""
        for written, amount in parts:
            name, pairs, place = orjson.loads(written)
            labels: Labels = tuple((key, value) for key, value in pairs)
            if place is None:
                self.change(name, dict(labels), amount)
                continue
            histogram = self._histograms.setdefault(name, {}).setdefault(labels, _Histogram())
            if place == TOTAL:
                histogram.total += amount
            else:
                histogram.counts[place] += int(amount)

    async def page(self, prefix: str = "") -> str:
        """Return all samples of this process (the `Metrics` port)."""
        return self.render(prefix)

    def render(self, prefix: str = "") -> str:
        """Return the Prometheus text format, families in order of their names."""
        lines: list[str] = []
        for name in sorted({*self._numbers, *self._histograms}):
            kind, text = SAMPLE_FAMILIES.get(name, ("untyped", name))
            full = prefix + name
            lines += [f"# HELP {full} {text}", f"# TYPE {full} {kind}"]
            for labels, value in self._numbers.get(name, {}).items():
                lines.append(f"{full}{_braces(labels)} {_number(value)}")
            for labels, histogram in self._histograms.get(name, {}).items():
                lines += _histogram_lines(full, labels, histogram)
        return "\n".join(lines) + "\n" if lines else ""


def _part_name(name: str, labels: Labels, place: int | None) -> bytes:
    return orjson.dumps([name, labels, place])


def _histogram_lines(name: str, labels: Labels, histogram: _Histogram) -> list[str]:
    lines = []
    running = 0
    for bound, count in zip([*map(_number, BUCKET_BOUNDS), "+Inf"], histogram.counts, strict=True):
        running += count
        lines.append(f"{name}_bucket{_braces((*labels, ('le', bound)))} {running}")
    lines.append(f"{name}_sum{_braces(labels)} {_number(histogram.total)}")
    lines.append(f"{name}_count{_braces(labels)} {running}")
    return lines


def _braces(labels: Labels) -> str:
    inside = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels)
    return f"{{{inside}}}" if inside else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
