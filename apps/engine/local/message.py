"""A message as it is kept: published by a unit, or told by the host itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from apps.engine.ids import uuid7
from apps.engine.local.store import encode


@dataclass(frozen=True, slots=True)
class Message:
    """A message as published."""

    id: UUID
    topic: str
    payload: bytes
    key: str | None
    headers: bytes

    @classmethod
    def new(
        cls, topic: str, payload: Any, *, key: str | None = None, headers: Mapping[str, str] | None = None
    ) -> "Message":
        """Return a message with an id of its own."""
        return cls(uuid7(), topic, encode(payload), key, encode(dict(headers or {})))
