"""Counters of tenants' traffic: plain integers on the hot path, turned into Prometheus families when scraped."""

from collections.abc import Iterator
from weakref import WeakValueDictionary

from prometheus_client import REGISTRY
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

BUCKETS = 26  # bucket n holds durations below 2**n microseconds; the last one everything else
MOST_ROUTES = 20_000
Key = tuple[str, str, str, str]  # tenant, environment, workflow, route


class Tally:
    """What one route has answered."""

    __slots__ = ("by_class", "durations", "total_us")

    def __init__(self) -> None:
        self.by_class = [0] * 6  # by the first digit of the status
        self.durations = [0] * (BUCKETS + 1)
        self.total_us = 0

    def add(self, status: int, microseconds: int) -> None:
        """Count one answer."""
        self.by_class[status // 100] += 1
        power = microseconds.bit_length()
        self.durations[power if power < BUCKETS else BUCKETS] += 1
        self.total_us += microseconds


class Load:
    """How many requests of one tenant are being answered now, and how many answers are being streamed."""

    __slots__ = ("__weakref__", "in_flight", "streams")

    def __init__(self) -> None:
        self.in_flight = 0
        self.streams = 0


class Traffic(Collector):
    """All tallies of one process."""

    def __init__(self) -> None:
        self._tallies: dict[Key, Tally] = {}
        self._rest = Tally()
        self._loads: WeakValueDictionary[str, Load] = WeakValueDictionary()
        self.refused: dict[str, int] = {}
        self.in_flight = 0
        self.streams = 0

    def register(self) -> None:
        """Show the counters under `/metrics` of this process."""
        REGISTRY.register(self)

    def unregister(self) -> None:
        """Take them out again."""
        REGISTRY.unregister(self)

    def tally(self, key: Key) -> Tally:
        """Return the tally of a route; beyond a bound all further routes share one."""
        found = self._tallies.get(key)
        if found is None:
            if len(self._tallies) >= MOST_ROUTES:
                return self._rest
            found = self._tallies[key] = Tally()
        return found

    def load(self, tenant: str) -> Load:
        """Return the one load of a tenant that all its routes share."""
        found = self._loads.get(tenant)
        if found is None:
            found = self._loads[tenant] = Load()
        return found

    def refuse(self, why: str) -> None:
        """Count a request that reached no route."""
        self.refused[why] = self.refused.get(why, 0) + 1

    def collect(self) -> Iterator[CounterMetricFamily | HistogramMetricFamily | GaugeMetricFamily]:
        """Give Prometheus the families."""
        labels = ["tenant", "environment", "workflow", "route"]
        answers = CounterMetricFamily("weft_ingress_answers", "Answers by status class", labels=[*labels, "class"])
        durations = HistogramMetricFamily("weft_ingress_seconds", "Time to answer", labels=labels)
        for key, tally in [*self._tallies.items(), (("", "", "", "other"), self._rest)]:
            for digit, count in enumerate(tally.by_class):
                if count:
                    answers.add_metric([*key, f"{digit}xx"], count)
            if any(tally.durations):
                durations.add_metric(list(key), _cumulative(tally.durations), tally.total_us / 1e6)
        refused = CounterMetricFamily("weft_ingress_refused", "Requests that reached no route", labels=["why"])
        for why, count in self.refused.items():
            refused.add_metric([why], count)
        yield answers
        yield durations
        yield refused
        yield GaugeMetricFamily("weft_ingress_in_flight", "Requests being answered", value=self.in_flight)
        yield GaugeMetricFamily("weft_ingress_streams", "Answers being streamed", value=self.streams)


def _cumulative(durations: list[int]) -> list[tuple[str, float]]:
    total = 0
    buckets: list[tuple[str, float]] = []
    for power, count in enumerate(durations):
        total += count
        bound = "+Inf" if power == BUCKETS else repr((1 << power) / 1e6)
        buckets.append((bound, total))
    return buckets
