"""JSON Schemas, compiled once: used by `jsonschema.modular`, a pipeline's `validate` and its `input`.

A schema is a tenant's text: it never makes the process fetch anything, and its patterns run in linear time.
"""

from typing import Any

import jsonschema_rs

from apps.engine.outcome import Rejected, pointer_of

MOST_ERRORS = 50


class BadSchema(Exception):
    """The schema itself is wrong."""


class Schema:
    """One compiled schema (draft 2020-12, or the one that `$schema` names)."""

    __slots__ = ("_validator", "is_valid")

    def __init__(self, source: dict[str, Any] | bool) -> None:
        try:
            self._validator = jsonschema_rs.validator_for(
                source, offline=True, validate_formats=True, pattern_options=jsonschema_rs.RegexOptions()
            )
        except (ValueError, jsonschema_rs.ReferencingError) as error:
            raise BadSchema(getattr(error, "message", None) or str(error)) from None
        self.is_valid = self._validator.is_valid

    def errors(self, value: Any) -> list[dict[str, str]]:
        """Return `{"pointer", "message"}` for every fault, at most fifty of them; empty when the value is good."""
        if self.is_valid(value):
            return []
        found = [
            {"pointer": pointer_of(error.instance_path), "message": _without_value(error)}
            for error in self._validator.iter_errors(value)
        ]
        return sorted(found, key=lambda fault: (fault["pointer"], fault["message"]))[:MOST_ERRORS]

    def check(self, value: Any) -> None:
        """Raise `Rejected` (422) with every fault, unless the value is good."""
        if not self.is_valid(value):
            raise Rejected("The data does not fit the schema.", errors=self.errors(value), status=422)


def _without_value(error: jsonschema_rs.ValidationError) -> str:
    """Return the message with long values left out: faults are logged and shown, payloads need not be."""
    return error.message if len(error.message) <= 200 else f"does not satisfy {error.kind.name}"
