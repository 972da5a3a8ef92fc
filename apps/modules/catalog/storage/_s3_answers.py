"""What an object store answers: its refusals and its lists, both in XML."""

import html
import re
from typing import Any
from xml.etree import ElementTree as Xml

from apps.engine.http_answers import TRY_AGAIN, pause_asked
from apps.engine.module import Context
from apps.engine.outcome import StepFailed, TryAgain
from apps.engine.ports import HttpReply

CODE = re.compile(rb"<Code>([A-Za-z0-9._-]{1,100})</Code>")
MESSAGE = re.compile(rb"<Message>([^<]{1,1000})")


def error_code(reply: HttpReply) -> str:
    """Return the service's own word for what is wrong, empty when it says none."""
    found = CODE.search(reply.body)
    return found[1].decode() if found else ""


def refuse(reply: HttpReply, name: str, context: Context) -> None:
    """Raise `TryAgain` (`s3.not_now`) or `StepFailed` (`s3.refused`, with the service's code) unless it is a 2xx."""
    if 200 <= reply.status < 300:
        return
    code = error_code(reply)
    text = f"{name}: the object store answered {reply.status}{f' ({code})' if code else ''}."
    if reply.status >= 500 or reply.status in TRY_AGAIN:
        raise TryAgain(text, after=pause_asked(reply, context.unit.clock.now()), code="s3.not_now")
    said = MESSAGE.search(reply.body)
    message = html.unescape(said[1].decode("utf-8", "replace")) if said else ""
    data = {"status": reply.status, "code": code, "message": message}
    raise StepFailed(text, code="s3.refused", data=data, status=502)


def listed(reply: HttpReply, name: str) -> dict[str, Any]:
    """Return a ListObjectsV2 answer as `{items, count, isTruncated}`; raise `StepFailed` when it is none."""
    try:
        if b"<!DOCTYPE" in reply.body:  # entities multiply; the service has none
            raise Xml.ParseError("a document type")
        root = Xml.fromstring(reply.body)  # noqa: S314 - without a document type there are no entities to expand
        items = [_item(found) for found in root.iterfind("{*}Contents")]
    except (Xml.ParseError, ValueError, LookupError):
        raise StepFailed(f"{name}: the list is not what S3 answers.", code="s3.bad_answer", status=502) from None
    return {"items": items, "count": len(items), "isTruncated": root.findtext("{*}IsTruncated") == "true"}


def _item(found: Xml.Element) -> dict[str, Any]:
    said = {name: found.findtext(f"{{*}}{name}", "") for name in ("Key", "Size", "ETag", "LastModified")}
    return {
        "key": said["Key"],
        "size": int(said["Size"] or 0),
        "etag": said["ETag"].strip('"'),
        "lastModified": said["LastModified"],
    }
