"""Keeps objects in a bucket of an S3 service, Amazon's or any that speaks its protocol.

As a step it takes `{action, key}`: `put` stores `body` (or `content`) under `contentType`, text as text and anything
else as JSON, bytes as base64 with `encoding: base64`; `get` returns `{key, body, contentType, size, etag}`, or null
when there is no such object; `delete` removes it, whether it was there or not; `list` returns
`{items, count, isTruncated}` of those whose keys begin with `prefix`, `limit` at a time behind the key `after`.

As the handler of a subscription, hook or job, or in a flow, it writes each message as an object whose key is
topic/date/uuid. A repeat of the same step writes the same object again.

`endpoint` is the address of another service than Amazon's (`https://minio.example:9000`); the bucket is then a part of
the path. Requests are signed with `accessKeyId` and `secretAccessKey`, which are the secrets `AWS_ACCESS_KEY_ID` and
`AWS_SECRET_ACCESS_KEY` unless said otherwise; an empty `accessKeyId` sends them unsigned, as public buckets allow. What
the service refuses for now (429, 5xx) or does not answer is tried again by the run; any other refusal ends the step.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from apps.engine.config_types import SettingsModel, TemplateText
from apps.engine.late_text import LateText
from apps.engine.module import Category, Context, Effect, Module, ModulePort
from apps.engine.outcome import StepFailed
from apps.engine.placeholders import is_template
from apps.engine.ports import HttpReply
from apps.engine.run.program import RetryPolicy
from apps.engine.step_input import read_input
from apps.modules.catalog.storage._s3_answers import error_code, listed, refuse
from apps.modules.catalog.storage._s3_request import BYTES_TYPE, ObjectRequest, content_of, value_of
from apps.modules.catalog.storage._s3_signing import Credentials, encoded_path, encoded_query, signed

SECONDS = 30.0
USUAL_REGION = "us-east-1"
BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]")
REGION = re.compile(r"[a-z0-9-]{1,40}")
ENDPOINT = re.compile(r"https?://[A-Za-z0-9.\-:\[\]]+(/[A-Za-z0-9._~/-]*)?")
LONGEST_TOPIC = 400
NOT_IN_KEYS = re.compile(r"[^A-Za-z0-9._/-]")


class StorageS3Config(SettingsModel):
    """Settings of `storage.s3`."""

    ignored_keys: ClassVar[frozenset[str]] = frozenset({"description"})

    bucket: TemplateText = Field(min_length=1, description="The bucket; 3 characters and more.")
    region: TemplateText = Field(USUAL_REGION, description="The region that the bucket is in.")
    endpoint: TemplateText = Field("", description="The address of the service; Amazon's own when empty.")
    access_key_id: TemplateText = Field("${AWS_ACCESS_KEY_ID}", description="Who signs; unsigned when empty.")
    secret_access_key: TemplateText = Field(
        "${AWS_SECRET_ACCESS_KEY}", description="What it is signed with, as ${SECRET}."
    )

    @field_validator("region")
    @classmethod
    def _usual(cls, value: str) -> str:
        return value or USUAL_REGION

    @field_validator("bucket", "region", "endpoint")
    @classmethod
    def _sound(cls, value: str, info: Any) -> str:
        if value and not is_template(value) and not SOUND[info.field_name].fullmatch(value):
            raise ValueError(f"{value!r} is no {info.field_name}")
        return value


SOUND = {"bucket": BUCKET, "region": REGION, "endpoint": ENDPOINT}


class StorageS3(Module[StorageS3Config]):
    """One bucket."""

    kind = "storage.s3"
    title = "S3 bucket"
    category = Category.STORAGE
    Config = StorageS3Config
    effect = Effect.IDEMPOTENT
    retry = RetryPolicy(timeout_seconds=SECONDS + 5.0)
    inputs = (ModulePort("request", "data", "`{action, key, body}`, or a message to keep."),)
    outputs = (ModulePort("object", "data", "The object, null, or what was done with it."),)

    def __init__(self, name: str, config: StorageS3Config) -> None:
        super().__init__(name, config)
        self._place = LateText({key: getattr(config, key) for key in SOUND})
        self._key_id = LateText(config.access_key_id)
        self._secret = LateText(config.secret_access_key)

    async def run(self, payload: Any, context: Context) -> Any:
        """Do what a step asks; raise `TryAgain` or `StepFailed` unless the service did it."""
        asked = read_input(
            ObjectRequest, payload, asked=f"{self.name} cannot do what the step asks.", code="s3.invalid"
        )
        if asked.action == "put":
            content, usual_type = content_of(asked.body, asked.encoding)
            return await self._put(asked.key, content, asked.content_type or usual_type, context)
        if asked.action == "list":
            query = {"list-type": "2", "max-keys": str(asked.limit), "prefix": asked.prefix, "start-after": asked.after}
            reply = await self._ask("GET", "", context, query={name: said for name, said in query.items() if said})
            refuse(reply, self.name, context)
            return listed(reply, self.name)
        reply = await self._ask("GET" if asked.action == "get" else "DELETE", asked.key, context)
        is_missing = reply.status == 404 and error_code(reply) in ("NoSuchKey", "")
        if not is_missing:
            refuse(reply, self.name, context)
        if asked.action == "delete":
            return {"key": asked.key, "deleted": True}
        return None if is_missing else _shown(asked.key, reply)

    async def take(self, message: Any, context: Context) -> dict[str, Any]:
        """Write a message as an object; return its key, size and etag."""
        content, content_type = content_of(message)
        topic = NOT_IN_KEYS.sub("_", context.action or self.name)[:LONGEST_TOPIC]
        parts = ["_" if part in (".", "..") else part for part in topic.split("/") if part]
        key = "/".join((*parts, _day(context), str(context.step_id or context.run_id)))
        return await self._put(key, content, content_type, context)

    async def _put(self, key: str, content: bytes, content_type: str, context: Context) -> dict[str, Any]:
        reply = await self._ask("PUT", key, context, headers={"content-type": content_type}, body=content)
        refuse(reply, self.name, context)
        return {"key": key, "size": len(content), "etag": _etag(reply)}

    async def _ask(
        self,
        method: str,
        key: str,
        context: Context,
        *,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        body: bytes = b"",
    ) -> HttpReply:
        place = await self._place.fill(context)
        for name, pattern in SOUND.items():
            if (place[name] or name != "endpoint") and not pattern.fullmatch(str(place[name])):
                raise StepFailed(f"{self.name}: the {name} is not one.", code=f"s3.bad_{name}")
        base, path = _address(place["bucket"], place["region"], place["endpoint"])
        path += f"/{key}" if key else "" if path else "/"
        sent = await self._signed(method, base, path, query or {}, headers or {}, body, place["region"], context)
        url = base + encoded_path(path) + (f"?{encoded_query(query)}" if query else "")
        return await context.unit.http.request(method, url, headers=sent, body=body, timeout=SECONDS, redirects=False)

    async def _signed(
        self,
        method: str,
        base: str,
        path: str,
        query: dict[str, str],
        headers: dict[str, str],
        body: bytes,
        region: str,
        context: Context,
    ) -> dict[str, str]:
        key_id = str(await self._key_id.fill(context))
        if not key_id:
            return headers
        credentials = Credentials(key_id, str(await self._secret.fill(context)), region)
        if not key_id.isprintable() or not key_id.isascii():
            raise StepFailed(f"{self.name}: the accessKeyId is not one.", code="s3.bad_access_key")
        host = urlsplit(base).netloc
        return signed(method, host, path, query, headers, body, context.unit.clock.now(), credentials)


def _address(bucket: str, region: str, endpoint: str) -> tuple[str, str]:
    """Return scheme and host, and the path before the key: the bucket is in one or the other."""
    if endpoint:
        parts = urlsplit(endpoint)
        return f"{parts.scheme}://{parts.netloc}", f"{parts.path.rstrip('/')}/{bucket}"
    host = f"s3.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}"
    if "." in bucket:  # the service's certificate holds for one name below its own
        return f"https://{host}", f"/{bucket}"
    return f"https://{bucket}.{host}", ""


def _shown(key: str, reply: HttpReply) -> dict[str, Any]:
    content_type = reply.headers.get("content-type", BYTES_TYPE)
    about = {"contentType": content_type, "size": len(reply.body), "etag": _etag(reply)}
    return {"key": key, **value_of(reply.body, content_type), **about}


def _etag(reply: HttpReply) -> str:
    return reply.headers.get("etag", "").strip('"')


def _day(context: Context) -> str:
    """Return the date of the run, which its id tells: a try after midnight writes to the same key."""
    if context.run_id.version == 7:
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=context.run_id.int >> 80)
    else:
        at = context.unit.clock.now()
    return at.strftime("%Y-%m-%d")
