"""Every setting of the product, as one typed table of environment variables.

``manage.py doctor --env`` prints this table. Settings modules read it once; nothing else reads ``os.environ``.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin

from pydantic import Field, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent
SECRET: dict[str, Any] = {"secret": True}

Names = Annotated[list[str], NoDecode]


class Setting(NamedTuple):
    """One row of the table."""

    name: str
    field: str
    type: str
    default: str
    description: str
    secret: bool


class Environment(BaseSettings):
    """The table: name, type, default and description of each variable."""

    model_config = SettingsConfigDict(case_sensitive=False, extra="ignore", env_ignore_empty=True)

    secret_key: str = Field(
        "", description="Signs sessions and tokens; required in production.", json_schema_extra=SECRET
    )
    secret_key_fallbacks: Names = Field(
        [], description="Earlier signing keys that are still accepted.", json_schema_extra=SECRET
    )
    encryption_keys: Names = Field(
        [],
        description="Base64 keys of 32 bytes for tenants' payloads and secrets; the first one encrypts, all decrypt.",
        json_schema_extra=SECRET,
    )
    debug: bool = Field(False, description="Django's debug pages; refused in production.")
    allowed_hosts: Names = Field(
        ["localhost", ".localhost", "127.0.0.1", "[::1]"], description="Host names the product answers to; never '*'."
    )
    base_host: str = Field("localhost", description="Tenants are served at <tenant>.<base host>.")
    public_url: str = Field("http://localhost:8000", description="Where people reach the portal; used in links.")
    tls: bool = Field(True, description="Served over TLS: secure cookies and strict transport security.")
    trusted_proxies: int = Field(0, ge=0, le=8, description="How many proxies in front add to X-Forwarded-For.")

    database_url: str = Field("", description="Postgres as role app.", json_schema_extra=SECRET)
    database_relay_url: str = Field("", description="Postgres as role relay.", json_schema_extra=SECRET)
    database_ops_url: str = Field("", description="Postgres as role ops, reading only.", json_schema_extra=SECRET)
    database_owner_url: str = Field(
        "",
        description="Postgres as role owner, for migrate only; a serving process refuses it.",
        json_schema_extra=SECRET,
    )
    database_direct_url: str = Field(
        "",
        description="Postgres past any pooler, for LISTEN; the relay URL when empty. Another host or port than that of "
        "the relay URL says that a pooler in transaction mode stands between.",
        json_schema_extra=SECRET,
    )
    role_prefix: str = Field("weft", pattern="^[a-z][a-z0-9_]*$", description="Postgres roles are <prefix>_owner, ...")
    database_pool_app: int = Field(
        8, ge=1, le=100, description="Connections in each of a process's two pools as app: Django's and the run path's."
    )
    database_pool_relay: int = Field(4, ge=1, le=100, description="Connections in a process's pool as relay.")

    redis_url: str = Field(
        "redis://127.0.0.1:6379/0",
        description="Redis for live pages, rings, signs of life, and what documents cache and measure.",
        json_schema_extra=SECRET,
    )
    broker_url: str = Field(
        "", description="Celery's broker; Redis when empty, RabbitMQ by an amqp URL.", json_schema_extra=SECRET
    )

    email_url: str = Field(
        "file:", description="smtp://user:password@host:port, smtps://..., or file:<folder>.", json_schema_extra=SECRET
    )
    email_from: str = Field("Weft <weft@localhost>", description="Sender of the product's own mail.")
    outbound_allow: Names = Field(
        [], description="Private targets that workflows may call: host, host:port, address or network."
    )
    client_rate: int = Field(
        2000, ge=0, description="Calls a second that one address may make at the ingress of a process; 0 is no limit."
    )
    api_calls_per_minute: int = Field(
        1200, ge=1, description="Calls a minute that one caller may make at the API of a process."
    )
    metrics_token: str = Field(
        "",
        description="Bearer token for /metrics; without one only loopback reads it, and behind trusted proxies nobody.",
        json_schema_extra=SECRET,
    )

    server: Literal["uvicorn", "daphne"] = Field("uvicorn", description="ASGI server that serve, and so dev, runs on.")
    web_host: str = Field("127.0.0.1", description="Address the web process binds to.")
    web_port: int = Field(
        8000, ge=1, le=65535, description="Port of the web process; dev picks another when it is taken."
    )
    web_threads: int = Field(16, ge=1, le=256, description="Threads for portal, API and admin in one web process.")
    worker_threads: int = Field(4, ge=1, le=64, description="Celery threads in one worker process.")
    demo_receiver_url: str = Field("", description="Where the demo's notifications go; dev sets it.")
    drain_seconds: int = Field(25, ge=0, le=300, description="Grace after SIGTERM before connections are closed.")
    data_dir: Path = Field(ROOT / ".weft" / "data", description="Managed files: tenants' SQLite databases, mail.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least severe line logged.")
    log_format: Literal["json", "console"] = Field("json", description="Shape of the log lines.")

    @field_validator("secret_key_fallbacks", "encryption_keys", "allowed_hosts", "outbound_allow", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return [item.strip() for item in value.split(",") if item.strip()] if isinstance(value, str) else value

    @classmethod
    def table(cls) -> list[Setting]:
        """Every setting as it is shown to people."""
        return [_setting(name, field) for name, field in cls.model_fields.items()]

    @property
    def broker(self) -> str:
        """The URL Celery connects to."""
        return self.broker_url or self.redis_url


def _setting(name: str, field: FieldInfo) -> Setting:
    extra = field.json_schema_extra
    default = field.default
    shown = ",".join(default) if isinstance(default, list) else str(default)
    kind = getattr(field.annotation, "__name__", "text")
    if get_args(field.annotation):
        kind = "list" if get_origin(field.annotation) is list else " | ".join(map(str, get_args(field.annotation)))
    secret = isinstance(extra, dict) and bool(extra.get("secret"))
    return Setting(name.upper(), name, kind, shown, field.description or "", secret)


def read_file(path: Path) -> dict[str, str]:
    """``NAME=value`` lines of a remembered environment; empty when there is no such file."""
    if not path.is_file():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
