"""The embedded servers as parts of a supervisor: Postgres and Redis under one folder."""

from collections.abc import Mapping
from pathlib import Path

from apps.core.management.local.output import Output
from apps.core.management.local.ports import Ports
from apps.core.management.local.postgres import Postgres
from apps.core.management.local.redis import Redis
from apps.core.management.local.supervisor import Part, Supervisor


def start_postgres(
    supervisor: Supervisor, folder: Path, ports: Ports, settings: Mapping[str, str] | None = None
) -> str:
    """Start the cluster under the folder; returns the superuser's URL."""
    postgres = Postgres(folder / "postgres", settings)
    postgres.prepare()
    port = ports.choose("postgres")
    supervisor.start(Part("postgres", lambda: postgres.program(port), postgres.is_ready))
    return postgres.admin_url(port)


def start_redis(supervisor: Supervisor, folder: Path, ports: Ports, output: Output) -> str:
    """Start the server under the folder; returns its URL."""
    redis = Redis(folder / "redis", output.say)
    port = ports.choose("redis")
    supervisor.start(Part("redis", lambda: redis.program(port), lambda _pid: redis.is_ready(port)))
    return redis.url(port)
