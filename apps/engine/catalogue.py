"""What people and tools are told about module types: one entry per type, all of it read from the type itself."""

import inspect
import sys
from dataclasses import dataclass
from typing import Any

from apps.engine.component import Component
from apps.engine.module import Module, ModulePort
from apps.engine.registry import Registry
from apps.engine.standard_schema import StandardSchema

ROLES = {
    "run": "target",
    "handle": "handler",
    "before": "middleware",
    "after": "middleware",
    "authenticate": "auth provider",
    "health": "reporter",
}


@dataclass(frozen=True, slots=True)
class TypeEntry:
    """One module type for a palette, a form and a reference page.

    `summary` is the first paragraph of the file's docstring, `help` all of it; `roles` say what it can be used as;
    `schema` is the JSON Schema of its config.
    """

    kind: str
    title: str
    category: str
    aliases: tuple[str, ...]
    summary: str
    help: str
    roles: tuple[str, ...]
    effect: str
    writes: bool
    inputs: tuple[ModulePort, ...]
    outputs: tuple[ModulePort, ...]
    schema: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        ports = {
            side: [{"name": port.name, "type": port.type, "description": port.description} for port in found]
            for side, found in (("inputs", self.inputs), ("outputs", self.outputs))
        }
        return {
            "kind": self.kind,
            "title": self.title,
            "category": self.category,
            "aliases": list(self.aliases),
            "summary": self.summary,
            "help": self.help,
            "roles": list(self.roles),
            "effect": self.effect,
            "writes": self.writes,
            **ports,
            "schema": self.schema,
        }


@dataclass(frozen=True, slots=True)
class ComponentEntry:
    """One bundled component: what it takes, what it gives."""

    name: str
    title: str
    help: str
    inputs: dict[str, dict[str, Any]]
    outputs: dict[str, dict[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "name": self.name,
            "title": self.title,
            "help": self.help,
            "inputs": self.inputs,
            "outputs": self.outputs,
        }


def type_entry(module_type: type[Module[Any]]) -> TypeEntry:
    """Return the entry of one type."""
    text = inspect.cleandoc(sys.modules[module_type.__module__].__doc__ or "")
    return TypeEntry(
        kind=module_type.kind,
        title=module_type.title,
        category=module_type.category.value,
        aliases=module_type.aliases,
        summary=" ".join(text.partition("\n\n")[0].split()),
        help=text,
        roles=_roles(module_type),
        effect=module_type.effect.value,
        writes=module_type.writes,
        inputs=module_type.inputs,
        outputs=module_type.outputs,
        schema=module_type.Config.model_json_schema(schema_generator=StandardSchema),
    )


def _roles(module_type: type[Module[Any]]) -> tuple[str, ...]:
    if module_type.kind == "processing.step":
        return ("target",)  # called through what its `componentId` names
    return tuple(dict.fromkeys(role for name, role in ROLES.items() if hasattr(module_type, name)))


def component_entry(component: Component) -> ComponentEntry:
    """Return the entry of one bundled component."""
    text = inspect.cleandoc(sys.modules[component.execute.__module__].__doc__ or "")
    required = {name: {**said, "required": True} for name, said in component.contract.required.items()}
    optional = {name: {**said, "required": False} for name, said in component.contract.optional.items()}
    return ComponentEntry(component.name, component.title, text, required | optional, component.contract.outputs)


def entries(registry: Registry) -> list[TypeEntry]:
    """Return the entries of all types, by category and kind."""
    return sorted((type_entry(module_type) for module_type in registry), key=lambda entry: (entry.category, entry.kind))
