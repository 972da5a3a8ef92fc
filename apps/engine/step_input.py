"""What a step asks of a module, read by a pydantic model: faults come back as JSON pointers."""

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from apps.engine.outcome import Rejected

Input = TypeVar("Input", bound=BaseModel)


def read_input(model: type[Input], payload: Any, *, asked: str, code: str) -> Input:
    """Return the payload as `model`; raise `Rejected` (422) with every fault, `asked` naming what cannot be done."""
    try:
        return model.model_validate(payload)
    except ValidationError as error:
        faults = [{"pointer": "".join(f"/{part}" for part in e["loc"]), "message": e["msg"]} for e in error.errors()]
        raise Rejected(asked, errors=faults, code=code, status=422) from None
