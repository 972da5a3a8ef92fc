"""Brokers outside: how they are reached, what is sent and received over them (`messaging.kafka`, `messaging.nats`).

The words: a *wire* is a broker with everything needed to speak to it, a *line* is what one consumer hears over it.
`engine/local/wiring.py` fills the port in for both hosts; the host decides which addresses may be reached.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

KAFKA, NATS = "kafka", "nats"
MESSAGE_ID = "weft-message-id"  # header: the same over all tries of one message, so that receivers may drop repeats
MESSAGE_KEY = "weft-key"  # header of brokers whose messages have no key, percent-encoded


@dataclass(frozen=True, slots=True)
class Wire:
    """A broker and how it is spoken to.

    `kind` is `kafka` or `nats`, `addresses` are `host:port`. It holds credentials, so it is made at the last moment,
    and is neither stored nor shown.
    """

    kind: str
    addresses: tuple[str, ...]
    is_encrypted: bool = False  # TLS, by the machine's certificate authorities
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    mechanism: str = "PLAIN"  # of SASL


@dataclass(frozen=True, slots=True)
class WireMessage:
    """A message as it is on the wire.

    `place` is where a received one stands in its broker's log, the same whenever it is delivered again; empty where
    the broker keeps no log.
    """

    topic: str
    body: bytes
    key: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    place: str = ""

    @property
    def identity(self) -> str:
        """What a repeat of the message has as well; empty when nothing tells."""
        sent = self.headers.get(MESSAGE_ID)
        return f"{self.topic} {sent}" if sent else self.place


class WireLine(Protocol):
    """What one consumer hears. A line that breaks is left and opened anew; nothing unsettled is lost by that."""

    async def receive(self) -> Sequence[WireMessage]:
        """Wait for messages, a second or so; return those that came. Raises `TryAgain` when the line is broken."""

    async def settle(self) -> None:
        """Tell the broker that everything received so far is kept; it is not delivered again. Raises `TryAgain`."""


class Wires(Protocol):
    """Brokers outside, guarded like `Http`.

    All raise `TryAgain` (`broker.unreachable`) where another try may succeed, else `StepFailed`
    (`broker.forbidden_target`, `broker.refused`, `broker.bad_topic`).
    """

    async def publish(self, wire: Wire, message: WireMessage, *, timeout: float = 30.0) -> dict[str, Any]:
        """Send one message and wait until the broker has it; return where it stands.

        Kafka tells `{topic, partition, offset}`, NATS `{topic, stream, sequence}` or, without a stream, `{topic}`.
        """

    async def check(self, wire: Wire, *, timeout: float = 5.0) -> None:
        """Return when the broker answers."""

    def listen(self, wire: Wire, topics: Sequence[str], *, group: str) -> AbstractAsyncContextManager[WireLine]:
        """Open a line for topics as subscriptions write them (`engine/topics.py`).

        Consumers of one `group` share what comes, and go on where the group stood.
        """
