"""Components: named functions with a field contract, used through `dynamic.component` and `processing.step`.

A bundled component is one file of `modules/catalog/components` that says

    NAME = "inventory_checker"
    CONTRACT = {"required_inputs": {...}, "optional_inputs": {...}, "outputs": {...}}
    def execute(params, context): ...        # or `async def`

`execute` does one try: it returns a mapping, or raises `StepFailed` or `TryAgain`. Time and chance come from
`context.unit.clock`, so that a test decides both. `EFFECT` may name an effect class; without it a component is pure.
`WRITES = True` says that it changes something through the unit. Files that begin with an underscore are parts of those
beside them.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from apps.engine.module import Context, Effect
from apps.engine.outcome import Rejected


class BadComponent(Exception):
    """A file of the components folder does not define a component."""


class Contract:
    """What a component takes, checked before every call (spec/modules.md 8.2); outputs are documentation."""

    def __init__(self, declared: Mapping[str, Any]) -> None:
        self.required = _fields(declared, "required_inputs", "requiredInputs")
        self.optional = _fields(declared, "optional_inputs", "optionalInputs")
        self.outputs = _fields(declared, "outputs")

    def problems(self, data: Mapping[str, Any]) -> list[dict[str, str]]:
        """Return `{"pointer", "message"}` for every required field that is absent or null and every wrong type."""
        found = [{"pointer": f"/{name}", "message": "is required"} for name in self.required if data.get(name) is None]
        for name, said in (*self.required.items(), *self.optional.items()):
            fits = _FITS.get(said["type"])
            if fits is not None and data.get(name) is not None and not fits(data[name]):
                found.append({"pointer": f"/{name}", "message": f"must be of type {said['type']}"})
        return found

    def with_defaults(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return the data with the defaults of missing optional fields; a null that is present stays."""
        return {name: said["default"] for name, said in self.optional.items() if "default" in said} | dict(data)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_FITS: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "int": _is_number,  # a decimal too: JSON does not tell 1 from 1.0, and 8.2 asks for no more
    "float": _is_number,
    "bool": lambda value: isinstance(value, bool),
    "map": lambda value: isinstance(value, dict),
    "slice": lambda value: isinstance(value, list),
}


def _fields(declared: Mapping[str, Any], *spellings: str) -> dict[str, dict[str, Any]]:
    """Return the fields of one kind; a field may be given by the name of its type alone."""
    fields: Mapping[str, Any] = next((declared[spelling] for spelling in spellings if declared.get(spelling)), {})
    return {name: {"type": said} if isinstance(said, str) else {"type": "any", **said} for name, said in fields.items()}


@dataclass(frozen=True, slots=True)
class Component:
    """A component that may run: checked, with its contract parsed."""

    name: str
    title: str
    contract: Contract
    execute: Callable[[dict[str, Any], Context], Any]
    is_async: bool
    effect: Effect = Effect.PURE
    writes: bool = False

    def start(self, params: Any, context: Context) -> Any:
        """Check `params` and call: returns the result, or an awaitable of it when `is_async`.

        Raises `Rejected` with every fault when the params break the contract.
        """
        given = params if isinstance(params, Mapping) else {}
        faults = self.contract.problems(given)
        if faults:
            text = "; ".join(f"{fault['pointer'][1:]} {fault['message']}" for fault in faults)
            raise Rejected(f"{self.name}: {text}", errors=faults, code="component.contract", status=422)
        return self.execute(self.contract.with_defaults(given), context)


def component_of(source: ModuleType) -> Component:
    """Read one bundled file; raise `BadComponent` when it does not say what a component must say."""
    stem = source.__name__.rpartition(".")[2]
    name, execute = getattr(source, "NAME", None), getattr(source, "execute", None)
    if name != stem or not callable(execute) or not isinstance(getattr(source, "CONTRACT", None), Mapping):
        raise BadComponent(f"{source.__name__} must define NAME = {stem!r}, CONTRACT and execute(params, context)")
    return Component(
        name=stem,
        title=(inspect.getdoc(source) or stem).partition("\n")[0],
        contract=Contract(source.CONTRACT),
        execute=execute,
        is_async=inspect.iscoroutinefunction(execute),
        effect=getattr(source, "EFFECT", Effect.PURE),
        writes=getattr(source, "WRITES", False),
    )


def discover_components(package: ModuleType) -> dict[str, Component]:
    """Return the components of a package by stem, sorted."""
    stems = sorted(info.name for info in pkgutil.iter_modules(package.__path__) if not info.name.startswith("_"))
    return {stem: component_of(importlib.import_module(f"{package.__name__}.{stem}")) for stem in stems}
