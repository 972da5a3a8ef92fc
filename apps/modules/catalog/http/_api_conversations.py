"""Conversations behind `api.handler` (spec/modules.md 7, 7.3, 7.4; chat.md 4): what the collection of that name gets.

It is for documents with a handler whose `resourceName` is `conversations`, and for those handlers beside it that follow
the same state machine: what is posted to one of them, such as a carrier's webhook, begins a conversation.

A new conversation knows its first message (`messages`), who wrote, the carrier, and what the text tells of (`tags`,
`riskLevel`). It belongs to a program: that of the keyword its text begins with, else of the number written to, else of
the carrier, else the first. Keywords and programs are records of the document's collections of those names; a document
without them has no programs. What the caller says itself is never changed, and a level never falls.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from apps.engine.fields import FieldMapping
from apps.engine.http import Request
from apps.engine.module import Context
from apps.engine.ports import Resource
from apps.engine.routes import segments
from apps.modules.catalog.components._risks import highest, risks_of

HOME = "conversations"
PREFIX = "conv-"
KEYWORDS, PROGRAMS = "keywords", "programs"
MOST_RECORDS = 1_000
FIRST_WORD = re.compile(r"\w+")
# What carriers call things, behind the names of the field mapping.
SENDERS = ("from", "From", "originationNumber", "sender", "sessionId")
NUMBERS = ("shortCode", "toNumber", "To", "to", "destinationNumber", "recipient")
BODIES = ("messageBody",)
ENVELOPE = "Message"  # a text that holds an object, as SNS sends it
NO_CARRIER = frozenset({"message", "messages", "webhook", "webhooks", HOME})  # last parts of an address that name none
# What a conversation has of the resource that began it.
CARRIED = (
    *("body", "from", "provider", "messages", "riskLevel", "tags"),
    *("programId", "programName", "affiliateId", "subProgram", "keyword"),
)


@dataclass(frozen=True, slots=True)
class Conversing:
    """What a handler does for conversations."""

    kinds: frozenset[str]  # collections that the document has
    fields: FieldMapping

    async def begin(self, resource: Resource, request: Request, context: Context) -> None:
        """Complete the data of a new resource that is not stored yet."""
        data = resource.data = dict(resource.data)
        sent = _opened(data)
        body = self._body(sent)
        for name, value in (("from", _first(sent, SENDERS)), ("provider", _carrier(request))):
            if value is not None and self.fields.read(data, name) is None:
                self.fields.write(data, name, value)
        if body and self.fields.primary("body") not in data:
            self.fields.write(data, "body", body)
        if not isinstance(self.fields.read(data, "messages"), list):
            self.fields.write(data, "messages", [self._message(body, data, context)] if body else [])
        self.scan(resource, [body])
        await self._assign(data, sent, body, context)

    def scan(self, resource: Resource, texts: Iterable[str]) -> None:
        """Add what texts tell of to the tags; the level may rise."""
        risks = risks_of(texts)
        data, fields = resource.data, self.fields
        had = [tag for tag in fields.read_list(data, "tags") if isinstance(tag, str)]
        if risks or not isinstance(fields.read(data, "tags"), list):
            fields.write(data, "tags", list(dict.fromkeys([*had, *risks])))
        fields.write(data, "riskLevel", highest([fields.read_text(data, "riskLevel"), *risks.values()]))

    def carried(self, resource: Resource, context: Context) -> dict[str, Any]:
        """Return the data of the conversation that a resource begins."""
        told = {name: self.fields.read(resource.data, name) for name in CARRIED}
        known = {name: value for name, value in told.items() if value is not None}
        return known | {"createdAt": context.unit.clock.now().isoformat()}

    def _body(self, sent: Mapping[str, Any]) -> str:
        found = self.fields.read(sent, "body") or _first(sent, BODIES)
        return found.strip() if isinstance(found, str) else ""

    def _message(self, body: str, data: Mapping[str, Any], context: Context) -> dict[str, Any]:
        sender = self.fields.read(data, "from")
        told = {"body": body, "direction": "inbound", "status": "delivered"}
        told["timestamp"] = context.unit.clock.now().isoformat()
        return told | ({"from": sender} if sender is not None else {})

    async def _assign(self, data: dict[str, Any], sent: Mapping[str, Any], body: str, context: Context) -> None:
        """Say the program and what follows from it, where nobody said one."""
        programs = await self._records(PROGRAMS, context)
        named = self.fields.read(data, "programId")
        if named is None:
            keyword = _keyword(body, await self._records(KEYWORDS, context))
            for name in ("keyword", "subProgram"):
                if keyword.get(name) is not None:
                    data.setdefault(name, keyword[name])
            named = keyword.get("programId") or _program(sent, self.fields.read(data, "provider"), programs)
            if named is None:
                return
            self.fields.write(data, "programId", named)
        program = programs.get(str(named), {})
        for name, said in (("programName", "name"), ("affiliateId", "affiliateId")):
            if program.get(said) is not None and self.fields.read(data, name) is None:
                self.fields.write(data, name, program[said])

    async def _records(self, kind: str, context: Context) -> dict[str, dict[str, Any]]:
        if kind not in self.kinds:
            return {}
        return {found.key: found.data for found in await context.unit.resources.page(kind, limit=MOST_RECORDS)}


def conversation_key(key: str) -> str:
    """Return the id of the conversation that a resource begins."""
    return key if key.startswith(PREFIX) else f"{PREFIX}{key}"


def _opened(data: dict[str, Any]) -> dict[str, Any]:
    """Return what was sent, with the object that an envelope holds as a text."""
    held = data.get(ENVELOPE)
    if not isinstance(held, str) or not held.lstrip().startswith("{"):
        return data
    try:
        inside = orjson.loads(held)
    except orjson.JSONDecodeError:
        return data
    return {**inside, **data} if isinstance(inside, dict) else data


def _first(data: Mapping[str, Any], names: Iterable[str]) -> Any:
    return next((data[name] for name in names if data.get(name) not in (None, "")), None)


def _carrier(request: Request) -> str | None:
    """Return the last part of the address that names somebody: `twilio` of `/webhooks/twilio`."""
    named = [part for part in segments(request.route) if not part.startswith("{") and part not in NO_CARRIER]
    return named[-1] if len(named) > 1 else None


def _keyword(body: str, records: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    found = FIRST_WORD.search(body)
    word = found[0].upper() if found else ""
    return next((record for record in records.values() if word and str(record.get("keyword")).upper() == word), {})


def _program(sent: Mapping[str, Any], carrier: Any, programs: Mapping[str, Mapping[str, Any]]) -> str | None:
    numbers = {str(sent[name]) for name in NUMBERS if sent.get(name) not in (None, "")}
    by_number = (name for name, record in programs.items() if str(record.get("shortCode")) in numbers)
    by_carrier = (name for name, record in programs.items() if carrier in _listed(record.get("providers")))
    return next(by_number, None) or next(by_carrier, None) or next(iter(programs), None)


def _listed(said: Any) -> list[Any]:
    return said if isinstance(said, list) else [said]
