"""Carries messages over NATS: what the document publishes goes there, and its subscriptions take in what comes.

What is published leaves with the work that published it, as a durable run: a server that is away is waited for, for a
day. Each message carries the header `weft-message-id`, the same over all tries, so that receivers may drop repeats.
Topics are subjects; subscriptions may be patterns, with `*` for one segment and `**` for any number.

Where a JetStream stream has the subject, a message counts as published when the stream has it, and each workflow hears
the stream by a durable consumer of its own: what comes in is acknowledged when it is stored, so nothing is lost while
the product stops. Other subjects are plain NATS: what nobody listens to at the time is gone.

`url` is `nats://host:4222`, `tls://host` for TLS, or several with commas; it may carry `user:password@` or `token@`,
best as a whole in a secret (`${NATS_URL}`). As a step it takes `{topic, message, key}`.
"""

from typing import ClassVar
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import Field, field_validator

from apps.engine.config_types import SettingsModel, TemplateText
from apps.engine.late_text import LateText
from apps.engine.module import Context
from apps.engine.outcome import StepFailed
from apps.engine.placeholders import is_template
from apps.engine.wires import NATS, Wire
from apps.modules.catalog.messaging._outside_broker import OutsideBroker

SCHEMES = ("nats", "tls")
USUAL_PORT = 4222
MOST_SERVERS = 50


class MessagingNatsConfig(SettingsModel):
    """Settings of `messaging.nats`."""

    ignored_keys: ClassVar[frozenset[str]] = frozenset({"topics", "description"})

    url: TemplateText = Field("nats://localhost:4222", min_length=1, description="Where the server is.")

    @field_validator("url")
    @classmethod
    def _sound(cls, value: str) -> str:
        if not is_template(value):
            servers_of(value)
        return value


class MessagingNats(OutsideBroker[MessagingNatsConfig]):
    """A NATS server."""

    kind = "messaging.nats"
    title = "NATS"
    Config = MessagingNatsConfig

    def __init__(self, name: str, config: MessagingNatsConfig) -> None:
        super().__init__(name, config)
        self._url = LateText(config.url)

    async def wire(self, context: Context) -> Wire:
        """Return the server's wire; raise `StepFailed`."""
        try:
            servers = servers_of(str(await self._url.fill(context)))
        except ValueError as problem:
            raise StepFailed(f"{self.name}: {problem}.", code="broker.bad_address") from None
        name, password = (unquote(part or "") for part in (servers[0].username, servers[0].password))
        is_token = bool(name) and servers[0].password is None
        return Wire(
            NATS,
            tuple(_address(server) for server in servers),
            is_encrypted=servers[0].scheme == "tls",
            username="" if is_token else name,
            password=password,
            token=name if is_token else "",
        )


def servers_of(url: str) -> list[SplitResult]:
    """Return the servers that a text names; raise `ValueError`, whose message shows no credentials."""
    found = []
    for written in url.split(","):
        parts = urlsplit(written.strip() if "://" in written else f"nats://{written.strip()}")
        try:
            port = parts.port
        except ValueError:
            port = 0
        if parts.scheme not in SCHEMES or not parts.hostname or port == 0:
            raise ValueError("the url is no nats://host:port")
        found.append(parts)
    if len(found) > MOST_SERVERS:
        raise ValueError(f"the url names more than {MOST_SERVERS} servers")
    return found


def _address(server: SplitResult) -> str:
    host = f"[{server.hostname}]" if ":" in str(server.hostname) else str(server.hostname)
    return f"{host}:{server.port or USUAL_PORT}"
