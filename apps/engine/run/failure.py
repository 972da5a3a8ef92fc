"""Where a run failed that went on to tidy up: what the failed step was given, so that it can be done again."""

from dataclasses import dataclass
from typing import Any

from apps.engine.run.packing import Pool, packed, unpacked
from apps.engine.run.program import Variables


@dataclass(frozen=True, slots=True)
class FailurePoint:
    """The step that failed finally, the attempt at which it did, and the variables it was tried with."""

    position: int
    attempt: int
    variables: Variables

    def as_dict(self, pool: Pool) -> dict[str, Any]:
        """Return the JSON form; values are in `pool`, where most of them stand already."""
        return {"position": self.position, "attempt": self.attempt, "variables": packed(self.variables, pool)}

    @classmethod
    def from_dict(cls, stored: dict[str, Any], values: list[Any]) -> "FailurePoint":
        """Rebuild from `as_dict` and the values of its pool."""
        return cls(stored["position"], stored["attempt"], unpacked(stored["variables"], values))


def from_the_beginning(variables: Variables) -> Variables:
    """Return the variables that a run began with, of those that it has now."""
    first = variables.frames[0] if variables.frames else variables.names
    return Variables(first["input"], first["request"], first["run"])
