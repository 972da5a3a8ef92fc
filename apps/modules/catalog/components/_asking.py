"""What components that do several things by an `action`, `type` or `direction` have in common."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from apps.engine.outcome import Rejected


def demand(params: Mapping[str, Any], *names: str) -> None:
    """Raise `Rejected` 422 with the pointer of every name that has no value."""
    missing = [name for name in names if params.get(name) in (None, "")]
    if missing:
        errors = [{"pointer": f"/{name}", "message": "is required"} for name in missing]
        raise Rejected(f"Give {', '.join(missing)}.", errors=errors, code="component.input", status=422)


def asked(params: Mapping[str, Any], name: str, known: Collection[str]) -> Any:
    """Return the word that says what to do, None for none.

    A state transition passes on what its instance knows, so a word that this component does not know was said to
    another one then.
    """
    said = params.get(name) or None
    return None if said not in known and params.get("transitionId") else said


def unknown(name: str, said: Any, known: Iterable[str]) -> Rejected:
    """Return the refusal of a word that a component does not know."""
    text = f"must be one of {', '.join(known)}"
    errors = [{"pointer": f"/{name}", "message": text}]
    return Rejected(f"{name} {said!r} {text}.", errors=errors, code=f"component.{name}", status=422)


def first(params: Mapping[str, Any], *names: str) -> Any:
    """Return the first value that is there."""
    return next((params[name] for name in names if params.get(name) not in (None, "")), None)
