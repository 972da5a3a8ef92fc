"""What `api.handler` answers with, and who may see what."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from apps.engine.fields import FieldMapping
from apps.engine.http import Request, Response
from apps.engine.outcome import Rejected
from apps.engine.ports import Instance, Resource
from apps.engine.sections.answers import body_of, problem

NEVER_SHOWN = "password"
_OF_INSTANCE = frozenset({"id", "instanceId", "workflowType", NEVER_SHOWN})
EVERYBODY = "*"
OWNER = "userId"  # logical name of the field that says whose a resource is
LONGEST_ID = 200
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
PLAIN = re.compile(r"[A-Za-z0-9._~-]*")  # what percent-encoding leaves as it is
PLAIN_PATH = re.compile(r"[A-Za-z0-9._~/-]*")
PATH_SAFE = "/:@!$&'()*+,;=-._~"


def refused(request: Request, status: int, code: str, text: str, **extra: Any) -> Response:
    """Answer a refusal as problem+json that also has the `error` key of the reference format."""
    return problem(status, code, text, request, error=text, **extra)


def shown(resource: Resource) -> dict[str, Any]:
    """Return the JSON form of a resource; a password is never in it."""
    data = resource.data
    if NEVER_SHOWN in data:
        data = {key: value for key, value in data.items() if key != NEVER_SHOWN}
    answer: dict[str, Any] = {"id": resource.key, "data": data}
    if resource.state is not None:
        answer["state"] = resource.state
    if resource.updated_at is not None:
        answer["lastUpdate"] = resource.updated_at.isoformat()
    return answer


def enriched(resource: Resource, instance: Instance | None) -> dict[str, Any]:
    """Return the JSON form of a resource with the state and the further data of its instance."""
    answer = shown(resource)
    if instance is None:
        return answer
    more = {key: value for key, value in instance.data.items() if key not in _OF_INSTANCE}
    answer |= {"data": {**more, **answer["data"]}, "state": instance.state}
    times = [moment for moment in (resource.updated_at, instance.updated_at) if moment is not None]
    if times:
        answer["lastUpdate"] = max(times).isoformat()
    return answer


def object_of(request: Request) -> dict[str, Any]:
    """Return the body, JSON or a form, as an object, empty when there is none; raise `Rejected` 400 or 415."""
    body = body_of(request)
    return {} if body is None else _object(body)


def object_sent(request: Request) -> dict[str, Any]:
    """Return the body as `object_of` does, but refuse one that is missing or null."""
    return _object(body_of(request))


def _object(body: Any) -> dict[str, Any]:
    if isinstance(body, dict):
        return body
    errors = [{"pointer": "", "message": "must be an object"}]
    raise Rejected("The body must be a JSON object.", errors=errors, code="body.not_an_object")


def id_in(body: dict[str, Any]) -> str:
    """Return the id that a caller brings, "" for none."""
    said = body.get("id")
    if said is None or said == "":
        return ""
    if isinstance(said, bool) or not isinstance(said, str | int) or len(str(said)) > LONGEST_ID:
        raise _bad_id("short text or a number", f"must be text of at most {LONGEST_ID} characters, or a number")
    return str(said)


def checked_id(key: str) -> str:
    """Return an id that a new resource may have: one without control characters."""
    if CONTROL.search(key):
        raise _bad_id("text without control characters", "must not hold control characters")
    return key


def address_of(request: Request, *names: str) -> str:
    """Return the public address of what lies below a request's own, every segment percent-encoded."""
    path = request.path if PLAIN_PATH.fullmatch(request.path) else quote(request.path, safe=PATH_SAFE)
    address = request.url_base + path
    for name in names:
        address += "/" + (name if PLAIN.fullmatch(name) else quote(name, safe=""))
    return address


def _bad_id(wanted: str, message: str) -> Rejected:
    errors = [{"pointer": "/id", "message": message}]
    return Rejected(f"The id must be {wanted}.", errors=errors, code="resource.id")


def may_see(data: Mapping[str, Any], owner: Any, claims: Mapping[str, Any] | None) -> bool:
    """Whether a caller may see a resource.

    Without a token the route is public and the document's author wants it so. An admin sees all. Others see what is
    theirs or nobody's, of their own affiliate or of all (`*`, or none said), and of their own programs or of none.
    """
    if claims is None or claims.get("role") == "admin":
        return True
    subject = claims.get("sub")
    if isinstance(owner, str) and subject is not None and owner != subject:
        return False
    affiliate = claims.get("affiliateId")
    if affiliate is not None and data.get("affiliateId") not in (None, EVERYBODY, affiliate):
        return False
    programs = claims.get("programIds")
    return not isinstance(programs, list) or data.get("programId") in (None, *programs)


def owned(
    data: Mapping[str, Any], before: Mapping[str, Any], fields: FieldMapping, claims: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return new data of a resource that belongs to whom it belonged to `before`.

    Whose it is decides who may see it, so a caller with a token cannot give it away; an admin can, by saying to whom.
    """
    names, owner = fields.names(OWNER), fields.read(before, OWNER)
    if claims is None or (claims.get("role") == "admin" and any(name in data for name in names)):
        return dict(data)
    kept = {key: value for key, value in data.items() if key not in names}
    if owner is not None:
        fields.write(kept, OWNER, owner)
    return kept


def asked_for(data: Mapping[str, Any], query: Mapping[str, str]) -> bool:
    """Whether a resource passes the filters of the query: `affiliateId`, `programId` (several by comma), `role`."""
    affiliate = query.get("affiliateId")
    if affiliate and data.get("affiliateId") not in (None, EVERYBODY, affiliate):
        return False
    programs = query.get("programId")
    if programs and data.get("programId") not in (None, *programs.split(",")):
        return False
    role = query.get("role")
    return not role or data.get("role") in (None, role)
