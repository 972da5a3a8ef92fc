"""What a cache may hold, the same on every host."""

from typing import Any

import orjson

from apps.engine.outcome import StepFailed

LARGEST_VALUE = 1_048_576
LARGEST_TENANT = 32 * LARGEST_VALUE  # all caches of a tenant together
LONGEST_KEY = 500
MOST_ITEMS = 10_000  # of one module
MOST_KEYS = 1_000  # in one call


def encoded(key: str, value: Any) -> bytes:
    """Return a value as JSON; raise `StepFailed` `cache.too_large` for one that no cache takes."""
    try:
        content = orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
    except TypeError as error:
        raise StepFailed(f"The value of {key!r} is not JSON: {error}.", code="cache.not_json", status=422) from None
    if len(content) > LARGEST_VALUE:
        message = f"The value of {key!r} has {len(content)} bytes as JSON; a cache takes {LARGEST_VALUE}."
        raise StepFailed(message, code="cache.too_large", status=413)
    return content
