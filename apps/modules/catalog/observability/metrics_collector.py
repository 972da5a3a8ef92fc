"""Shows what an application does as Prometheus metrics, at `/metrics`.

Counted are runs and their durations by section and action, requests and their durations by route, calls of modules,
and runs in progress. `namespace` goes in front of every name. The figures are those of all processes that serve the
document; what another process has just counted shows a second later.
"""

import re
from typing import ClassVar

from pydantic import Field

from apps.engine.config_types import SettingsModel
from apps.engine.http import Request, Response
from apps.engine.module import Category, Context, Module, ModulePort

TEXT_FORMAT = b"text/plain; version=0.0.4; charset=utf-8"


class MetricsCollectorConfig(SettingsModel):
    """Settings of `metrics.collector`."""

    ignored_keys: ClassVar[frozenset[str]] = frozenset({"description", "collectInterval"})

    namespace: str = Field(
        "",
        pattern=r"^([a-zA-Z_][a-zA-Z0-9_.-]*)?$",
        description="Put in front of every metric's name; dots and dashes become underscores there.",
    )


class MetricsCollector(Module[MetricsCollectorConfig]):
    """The metrics address of an application."""

    kind = "metrics.collector"
    aliases = ("core.metrics",)
    title = "Metrics"
    category = Category.OBSERVABILITY
    Config = MetricsCollectorConfig
    inputs = (ModulePort("samples", "event", "What every run and request leaves."),)
    outputs = (ModulePort("metrics", "http", "The metrics page."),)

    def mounts(self) -> list[tuple[str, str]]:
        """Serve `/metrics` when no route does."""
        return [("GET", "/metrics")]

    async def handle(self, request: Request, context: Context) -> Response:
        """Answer with all samples."""
        prefix = f"{re.sub('[.-]', '_', self.config.namespace)}_" if self.config.namespace else ""
        return Response(200, (await context.unit.metrics.page(prefix)).encode(), TEXT_FORMAT)
