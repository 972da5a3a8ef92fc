"""What an answer from outside means to a step: fine, not now, or no; and what of it is kept."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from apps.engine.module import Context
from apps.engine.outcome import StepFailed, TryAgain
from apps.engine.ports import HttpReply

TRY_AGAIN = frozenset({408, 425, 429})
MOST_KEPT = 4096  # bytes of an answer that a run keeps with an error


def answered(reply: HttpReply, name: str, code: str, context: Context) -> None:
    """Raise `TryAgain` (`<code>.not_now`) or `StepFailed` (`<code>.refused`) unless the answer is a 2xx."""
    if 200 <= reply.status < 300:
        return
    text = f"{name}: the answer was {reply.status}."
    if reply.status >= 500 or reply.status in TRY_AGAIN:
        raise TryAgain(text, after=pause_asked(reply, context.unit.clock.now()), code=f"{code}.not_now")
    raise StepFailed(text, code=f"{code}.refused", data={"status": reply.status, "body": kept(reply)}, status=502)


def pause_asked(reply: HttpReply, now: datetime) -> float | None:
    """Return the seconds that an answer's `Retry-After` asks for."""
    return retry_after(reply.headers.get("retry-after", ""), now)


def retry_after(value: str, now: datetime) -> float | None:
    """Return the seconds that a `Retry-After` header asks for, in either of its forms."""
    value = value.strip()
    if value.isdecimal() and value.isascii():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - now).total_seconds())


def kept(reply: HttpReply) -> Any:
    """Return an answer's body: JSON when it is and is short, else the beginning of its text."""
    if len(reply.body) <= MOST_KEPT:
        try:
            return orjson.loads(reply.body)
        except orjson.JSONDecodeError:
            pass
    return reply.body[:MOST_KEPT].decode("utf-8", "replace")
