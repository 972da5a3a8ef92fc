"""Checks data against a JSON Schema (draft 2020-12, or the one that `$schema` names).

As a step it passes good data on unchanged and stops bad data with 422 and the place of every fault as a JSON pointer.
A pipeline's `validate` may name it. A schema may refer to its own parts; it cannot load others from elsewhere.
"""

from typing import Any, cast

import orjson
from pydantic import Field, field_validator

from apps.engine.config_types import SettingsModel
from apps.engine.json_schemas import BadSchema, Schema
from apps.engine.module import Category, Context, Module, ModulePort
from apps.engine.outcome import Rejected


class JsonschemaModularConfig(SettingsModel):
    """Settings of `jsonschema.modular`."""

    json_schema: dict[str, Any] | bool | str = Field(
        True, alias="schema", description="The schema, or a text of JSON that holds it; without one all passes."
    )

    @field_validator("json_schema", mode="after")
    @classmethod
    def _read(cls, value: dict[str, Any] | bool | str) -> dict[str, Any] | bool:
        if not isinstance(value, str):
            return value
        try:
            read = orjson.loads(value) if value.strip() else True
        except orjson.JSONDecodeError as fault:
            raise ValueError(f"the text is no JSON ({fault})") from None
        if not isinstance(read, dict | bool):
            raise ValueError("the text holds no object")
        return read


class JsonschemaModular(Module[JsonschemaModularConfig]):
    """A schema as a module."""

    kind = "jsonschema.modular"
    title = "JSON Schema"
    category = Category.FRAMEWORK
    Config = JsonschemaModularConfig
    aliases = ("jsonschema",)
    inputs = (ModulePort("data", "data", "Any JSON value."),)
    outputs = (ModulePort("data", "data", "The same value, when it is good."),)

    def __init__(self, name: str, config: JsonschemaModularConfig) -> None:
        super().__init__(name, config)
        self._fault = ""
        self._schema = Schema(True)
        try:
            self._schema = Schema(cast(dict[str, Any] | bool, config.json_schema))  # no text is left of it
        except BadSchema as error:
            self._fault = str(error)

    def problems(self) -> list[tuple[str, str, str]]:
        """Say that the schema is not one."""
        return [("schema", "schema.invalid", self._fault)] if self._fault else []

    def errors(self, value: Any) -> list[dict[str, str]]:
        """Return every fault of a value, with its pointer."""
        return self._schema.errors(value)

    def run(self, payload: Any, context: Context) -> Any:
        """Pass good data on, stop bad data."""
        faults = self._schema.errors(payload)
        if faults:
            raise Rejected(f"{self.name}: the data does not fit the schema.", errors=faults, status=422)
        return payload
