"""What a step asks of an object store, and how contents become bytes and bytes contents."""

import base64
import binascii
from typing import Any, Literal

import orjson
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, model_validator

from apps.engine.config_types import WholeNumber
from apps.engine.outcome import Rejected

LONGEST_KEY = 1024  # bytes that the service takes
JSON_TYPE = "application/json"
TEXT_TYPE = "text/plain; charset=utf-8"
BYTES_TYPE = "application/octet-stream"


class ObjectRequest(BaseModel):
    """One action on one object, or on those whose keys begin with a text."""

    model_config = ConfigDict(extra="forbid")

    action: Literal["put", "get", "delete", "list"]
    key: str = ""
    body: Any = Field(None, validation_alias=AliasChoices("body", "content"))
    content_type: str = Field("", validation_alias="contentType", pattern=r"^[\x20-\x7e]{0,200}$")
    encoding: Literal["", "base64"] = ""
    prefix: str = Field("", max_length=LONGEST_KEY)
    after: str = Field("", max_length=LONGEST_KEY)
    limit: WholeNumber = Field(100, ge=1, le=1000)

    @model_validator(mode="after")
    def _sound(self) -> "ObjectRequest":
        if self.action != "list":
            _check_key(self.key)
        if self.action == "put" and "body" not in self.model_fields_set:
            raise ValueError("a body is needed to put an object")
        return self


def _check_key(key: str) -> None:
    if not key:
        raise ValueError("a key is needed")
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        raise ValueError("the key is not text") from None
    if size > LONGEST_KEY:
        raise ValueError(f"a key has {LONGEST_KEY} bytes at most")
    # Stores and proxies that tidy paths would take these for another object, or another bucket.
    if any(part in (".", "..") for part in key.split("/")):
        raise ValueError("a key has no parts . and ..")


def content_of(body: Any, encoding: str = "") -> tuple[bytes, str]:
    """Return what is stored of a value, and its media type: text as text, base64 as bytes, the rest as JSON."""
    if encoding == "base64":
        try:
            return base64.b64decode(body, validate=True), BYTES_TYPE
        except (binascii.Error, ValueError, TypeError):
            errors = [{"pointer": "/body", "message": "must be base64"}]
            raise Rejected("The body is not base64.", errors=errors, code="s3.invalid", status=422) from None
    if isinstance(body, str):
        return body.encode("utf-8", "replace"), TEXT_TYPE
    return orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS, default=str), JSON_TYPE


def value_of(content: bytes, content_type: str) -> dict[str, Any]:
    """Return stored bytes as `{body}`: JSON by their media type, else text, else base64, which `encoding` then says."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == JSON_TYPE or media_type.endswith("+json"):
        try:
            return {"body": orjson.loads(content)}
        except orjson.JSONDecodeError:
            pass
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:  # no database keeps it in a text
        return {"body": base64.b64encode(content).decode(), "encoding": "base64"}
    return {"body": text}
