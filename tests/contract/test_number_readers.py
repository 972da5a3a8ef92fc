"""Numbers of every module type are read however YAML or JSON spelled them (register D9)."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Annotated, Any, get_args

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

import apps.modules.catalog
from apps.engine.registry import discover

pytestmark = pytest.mark.spec("D9")

# Values that a document compares with, where 1 and "1" are two things.
COMPARED = {"conditional.expression.outputs", "conditional.switch.cases"}
TRIED = (1, 5, 60, 404, 1000)


def fields_of(model: type[BaseModel], place: str) -> Iterator[tuple[str, Any]]:
    """Every field of a config and of the configs inside it, with all that is said of its type."""
    for name, info in model.model_fields.items():
        where = f"{place}.{info.alias or name}"
        yield where, Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation
        for inner in models_in(info.annotation):
            yield from fields_of(inner, where)


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from models_in(part)


def is_number(annotation: Any) -> bool:
    if any(isinstance(part, type) and issubclass(part, BaseModel) for part in get_args(annotation)):
        return False
    return annotation in (int, float) or any(is_number(part) for part in get_args(annotation))


NUMBERS = {
    place: annotation
    for module_type in discover(apps.modules.catalog)
    for place, annotation in fields_of(module_type.Config, module_type.kind)
    if is_number(annotation) and place not in COMPARED
}


def read(adapter: TypeAdapter[Any], value: Any) -> Any:
    """What a field makes of a value, or of a list of it; None when it refuses both."""
    for given in (value, [value]):
        with suppress(ValidationError):
            return adapter.validate_python(given)
    return None


@pytest.mark.parametrize("place", sorted(NUMBERS))
def test_a_number_of_a_config_is_read_whole_decimal_and_as_text(place):
    adapter = TypeAdapter(NUMBERS[place])
    accepted = [value for value in TRIED if read(adapter, value) is not None]
    assert accepted
    for value in accepted:
        assert read(adapter, value) == read(adapter, float(value)) == read(adapter, str(value))


def test_the_numbers_that_the_reference_system_misread_are_among_them():
    assert set(NUMBERS) >= {
        "webhook.sender.maxRetries",
        "database.workflow.maxOpenConns",
        "database.workflow.maxIdleConns",
        "http.middleware.securityheaders.hstsMaxAge",
    }
