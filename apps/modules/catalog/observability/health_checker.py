"""Says whether an application is well: `/healthz`, `/readyz`, `/livez`, also as `/health`, `/ready`, `/live`.

Health is the worst of what the document's stores, databases, brokers outside and proxies report: healthy, degraded or
unhealthy (503). Ready means that the application is started and all of them are healthy. Live means that it answers at
all.
"""

from typing import Any, ClassVar

from apps.engine.config_types import SettingsModel
from apps.engine.http import Request, Response
from apps.engine.module import Category, Context, Links, Module, ModulePort
from apps.engine.outcome import StepFailed, TryAgain

ORDER = ("healthy", "degraded", "unhealthy")
PATHS = ("/healthz", "/health", "/readyz", "/ready", "/livez", "/live")


class HealthCheckerConfig(SettingsModel):
    """`health.checker` has no settings."""

    ignored_keys: ClassVar[frozenset[str]] = frozenset({"description"})


class HealthChecker(Module[HealthCheckerConfig]):
    """The health addresses of an application."""

    kind = "health.checker"
    title = "Health"
    category = Category.OBSERVABILITY
    Config = HealthCheckerConfig
    inputs = (ModulePort("reports", "service", "Modules that can say how they are."),)
    outputs = (ModulePort("health", "http", "The health pages."),)

    def __init__(self, name: str, config: HealthCheckerConfig) -> None:
        super().__init__(name, config)
        self._reporters: dict[str, Any] = {}

    def link(self, links: Links) -> None:
        """Find every module that reports."""
        self._reporters = {name: module for name, module in links.modules.items() if hasattr(module, "health")}

    def mounts(self) -> list[tuple[str, str]]:
        """Serve both sets of addresses where no route does."""
        return [("GET", path) for path in PATHS]

    async def handle(self, request: Request, context: Context) -> Response:
        """Answer by the last part of the address."""
        question = request.path.rstrip("/").rpartition("/")[2].removesuffix("z")
        if question == "live":
            return Response.json({"status": "alive"})
        checks = await self._checks(context)
        worst = max((check["status"] for check in checks.values()), key=ORDER.index, default="healthy")
        if question == "ready":
            ready = worst == "healthy"
            return Response.json({"status": "ready" if ready else "not_ready"}, 200 if ready else 503)
        return Response.json({"status": worst, "checks": checks}, 503 if worst == "unhealthy" else 200)

    async def _checks(self, context: Context) -> dict[str, dict[str, str]]:
        checks = {}
        for name, module in self._reporters.items():
            try:
                status, message = await module.health(context)
            except (StepFailed, TryAgain, OSError) as failure:
                status, message = "degraded", str(failure)
            checks[name] = {"status": status, "message": message} if message else {"status": status}
        return checks
