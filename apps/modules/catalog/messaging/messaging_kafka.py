"""Carries messages over Kafka: what the document publishes goes there, and its subscriptions take in what comes.

What is published leaves with the work that published it, as a durable run: a broker that is away is waited for, for a
day. Each record carries the header `weft-message-id`, the same over all tries, so that consumers may drop repeats;
records with a key keep their order. What comes in is stored before the group's offset moves, so nothing is lost when
the product stops; a group that has no offset yet begins with what comes from then on. Topics may be patterns, with `*`
for one segment and `**` for any number.

With a secret `ENCRYPTION_KEY` payloads travel as `{"_encrypted": "enc::..."}`, and keys as digests; what cannot be
decrypted is a failed run and the group goes on. As a step it takes `{topic, message, key}` and answers with partition
and offset. `username` and `password` (as `${SECRET}`) sign in by `mechanism`, over TLS with `tls: true`.
"""

import re
from dataclasses import replace
from typing import Any, ClassVar, Literal

import orjson
from pydantic import AliasChoices, Field, field_validator

from apps.engine.config_types import LateWords, SettingsModel, TemplateText
from apps.engine.feeds import decoded
from apps.engine.field_encryption import KEY_NAME, Unreadable, blind, cipher_of, decrypted, encrypted
from apps.engine.late_text import LateText
from apps.engine.module import Context
from apps.engine.outcome import StepFailed
from apps.engine.placeholders import is_template
from apps.engine.wires import KAFKA, Wire, WireMessage
from apps.modules.catalog.messaging._outside_broker import OutsideBroker

ADDRESS = re.compile(r"([A-Za-z0-9._-]+|\[[0-9a-fA-F:.]+\])(:[0-9]{1,5})?")
USUAL_PORT = 9092
MOST_BROKERS = 50
ENVELOPE = "_encrypted"


class MessagingKafkaConfig(SettingsModel):
    """Settings of `messaging.kafka`."""

    ignored_keys: ClassVar[frozenset[str]] = frozenset({"topics", "description"})

    brokers: LateWords = Field(
        ("localhost:9092",), min_length=1, max_length=MOST_BROKERS, description="Addresses to begin with, host:port."
    )
    group_id: str = Field(
        "workflow-group",
        min_length=1,
        max_length=249,
        validation_alias=AliasChoices("groupId", "groupID"),
        description="The consumer group: its members share what comes.",
    )
    username: TemplateText = Field("", description="Who signs in; nobody when empty.")
    password: TemplateText = Field("", description="The password, best as ${SECRET}.")
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field("PLAIN", description="How to sign in.")
    tls: bool = Field(False, description="Whether to speak over TLS.")

    @field_validator("brokers")
    @classmethod
    def _sound(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for address in value:
            if not is_template(address) and not ADDRESS.fullmatch(address):
                raise ValueError(f"{address!r} is no host:port")
        return value


class MessagingKafka(OutsideBroker[MessagingKafkaConfig]):
    """A Kafka cluster."""

    kind = "messaging.kafka"
    title = "Kafka"
    Config = MessagingKafkaConfig

    def __init__(self, name: str, config: MessagingKafkaConfig) -> None:
        super().__init__(name, config)
        self._late = LateText(
            {"brokers": list(config.brokers), "username": config.username, "password": config.password}
        )

    async def wire(self, context: Context) -> Wire:
        """Return the cluster's wire; raise `StepFailed`."""
        found = await self._late.fill(context)
        written = [each.strip() for address in found["brokers"] for each in str(address).split(",")]
        if not all(ADDRESS.fullmatch(address) for address in written):
            raise StepFailed(f"{self.name}: the brokers are no addresses (host:port).", code="broker.bad_address")
        return Wire(
            KAFKA,
            tuple(address if re.search(r":[0-9]+$", address) else f"{address}:{USUAL_PORT}" for address in written),
            is_encrypted=self.config.tls,
            username=str(found["username"]),
            password=str(found["password"]),
            mechanism=self.config.mechanism,
        )

    def group(self, usual: str) -> str:
        """Return the group that the document names."""
        return self.config.group_id

    async def sealed(self, message: WireMessage, context: Context) -> WireMessage:
        """Put the payload into an envelope where there is a key (spec/modules.md 10.3)."""
        secret = await _key(context)
        if not secret:
            return message
        body = orjson.dumps({ENVELOPE: encrypted(message.body.decode(), cipher_of(secret))})
        return replace(message, body=body, key=None if message.key is None else blind(message.key, secret))

    async def opened(self, message: WireMessage, context: Context) -> Any:
        """Return the payload, out of its envelope; one without an envelope is taken as it is."""
        payload = decoded(message.body)
        sealed = payload.get(ENVELOPE) if isinstance(payload, dict) else None
        secret = await _key(context) if isinstance(sealed, str) else ""
        if not secret:
            return payload
        try:
            return decoded(decrypted(str(sealed), cipher_of(secret)).encode())
        except Unreadable:
            raise StepFailed(
                f"A message of {message.topic} was encrypted with another key.", code="broker.undecipherable"
            ) from None


async def _key(context: Context) -> str:
    try:
        return await context.unit.secrets.get(KEY_NAME)
    except StepFailed as problem:
        if problem.code != "secret.missing":
            raise
        return ""
