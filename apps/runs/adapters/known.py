"""What this process knows of tenants' secrets, by environment, and how that is kept out of its own log.

Values are known from when a place of the environment is loaded until the last such place is dropped.
"""

from collections.abc import MutableMapping
from typing import Any
from uuid import UUID
from weakref import WeakValueDictionary

from apps.engine.redaction import KnownSecrets

_known: WeakValueDictionary[UUID, KnownSecrets] = WeakValueDictionary()


def known_secrets(environment_id: UUID) -> KnownSecrets:
    """Return what is known of an environment's secrets; the same object for as long as somebody holds it."""
    return _known.setdefault(environment_id, KnownSecrets())


def hide_secrets(logger: Any, method: str, line: MutableMapping[str, Any] | str) -> Any:
    """Keep the values of all known secrets out of a rendered line of the log: the last processor of structlog."""
    if not isinstance(line, str):
        return line
    data = line.encode("utf-8", "surrogatepass")
    for known in list(_known.values()):
        data = known.redactor.payload(data)
    return data.decode("utf-8", "surrogatepass")
