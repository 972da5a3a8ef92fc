"""What people are shown of stored payloads: opened, decoded, without the values of the environment's secrets.

Rows that something goes on from (inputs, messages, objects, instances) hold values as they are, sealed; and a row may
be older than the present value. So every value that is still kept is looked for whenever a payload is read, and in
names that data may have made: topics, actions, keys.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson

from apps.core.crypto import Undecipherable
from apps.core.scope import current_tenant
from apps.core.sealing import opened, parts_opened
from apps.engine.redaction import Redactor
from apps.runs.rules.sealing import STEP_LOGS
from apps.tenants.queries import EnvironmentView, secret_values_known, secrets_version

MOST_ENVIRONMENTS = 256
UNDECIPHERABLE = {
    "code": "payload.undecipherable",
    "message": "No configured key opens this value.",
}


def redactor_of(environment_id: UUID) -> Redactor:
    """Return what hides the secrets of an environment of the scope's tenant."""
    return _redactor(environment_id, secrets_version(environment_id=environment_id))


def redactors_of(environment_ids: Iterable[UUID], environments: Iterable[EnvironmentView]) -> dict[UUID, Redactor]:
    """Return what hides the secrets of each of these environments, out of those of the scope's tenant.

    They must have been read after the rows that are to be shown: a row may hold a secret that was set before it.
    """
    versions = {environment.id: environment.secrets_version for environment in environments}
    return {each: _redactor(each, versions.get(each, 0)) for each in set(environment_ids)}


@lru_cache(maxsize=MOST_ENVIRONMENTS)
def _redactor(environment_id: UUID, version: int) -> Redactor:
    return Redactor(secret_values_known(environment_id=environment_id))


def value_of(payload: bytes | memoryview | None, column: str, redactor: Redactor) -> Any:
    """Open and decode a payload of the scope's tenant, sealed for `column`, for somebody to look at.

    What is not JSON is shown as text, nothing as None, what no key opens as what it is.
    """
    try:
        value = opened(payload, current_tenant(), column)
    except Undecipherable:
        return UNDECIPHERABLE
    if not value:
        return None
    shown = redactor.payload(value)
    try:
        return orjson.loads(shown)
    except orjson.JSONDecodeError:
        return shown.decode("utf-8", "replace")


def text_of(payload: bytes | memoryview | None, column: str, redactor: Redactor) -> str | None:
    """As `value_of`, for what is kept as a text."""
    try:
        said = opened(payload, current_tenant(), column)
    except Undecipherable:
        return UNDECIPHERABLE["message"]
    return None if said is None else redactor.text(said.decode("utf-8", "replace"))


def logs_of(lines: bytes | memoryview | None, redactor: Redactor) -> list[Any]:
    """Open and decode the log of a step, for somebody to look at."""
    try:
        said = parts_opened(lines, current_tenant(), STEP_LOGS).splitlines()
    except Undecipherable:
        return [UNDECIPHERABLE]
    return [orjson.loads(redactor.payload(line)) for line in said if line]
