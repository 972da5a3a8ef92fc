"""Reshapes data by pipelines of small operations.

A pipeline is a list of operations, each feeding the next:

- `extract` `{path}`: take one value out, by keys and list positions separated by dots
- `map` `{mappings: {old: new}}`: rename keys, keep the others
- `filter` `{fields: [...]}`: keep only these keys
- `convert` `{from, to}`: `json` to `json` (normalise), `json` to `string`, `string` to `json`

As a step it runs the pipeline that `pipeline` names, or the only one there is. Without any pipeline it passes its
input through unchanged.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from apps.engine.config_types import SettingsModel
from apps.engine.module import Category, Context, Module, ModulePort
from apps.engine.outcome import StepFailed


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class ExtractConfig(_Strict):
    """Settings of `extract`."""

    path: str = Field(min_length=1, description="Keys and list positions, separated by dots.")


class MapConfig(_Strict):
    """Settings of `map`."""

    mappings: dict[str, str] = Field(min_length=1, description="New names by old name.")


class FilterConfig(_Strict):
    """Settings of `filter`."""

    fields: list[str] = Field(min_length=1, description="Keys to keep.")


class ConvertConfig(_Strict):
    """Settings of `convert`."""

    source: Literal["json", "string"] = Field(alias="from", description="What the input is.")
    target: Literal["json", "string"] = Field(alias="to", description="What it becomes.")

    @model_validator(mode="after")
    def _is_a_pair(self) -> Self:
        if self.source == self.target == "string":
            raise ValueError("text is converted to json only")
        return self


class Extract(_Strict):
    """One `extract`."""

    type: Literal["extract"] = Field(description="Name of the operation.")
    config: ExtractConfig = Field(description="Its settings.")


class Map(_Strict):
    """One `map`."""

    type: Literal["map"] = Field(description="Name of the operation.")
    config: MapConfig = Field(description="Its settings.")


class Filter(_Strict):
    """One `filter`."""

    type: Literal["filter"] = Field(description="Name of the operation.")
    config: FilterConfig = Field(description="Its settings.")


class Convert(_Strict):
    """One `convert`."""

    type: Literal["convert"] = Field(description="Name of the operation.")
    config: ConvertConfig = Field(description="Its settings.")


Operation = Annotated[Extract | Map | Filter | Convert, Field(discriminator="type")]


def _by_name(value: Any) -> Any:
    """Read the list form `[{name, operations}]`, or a text of JSON, as the map form `{name: [operations]}`."""
    if isinstance(value, str):
        try:
            value = orjson.loads(value) if value.strip() else {}
        except orjson.JSONDecodeError as fault:
            raise ValueError(f"the text is no JSON ({fault})") from None
    if isinstance(value, list):
        value = {entry.get("name"): entry for entry in value if isinstance(entry, Mapping)}
    if not isinstance(value, Mapping):
        return value
    return {
        name: entry.get("operations", entry.get("steps")) if isinstance(entry, Mapping) else entry
        for name, entry in value.items()
    }


class DataTransformerConfig(SettingsModel):
    """Settings of `data.transformer`."""

    ignored_keys: ClassVar[frozenset[str]] = frozenset({"description"})

    pipeline: str | None = Field(None, description="The pipeline to run; needed when there are several.")
    pipelines: Annotated[dict[str, list[Operation]], BeforeValidator(_by_name)] = Field(
        default_factory=dict,
        description="Operations by pipeline name, or a list of {name, operations}.",
        json_schema_extra={"type": ["object", "array", "string"]},
    )


class DataTransformer(Module[DataTransformerConfig]):
    """Reshapes the payload of a step."""

    kind = "data.transformer"
    title = "Data transformer"
    category = Category.DATA
    Config = DataTransformerConfig
    inputs = (ModulePort("data", "data", "Any JSON value."),)
    outputs = (ModulePort("data", "data", "The reshaped value."),)

    def __init__(self, name: str, config: DataTransformerConfig) -> None:
        super().__init__(name, config)
        chosen = config.pipeline or (next(iter(config.pipelines)) if len(config.pipelines) == 1 else "")
        self._operations = [_compile(operation) for operation in config.pipelines.get(chosen, [])]

    def problems(self) -> list[tuple[str, str, str]]:
        """Say that the pipeline to run is not there, or not named."""
        names = ", ".join(self.config.pipelines)
        if self.config.pipelines and self.config.pipeline and self.config.pipeline not in self.config.pipelines:
            return [("pipeline", "reference.unknown", f"There is no {self.config.pipeline!r}, only {names}.")]
        if len(self.config.pipelines) > 1 and not self.config.pipeline:
            return [("pipeline", "config.required", f"Name the one to run with `pipeline`: {names}.")]
        return []

    def run(self, payload: Any, context: Context) -> Any:
        """Run the pipeline on the payload."""
        for index, (kind, operation) in enumerate(self._operations):
            try:
                payload = operation(payload)
            except _NotPossible as fault:
                raise StepFailed(
                    f"{self.name}: operation {index} ({kind}): {fault}",
                    code="transform.failed",
                    data={"operation": index, "type": kind},
                    status=422,
                ) from None
        return payload


class _NotPossible(Exception):
    """The input does not fit the operation."""


def _compile(operation: Extract | Map | Filter | Convert) -> tuple[str, Callable[[Any], Any]]:
    match operation:
        case Extract(config=config):
            return "extract", _extract(config.path.split("."))
        case Map(config=config):
            return "map", _map(config.mappings)
        case Filter(config=config):
            return "filter", _filter(config.fields)
        case Convert(config=config):
            return "convert", _convert(config.source, config.target)


def _extract(path: list[str]) -> Callable[[Any], Any]:
    def take(value: Any) -> Any:
        for part in path:
            value = _inside(value, part)
        return value

    return take


def _inside(value: Any, part: str) -> Any:
    if isinstance(value, dict):
        if part not in value:
            raise _NotPossible(f"there is no key {part!r}")
        return value[part]
    if isinstance(value, list):
        if not part.isdecimal() or int(part[:9]) >= len(value):
            raise _NotPossible(f"{part!r} is not a position of a list of {len(value)}")
        return value[int(part)]
    raise _NotPossible(f"cannot look for {part!r} inside a {type(value).__name__}")


def _map(mappings: dict[str, str]) -> Callable[[Any], Any]:
    def rename(value: Any) -> Any:
        kept = {key: item for key, item in _object(value).items() if key not in mappings}
        return kept | {new: value[old] for old, new in mappings.items() if old in value}

    return rename


def _filter(fields: list[str]) -> Callable[[Any], Any]:
    def keep(value: Any) -> Any:
        source = _object(value)
        return {key: source[key] for key in fields if key in source}

    return keep


def _convert(source: str, target: str) -> Callable[[Any], Any]:
    if source == "string":
        return _parse
    return _normalised if target == "json" else _written


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _NotPossible(f"needs an object, not a {type(value).__name__}")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _NotPossible(f"needs text, not a {type(value).__name__}")
    return value


def _parse(value: Any) -> Any:
    try:
        return orjson.loads(_text(value))
    except orjson.JSONDecodeError as error:
        raise _NotPossible(f"not JSON: {error}") from None


def _normalised(value: Any) -> Any:
    return orjson.loads(_written(value))


def _written(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError as error:
        raise _NotPossible(f"not JSON: {error}") from None
