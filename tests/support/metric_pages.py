"""Reading a page in the Prometheus text format."""

from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families


@dataclass(frozen=True)
class MetricPage:
    """The samples of a page by full name, and the names of its families as the text writes them."""

    samples: dict[str, list[tuple[dict[str, str], float]]]
    families: frozenset[str]

    def value(self, name: str, **labels: str) -> float | None:
        """Return the sample with exactly these labels, None when there is none."""
        return next((value for found, value in self.samples.get(name, []) if found == labels), None)


def metrics_of(text: str) -> MetricPage:
    """Read a page."""
    samples: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            samples.setdefault(sample.name, []).append((sample.labels, sample.value))
    told = (line.split(" ")[2] for line in text.splitlines() if line.startswith("# TYPE "))
    return MetricPage(samples, frozenset(told))
