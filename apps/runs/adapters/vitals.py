"""What only the database knows of the product's health, as Prometheus families: read when scraped (laws 4 and 12)."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import psycopg
import structlog
from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from apps.runs.adapters.sql import Statements

log = structlog.get_logger(__name__)
SQL = Statements("vitals")
REMEMBER_SECONDS = 5.0
CONNECT_SECONDS = 2


@dataclass(slots=True)
class Readings:
    """One look at the database."""

    unowned: int = 0
    last_success: dict[str, float] = field(default_factory=dict)  # sweep -> seconds since 1970
    default_rows: dict[str, int] = field(default_factory=dict)  # table -> rows, counted up to 10,000


class Vitals(Collector):
    """Reads as `relay`, at most once in `remember_seconds`; while the database is away the families are absent.

    `periods` names every sweep with its seconds: one that never succeeded shows 0.
    """

    def __init__(self, url: str, periods: Mapping[str, float], *, remember_seconds: float = REMEMBER_SECONDS) -> None:
        self._url = url
        self._periods = periods
        self._remember_seconds = remember_seconds
        self._known: Readings | None = None
        self._known_at = float("-inf")

    def register(self) -> None:
        """Show them under `/metrics` of this process."""
        REGISTRY.register(self)

    def unregister(self) -> None:
        """Take them out again."""
        REGISTRY.unregister(self)

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Name the families, so that registering does not ask the database."""
        return self._families(Readings())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Give Prometheus the families."""
        found = self._readings()
        if found is not None:
            yield from self._families(found)

    def _readings(self) -> Readings | None:
        if time.monotonic() - self._known_at > self._remember_seconds:
            try:
                self._known = self._read()
            except psycopg.Error as problem:
                log.warning("vitals.unreadable", problem=type(problem).__name__)
                self._known = None
            self._known_at = time.monotonic()
        return self._known

    def _read(self) -> Readings:
        with psycopg.connect(self._url, application_name="weft-vitals", connect_timeout=CONNECT_SECONDS) as connection:
            connection.execute(SQL.patience.encode())
            unowned = connection.execute(SQL.unowned.encode()).fetchone()
            sweeps = connection.execute(SQL.sweeps.encode()).fetchall()
            default_rows = connection.execute(SQL.default_rows.encode()).fetchall()
        return Readings(unowned[0] if unowned else 0, dict(sweeps), dict(default_rows))

    def _families(self, found: Readings) -> Iterator[GaugeMetricFamily]:
        yield GaugeMetricFamily(
            "weft_runs_without_owner_or_reason",
            "Unfinished runs that nobody drives and that say no reason: always 0",
            value=found.unowned,
        )
        succeeded = GaugeMetricFamily(
            "weft_sweep_last_success", "When a sweep last succeeded, seconds since 1970", labels=["sweep"]
        )
        period = GaugeMetricFamily("weft_sweep_period_seconds", "How often a sweep is to succeed", labels=["sweep"])
        for name, seconds in self._periods.items():
            succeeded.add_metric([name], found.last_success.get(name, 0.0))
            period.add_metric([name], seconds)
        held = GaugeMetricFamily(
            "weft_default_partition_rows", "Rows outside the days made so far: always 0", labels=["table"]
        )
        for table, rows in found.default_rows.items():
            held.add_metric([table], rows)
        yield from (succeeded, period, held)
