"""Build modules the way the compiler does."""

from typing import Any

from apps.engine.module import Links, Module


def make(kind: type[Module[Any]], config: dict[str, Any] | None = None, name: str = "thing", **beside: Any) -> Any:
    """Return a linked module of a type; `beside` are the arguments of `Links`, `modules` its neighbours."""
    module = kind(name, kind.Config.model_validate(config or {}))
    neighbours = {neighbour.name: neighbour for neighbour in beside.pop("modules", ())}
    module.link(Links({**neighbours, name: module}, **beside))
    return module
