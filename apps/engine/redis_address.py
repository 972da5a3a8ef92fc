"""Which Redis server a document means (`cache.modular`: `redisURL`, `redisPassword`, `redisDB`, `connectionMaxAge`)."""

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

SCHEMES = {"redis": False, "rediss": True}  # whether it is encrypted
USUAL_PORT = 6379
MOST_DATABASES = 1_048_576


@dataclass(frozen=True, slots=True)
class RedisServer:
    """A server and how it is spoken to.

    It holds credentials, so it is made at the last moment, and is neither stored nor shown. A connection that is older
    than `connection_seconds` is replaced; 0 is never.
    """

    host: str
    port: int = USUAL_PORT
    database: int = 0
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    is_encrypted: bool = False  # TLS, by the machine's certificate authorities
    connection_seconds: float = 0.0


def server_at(url: str, *, password: str = "", database: int | None = None, connection_seconds: float) -> RedisServer:
    """Return the server of `redis://[user:password@]host[:port][/database]`, or `rediss://` for TLS.

    `password` and `database` win over those of the URL. Raises `ValueError`, whose message shows no credentials.
    """
    text = url.strip()
    try:
        parts = urlsplit(text if "://" in text else f"redis://{text}")
        port = USUAL_PORT if parts.port is None else parts.port
    except ValueError:
        port = 0
    if not port or parts.scheme not in SCHEMES or not parts.hostname:
        raise ValueError("the redisURL is no redis://host:port")
    return RedisServer(
        parts.hostname,
        port,
        _database(parts.path) if database is None else database,
        username=unquote(parts.username or ""),
        password=password or unquote(parts.password or ""),
        is_encrypted=SCHEMES[parts.scheme],
        connection_seconds=connection_seconds,
    )


def _database(path: str) -> int:
    said = path.strip("/") or "0"
    if not said.isascii() or not said.isdigit() or int(said[:8]) >= MOST_DATABASES:
        raise ValueError("the redisURL names no database by its number")
    return int(said)
