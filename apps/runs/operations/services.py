"""Put together what a serving process needs, from the settings."""

from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings

from apps.core.outbound import Outbound
from apps.core.scope import SYSTEM, scope
from apps.engine.addresses import AllowList
from apps.engine.local.wiring import LiveWires
from apps.runs.adapters.cache import RedisCaches
from apps.runs.adapters.guard import AddressGuard
from apps.runs.adapters.live import LiveHints
from apps.runs.adapters.metrics import SharedSamples
from apps.runs.adapters.pools import Pools
from apps.runs.adapters.services import Services
from apps.runs.adapters.threads import in_thread
from apps.runs.operations.applications import Applications
from apps.tenants.queries import secret_value


def services_make(
    applications: Applications, *, app_size: int | None = None, relay_size: int | None = None
) -> Services:
    """Build the services of one event loop; nothing is opened yet."""
    pools = Pools(
        settings.DATABASE_URL,
        settings.DATABASE_RELAY_URL,
        app_size=app_size or settings.DATABASE_POOL_APP,
        relay_size=relay_size or settings.DATABASE_POOL_RELAY,
        is_pooled=_server(settings.DATABASE_DIRECT_URL) != _server(settings.DATABASE_RELAY_URL),
    )
    may_reach = AllowList(settings.OUTBOUND_ALLOW).admits
    caches = RedisCaches(settings.REDIS_URL, may_reach)
    return Services(
        pools=pools,
        http=Outbound(),
        wires=LiveWires(may_reach),
        secrets=secret_lookup,
        live_place=applications.usable,
        compiled_place=applications.live,
        hints=LiveHints(settings.REDIS_URL),
        caches=caches,
        samples=SharedSamples(caches, applications.samples),
        database_guard=AddressGuard(settings.OUTBOUND_ALLOW).address_of,
        data_folder=Path(settings.DATA_DIR) / "databases",
    )


def _server(url: str) -> tuple[str | None, int | None]:
    parts = urlsplit(url)
    return parts.hostname, parts.port


async def secret_lookup(tenant_id: UUID, environment_id: UUID, name: str) -> str | None:
    """Decrypt one secret, now."""

    def find() -> str | None:
        with scope(tenant_id, SYSTEM, read_only=True):
            return secret_value(environment_id=environment_id, reference=name)

    return await in_thread(find)
