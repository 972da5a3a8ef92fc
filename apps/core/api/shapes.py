"""The base of every shape that a caller sends: a key that the shape does not have is refused, never passed over."""

from collections.abc import Mapping
from difflib import get_close_matches
from itertools import islice
from typing import Any

from rest_framework import serializers

from apps.core.api.pointers import step
from apps.core.errors import BadRequest

MOST_FAULTS = 20
LONGEST_TYPO = 100  # a longer key is no misspelling of one of ours, and comparing it would cost


class UnknownKeys(BadRequest):
    """The body has keys that mean nothing here; ignoring them would hide a mistake."""

    code = "body.unknown-key"


class Taken(serializers.Serializer[Any]):
    """What a caller sends, as one JSON object."""

    def to_internal_value(self, data: Any) -> Any:
        """Check the object; raise `UnknownKeys` naming for each the nearest key that there is."""
        if isinstance(data, Mapping):
            unknown = (str(key) for key in data if key not in self.fields)
            errors = [self._stray(key) for key in islice(unknown, MOST_FAULTS)]
            if errors:
                raise UnknownKeys("The body has keys that mean nothing here.", errors=errors)
        return super().to_internal_value(data)

    def _stray(self, key: str) -> dict[str, str]:
        nearest = get_close_matches(key, self.fields, n=1) if len(key) <= LONGEST_TYPO else []
        known = f"did you mean {nearest[0]!r}?" if nearest else f"there are: {', '.join(self.fields)}"
        return {"pointer": f"/{step(key)}", "message": f"unknown key; {known}"}
