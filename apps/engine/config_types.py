"""Field types of module configs: lenient about spelling, strict about meaning.

Numbers arrive as int, float or numeric text, since YAML and JSON disagree (D9); durations in Go's form (`1h30m`) or
as seconds; lists of words as a list or as one comma-separated text. Every type describes itself in JSON Schema as it
really reads, so an editor accepts what the checker accepts. `SettingsModel` gives keys their camelCase spelling.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, GetJsonSchemaHandler
from pydantic.alias_generators import to_camel
from pydantic.fields import ComputedFieldInfo, FieldInfo
from pydantic_core import CoreSchema, PydanticCustomError

from apps.engine.durations import BadDuration, duration_seconds
from apps.engine.expressions import BadExpression, compile_template
from apps.engine.module import ModuleConfig

NUMBER_PATTERN = r"^\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)\s*$"
DURATION_PATTERN = r"^\s*\+?(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h)?)+\s*$"
NUMERIC = re.compile(NUMBER_PATTERN)


def _title(name: str, field: FieldInfo | ComputedFieldInfo) -> str:
    return name.replace("_", " ").capitalize()


class SettingsModel(ModuleConfig):
    """A config whose keys are the camelCase of its fields, and nothing else."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=False, field_title_generator=_title)


@dataclass(frozen=True, slots=True)
class AlsoText:
    """Says in JSON Schema that a text of this pattern is read as well."""

    pattern: str

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Widen the generated type by `string`."""
        schema = handler(core)
        schema["type"] = [schema.get("type", "number"), "string"]
        schema["pattern"] = self.pattern
        return schema


def _number(value: Any) -> Any:
    if isinstance(value, bool):
        raise PydanticCustomError("number", "must be a number, not true or false")
    if isinstance(value, str):
        if not NUMERIC.fullmatch(value):
            raise PydanticCustomError("number", "must be a number")
        return float(value)
    return value


def _whole_number(value: Any) -> Any:
    value = _number(value)
    if isinstance(value, float):
        if not value.is_integer():
            raise PydanticCustomError("whole_number", "must be a whole number")
        return int(value)
    return value


def _duration(value: Any) -> Any:
    if isinstance(value, str) and NUMERIC.fullmatch(value):
        value = float(value)
    try:
        return duration_seconds(value)
    except BadDuration as error:
        raise PydanticCustomError("duration", "{why}", {"why": str(error).rstrip(".")}) from None


def _words(value: Any) -> Any:
    if isinstance(value, str):
        return [word for word in (part.strip() for part in value.split(",")) if word]
    return value


def _template(value: str) -> str:
    try:
        compile_template(value)
    except BadExpression as error:
        raise PydanticCustomError("template", "{why}", {"why": str(error).rstrip(".")}) from None
    return value


WholeNumber = Annotated[int, BeforeValidator(_whole_number), AlsoText(NUMBER_PATTERN)]
Number = Annotated[float, BeforeValidator(_number), AlsoText(NUMBER_PATTERN)]
Seconds = Annotated[
    float,
    BeforeValidator(_duration),
    AlsoText(DURATION_PATTERN),
]
Words = Annotated[
    tuple[str, ...],
    BeforeValidator(_words),
    Field(json_schema_extra={"type": ["array", "string"]}),
]
# Marks, in JSON Schema, a text or tree that never takes `${...}` literally: it is filled in at the last moment.
LATE = "x-template"
IS_LATE: dict[str, Any] = {LATE: True}
# Text in which `${NAME}` stands for a secret and `${data.x}` for a value of the run; filled in at the last moment.
TemplateText = Annotated[str, AfterValidator(_template), Field(json_schema_extra=IS_LATE)]
# Words of which each may be such a text.
LateWords = Annotated[
    tuple[str, ...],
    BeforeValidator(_words),
    AfterValidator(lambda words: tuple(map(_template, words))),
    Field(json_schema_extra={"type": ["array", "string"], **IS_LATE}),
]


def file_keys(model: type[ModuleConfig]) -> list[str]:
    """Return the keys of a config that name files beside the document."""
    return [
        info.alias or name
        for name, info in model.model_fields.items()
        if isinstance(info.json_schema_extra, dict) and info.json_schema_extra.get("x-file")
    ]


SEED_KEY = "seedFile"  # names first data: a file that may be missing
# Marks a field that names a file beside the document, which only a document that is a file has (`wfctl`).
A_FILE: dict[str, Any] = {"x-file": True}
