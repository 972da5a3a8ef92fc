"""What is published to NATS: over one connection per server, to JetStream where there is a stream."""

import asyncio
from typing import Any
from urllib.parse import quote

import nats.errors

from apps.engine.local.nats_client import TROUBLE, NatsClient, Streams, connected
from apps.engine.local.outbound import MayReach
from apps.engine.local.wire_reach import Reach
from apps.engine.outcome import StepFailed
from apps.engine.wires import MESSAGE_ID, MESSAGE_KEY, Wire, WireMessage

LONGEST_SUBJECT = 500
DEDUPLICATION_HEADER = "Nats-Msg-Id"


class NatsSender:
    """A connection to publish over; made by `open`."""

    def __init__(self, client: NatsClient, reach: Reach) -> None:
        self._client, self._reach = client, reach
        self._streams = Streams(client)

    @classmethod
    async def open(cls, wire: Wire, may_reach: MayReach) -> "NatsSender":
        """Connect; raise `TryAgain` or `StepFailed`."""
        reach = Reach(may_reach)
        return cls(await connected(wire, reach), reach)

    async def publish(self, message: WireMessage, timeout: float) -> dict[str, Any]:
        """Send one message and wait for the stream's word, or where there is none for the server's."""
        subject = message.topic
        if not is_subject(subject):
            raise StepFailed(f"{subject!r} is no subject of NATS.", code="broker.bad_topic")
        headers = dict(message.headers)
        if MESSAGE_ID in headers:
            headers[DEDUPLICATION_HEADER] = headers[MESSAGE_ID]
        if message.key is not None:
            headers[MESSAGE_KEY] = quote(message.key)
        try:
            async with asyncio.timeout(timeout):
                stream = await self._streams.of(subject)
                if stream:
                    js = self._client.jetstream()
                    kept = await js.publish(subject, message.body, timeout=timeout, headers=headers)
                    return {"topic": subject, "stream": kept.stream, "sequence": kept.seq}
                await self._client.publish(subject, message.body, headers=headers)
                await self._client.flush()
                return {"topic": subject}
        except nats.errors.MaxPayloadError:
            raise StepFailed("The message is larger than NATS takes.", code="broker.refused") from None
        except TROUBLE as problem:
            raise self._reach.failure(problem) from problem

    async def close(self) -> None:
        """Give the connection up."""
        await self._client.drop()


async def check_nats(wire: Wire, may_reach: MayReach, timeout: float) -> None:
    """Return when the server answers."""
    reach = Reach(may_reach)
    try:
        async with asyncio.timeout(timeout):
            client = await connected(wire, reach)
            try:
                await client.flush()
            finally:
                await client.drop()
    except TROUBLE as problem:
        raise reach.failure(problem) from problem


def is_subject(topic: str) -> bool:
    """Whether a topic can be published to."""
    parts = topic.split(".")
    return len(topic) <= LONGEST_SUBJECT and all(
        part and part.isprintable() and not any(sign in part for sign in " *>") for part in parts
    )
