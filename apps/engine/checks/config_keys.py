"""Reading pydantic's error locations: what of them exists in the document, and which keys would have been good."""

from collections.abc import Iterable
from typing import Any, get_args

from pydantic import AliasChoices, AliasPath, BaseModel
from pydantic.fields import FieldInfo

from apps.engine.document import DocumentPath, leads_on


def existing(config: Any, location: Iterable[str | int]) -> DocumentPath:
    """Return the steps of a location that lead somewhere in the config; names of union members are left out."""
    found: list[str | int] = []
    value = config
    for step in location:
        if leads_on(value, step):
            value = value[step]
            found.append(step)
    return tuple(found)


def keys_at(model: type[BaseModel], location: DocumentPath) -> set[str]:
    """Return the keys that a config may have at a location."""
    models = {model}
    for step in location:
        if isinstance(step, str):
            models = {
                inner
                for outer in models
                for name, info in outer.model_fields.items()
                if step in _spellings(name, info)
                for inner in _models_in(info.annotation)
            } or models
    return {
        spelling for each in models for name, info in each.model_fields.items() for spelling in _spellings(name, info)
    }


def spellings_of(model: type[BaseModel]) -> list[list[str]]:
    """Return the spellings of every key of a model, the first one first: given several, pydantic reads that."""
    return [_spellings(name, info) for name, info in model.model_fields.items()]


def _spellings(name: str, info: FieldInfo) -> list[str]:
    alias = info.validation_alias if info.validation_alias is not None else info.alias
    choices = alias.choices if isinstance(alias, AliasChoices) else [alias or name]
    return [str(choice) for choice in choices if not isinstance(choice, AliasPath)]


def _models_in(annotation: Any) -> set[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {annotation}
    return {model for inner in get_args(annotation) for model in _models_in(inner)}
