"""JSON pointers (RFC 6901) to what is wrong in a body."""

from typing import Any


def step(key: str) -> str:
    """Return one step of a pointer."""
    return key.replace("~", "~0").replace("/", "~1")


def pointers(detail: Any, at: str = "") -> list[dict[str, str]]:
    """Flatten a serializer's errors into [{pointer, message}] with JSON pointers."""
    if isinstance(detail, dict):
        steps = [("" if key == "non_field_errors" else f"/{step(str(key))}", value) for key, value in detail.items()]
    elif isinstance(detail, list) and any(isinstance(value, dict | list) for value in detail):
        steps = [(f"/{index}", value) for index, value in enumerate(detail)]
    elif isinstance(detail, list):
        return [{"pointer": at, "message": str(value)} for value in detail]
    else:
        return [{"pointer": at, "message": str(detail)}]
    return [found for name, value in steps for found in pointers(value, at + name)]
