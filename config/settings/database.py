"""Databases: one alias per Postgres role (``app`` serves, ``ops`` reads for operators, ``owner`` migrates)."""

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from config.env import Environment

Database = dict[str, Any]
OPERATORS = {"min_size": 0, "max_size": 2, "timeout": 10}  # few people, and all they do is read


def database(url: str, *, pool: dict[str, int] | None = None) -> Database:
    """Django's form of a ``postgresql://`` URL; nothing in it that a pooler in transaction mode would refuse."""
    parts = urlsplit(url)
    options: dict[str, Any] = dict(parse_qsl(parts.query))
    options.setdefault("application_name", "weft")
    if pool:
        options["pool"] = pool
    return {
        "ENGINE": "django_prometheus.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "OPTIONS": options,
        "CONN_MAX_AGE": 0,
        "DISABLE_SERVER_SIDE_CURSORS": True,
        "ATOMIC_REQUESTS": False,
    }


def databases(env: Environment) -> dict[str, Database]:
    """``default`` is the role app; ``owner`` exists only where its URL is given, for ``migrate``."""
    pool = {"min_size": 1, "max_size": env.database_pool_app, "timeout": 10}
    known = {
        "default": database(env.database_url, pool=pool),
        "ops": database(env.database_ops_url, pool=OPERATORS),
    }
    if env.database_owner_url:
        known["owner"] = database(env.database_owner_url)
    return known
