"""Keep credentials out of stored payloads: values under telling names are replaced before a row is written."""

import re
from typing import Any

import orjson

TELLING = re.compile(r"pass(word|wd|phrase)|secret|token|authorization|api_?key|credential", re.IGNORECASE)
HIDDEN = "[redacted]"
SIGNS = (b"assw", b"assphrase", b"ecret", b"oken", b"uthoriz", b"pi_key", b"piKey", b"pikey", b"redential")


def redacted(payload: bytes) -> bytes:
    """Return a JSON payload with the values of telling keys replaced; what is not JSON stays as it is."""
    if not any(sign in payload for sign in SIGNS):
        return payload
    try:
        value = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return payload
    return orjson.dumps(without_credentials(value))


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
