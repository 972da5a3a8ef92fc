"""What a document takes in from brokers outside.

Whatever a consumer receives becomes a message of the document's bus (`private_topics.py`) before the broker is told
that it is kept. So it is a row like any other message: in order per key, tried again, a dead letter in the end.
"""

import base64
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import orjson

from apps.engine.hops import BEGINNING, Way, way_from_outside
from apps.engine.module import Context
from apps.engine.outcome import StepFailed
from apps.engine.ports import NewRun
from apps.engine.private_topics import come_from
from apps.engine.topics import TopicTable
from apps.engine.wires import Wire, WireMessage

SECTION = "messaging"


class OutsideBroker(Protocol):
    """What a module type offers to be a broker outside."""

    name: str

    async def wire(self, context: Context) -> Wire:
        """Return the broker's wire, secrets filled in; raise `StepFailed`."""

    async def opened(self, message: WireMessage, context: Context) -> Any:
        """Return the payload of a received message; raise `StepFailed` when it cannot be read."""

    def group(self, usual: str) -> str:
        """Return the name of the consumer group, `usual` where the document does not say."""


@dataclass(frozen=True)
class Arrival:
    """A received message as the document's bus gets it; `refusal` says why it does not, `way` how far it has come."""

    topic: str
    payload: Any
    key: str | None
    identity: str
    refusal: StepFailed | None = None
    way: Way = BEGINNING


@dataclass(frozen=True)
class Feed:
    """One broker outside, and the topics as the document's subscriptions write them."""

    broker: OutsideBroker
    topics: tuple[str, ...]

    @property
    def name(self) -> str:
        """The broker's module."""
        return self.broker.name

    @cached_property
    def _table(self) -> TopicTable[bool]:
        return TopicTable((topic, True) for topic in self.topics)

    async def arrivals(self, received: Sequence[WireMessage], context: Context) -> list[Arrival]:
        """Return what the document takes in of what was received; a broker's patterns may bring more along."""
        return [await self._arrival(message, context) for message in received if self._table.find(message.topic)]

    async def _arrival(self, message: WireMessage, context: Context) -> Arrival:
        topic = come_from(self.name, message.topic)
        way = way_from_outside(message.headers)
        try:
            return Arrival(topic, await self.broker.opened(message, context), message.key, message.identity, way=way)
        except StepFailed as refusal:
            return Arrival(topic, None, message.key, message.identity, refusal)


def refusing_entry(broker: str) -> str:
    """Return the entry of the program of messages that cannot be taken in."""
    return f"refuse:{broker}"


def refused_run(broker: str, topic: str, refusal: StepFailed) -> NewRun:
    """Return the run that fails in the place of a message that cannot be taken in, so that somebody sees it."""
    error = {"code": refusal.code, "message": refusal.message}
    return NewRun(
        entry=refusing_entry(broker),
        data={"topic": topic, "error": error},
        section=SECTION,
        action=topic,
        workflow=broker,
        source="message",
    )


def decoded(body: bytes) -> Any:
    """Return the payload that a body stands for: JSON, else text, else bytes as `{"base64": ...}`."""
    with suppress(orjson.JSONDecodeError):
        return orjson.loads(body)
    with suppress(UnicodeDecodeError):
        return body.decode()
    return {"base64": base64.b64encode(body).decode()}
