"""Idempotency-Key of tenants' routes: the key, the effects and the answer are one transaction (data.md 4)."""

import base64
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson

from apps.core.sealing import ANSWER_BODY, opened, seal
from apps.engine.http import Request, Response
from apps.engine.ids import uuid7
from apps.engine.sections.answers import problem
from apps.runs.adapters.session import Session
from apps.runs.adapters.sql import Statements

SQL = Statements("idempotency")
LONGEST_KEY = 255


@dataclass(frozen=True, slots=True)
class Caller:
    """What makes two requests the same: where they go, who sends them, their key and their content."""

    scope: str
    key: str
    digest: bytes

    @classmethod
    def of(cls, scope: str, authorization: bytes, key: str, body: bytes) -> "Caller":
        """Build one; the principal is known by a digest of what it authenticates with."""
        principal = sha256(authorization).hexdigest()[:16] if authorization else ""
        return cls(f"{scope}|{principal}", key, sha256(body).digest())


async def answer_before(session: Session, caller: Caller, request: Request) -> Response | None:
    """Return the stored answer or a refusal (409 running, 422 other content); None when the request is the first."""
    rows = await session.rows(SQL.take, (f"{session.tenant_id}|{caller.scope}|{caller.key}",))
    if not rows[0][0]:
        response = problem(409, "idempotency.running", "A request with this key is still running.", request)
        response.headers.append((b"retry-after", b"1"))
        return response
    found = await session.rows(SQL.find, (session.tenant_id, caller.scope, caller.key))
    if not found:
        return None
    digest, status, headers, body = found[0]
    if bytes(digest) != caller.digest:
        said = "This key was used with another body; send another key for another request."
        return problem(422, "idempotency.other_content", said, request)
    return _stored(status, headers, opened(body, session.tenant_id, ANSWER_BODY))


async def keep_answer(session: Session, caller: Caller, response: Response) -> None:
    """Store the answer beside what the request did: headers and body in one envelope."""
    headers = {
        "content-type": response.content_type.decode("latin-1"),
        "headers": [[_text(name), _text(value)] for name, value in response.headers],
    }
    answer = seal(orjson.dumps(headers) + b"\n" + response.body, session.tenant_id, ANSWER_BODY)
    values = (caller.scope, caller.key, caller.digest, response.status, "{}", answer)
    await session.change(SQL.keep, (uuid7(), session.tenant_id, *values))


def _stored(status: int, headers: Any, body: bytes) -> Response:
    kept = headers if isinstance(headers, dict) else orjson.loads(headers)
    if not kept:
        written, _, body = body.partition(b"\n")
        kept = orjson.loads(written)
    pairs = [(_bytes(name), _bytes(value)) for name, value in kept.get("headers", [])]
    pairs.append((b"idempotency-replayed", b"true"))
    return Response(status, body, kept["content-type"].encode("latin-1"), pairs)


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _bytes(value: str) -> bytes:
    return base64.b64decode(value)
