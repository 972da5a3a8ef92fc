"""The addresses of backends in a config."""

from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from apps.engine.config_types import IS_LATE
from apps.engine.late_text import LateText
from apps.engine.module import Context
from apps.engine.outcome import StepFailed
from apps.engine.placeholders import is_template


def _backend(value: str) -> str:
    if not is_template(value):
        problem = url_problem(value)
        if problem:
            raise ValueError(problem)
    return value


def url_problem(value: str) -> str:
    """Say why a text is no address of a backend; empty when it is one."""
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError as error:
        return f"{value!r} is no URL: {error}"
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        return f"{value!r} is no URL; write it like https://backend.example/base"
    return "a URL may not carry credentials; send them in a header" if "@" in parts.netloc else ""


# An address, or a text with ${NAME} for a secret in it.
BackendUrl = Annotated[str, AfterValidator(_backend), Field(json_schema_extra=IS_LATE)]


async def filled(text: LateText, context: Context) -> str:
    """Return an address with its secrets filled in; raise `StepFailed` when that makes none."""
    value = str(await text.fill(context))
    problem = url_problem(value)
    if problem:
        raise StepFailed("The backend's address is no URL.", code="http.bad_url", status=502)
    return value


def is_below(path: str, prefix: str) -> bool:
    """Whether a path is the prefix, or something below it."""
    start = prefix.rstrip("/")
    return path == start or path.startswith(f"{start}/")


def described(value: Any) -> str:
    """Return a URL as an answer may show it, without what stands behind `?`."""
    return str(value).partition("?")[0]
