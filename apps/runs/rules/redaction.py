"""Keep credentials out of stored payloads: values under telling names are replaced before a row is written."""

import re
from typing import Any

import orjson

from apps.engine.run.program import HIDDEN

TELLING = re.compile(r"pass(word|wd|phrase)|secret|token|authorization|api_?key|credential", re.IGNORECASE)
TELLING_BYTES = re.compile(TELLING.pattern.encode(), re.IGNORECASE)


def redacted(payload: bytes) -> bytes:
    """Return a JSON payload with the values of telling keys replaced; what is not JSON stays as it is."""
    if not _may_tell(payload):
        return payload
    try:
        value = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return payload
    return orjson.dumps(without_credentials(value))


def _may_tell(payload: bytes) -> bool:
    """Whether a telling key may be in there: plain searches, because this is asked of every request."""
    return (
        b"ass" in payload
        or b"ASS" in payload
        or b"ecret" in payload
        or b"oken" in payload
        or b"uthoriz" in payload
        or b"redential" in payload
        or b"pi" in payload
    ) and TELLING_BYTES.search(payload) is not None


def without_credentials(value: Any) -> Any:
    """Return a copy of a JSON tree without the values of telling keys."""
    if isinstance(value, dict):
        return {
            key: HIDDEN if TELLING.search(str(key)) and isinstance(item, str) else without_credentials(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [without_credentials(item) for item in value]
    return value
