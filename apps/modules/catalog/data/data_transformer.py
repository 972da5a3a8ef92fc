"""Reshapes data by pipelines of small operations.

A pipeline is a list of operations, each feeding the next:

- `extract` `{path}`: take one value out, by keys and list positions separated by dots
- `map` `{mappings: {old: new}}`: rename keys, keep the others
- `filter` `{fields: [...]}`: keep only these keys
- `convert` `{from, to}`: `json` to `json` (normalise), `json` to `string`, `string` to `json`

As a step it runs the pipeline that `pipeline` names or is itself, a list of operations; else the one called `default`,
or the only one there is. With none of these it passes its input through unchanged.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, model_validator

from apps.engine.config_types import SettingsModel
from apps.engine.module import Category, Context, Module, ModulePort
from apps.engine.outcome import StepFailed

DEFAULT = "default"


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


def _form(value: Any) -> str:
    return "operations" if isinstance(value, list) else "name"


class DataTransformerConfig(SettingsModel):
    """Settings of `data.transformer`."""

    ignored_keys: ClassVar[frozenset[str]] = frozenset({"description"})

    pipeline: Annotated[
        Annotated[str | None, Tag("name")] | Annotated[list[Operation], Tag("operations")],
        Discriminator(_form),
    ] = Field(
        None, description="Name of the pipeline to run, needed when there are several; or its operations themselves."
    )
    pipelines: Annotated[dict[str, list[Operation]], BeforeValidator(_by_name)] = Field(
        default_factory=dict,
        description="Operations by pipeline name, or a list of {name, operations}.",
        json_schema_extra={"type": ["object", "array", "string"]},
    )

    @property
    def chosen(self) -> list[Operation]:
        """The operations that a call runs."""
        if isinstance(self.pipeline, list):
            return self.pipeline
        only = next(iter(self.pipelines)) if len(self.pipelines) == 1 else DEFAULT
        return self.pipelines.get(self.pipeline or only, [])


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
        self._operations = [_compile(operation) for operation in config.chosen]

    def problems(self) -> list[tuple[str, str, str]]:
        """Say that the pipeline to run is not there, or not named."""
        pipelines, wanted = self.config.pipelines, self.config.pipeline
        names = ", ".join(pipelines)
        if isinstance(wanted, str) and wanted and pipelines and wanted not in pipelines:
            return [("pipeline", "reference.unknown", f"There is no {wanted!r}, only {names}.")]
        if len(pipelines) > 1 and not wanted and DEFAULT not in pipelines:
            return [("pipelines", "key.ignored", f"None of them runs: name one with `pipeline` ({names}).")]
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
