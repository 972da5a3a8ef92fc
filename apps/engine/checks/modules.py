"""Module entries: names, types, dependencies and config (spec 1.3, 1.5: V1 to V13)."""

import contextlib
from itertools import chain
from typing import Any

from pydantic import ValidationError

from apps.engine.checks.config_keys import existing, keys_at
from apps.engine.checks.known import ALIASES, KINDS, MODULE_KEYS, PLACEHOLDERS
from apps.engine.checks.report import shown
from apps.engine.checks.scope import Scope
from apps.engine.checks.shapes import unknown_key
from apps.engine.config_types import file_keys
from apps.engine.document import DocumentPath, path_text
from apps.engine.framework_settings import FrameworkSettings, Settings
from apps.engine.module import Module, ModuleConfig
from apps.engine.ordering import dependency_order


def check_modules(scope: Scope) -> None:
    """Check every entry, then the dependencies among them."""
    written = scope.document.data.get("modules")
    if written is not None and not isinstance(written, list):
        scope.report("section.shape", ("modules",), "'modules' must be a list.")
        return
    if not written and scope.options.strict:
        scope.report("modules.empty", ("modules",), "At least one module is needed.")
    first: dict[str, int] = {}
    entries: list[Any] = written or []
    names = (entry.get("name") for entry in entries if isinstance(entry, dict))
    known = {name for name in names if isinstance(name, str)}
    for index, entry in enumerate(entries):
        path: DocumentPath = ("modules", index)
        if isinstance(entry, dict):
            _entry(scope, entry, path, known)
            _name(scope, entry.get("name"), index, first)
        else:
            scope.report("section.shape", path, "A module is a map with 'name' and 'type'.")
    settings = FrameworkSettings(scope.document, scope.kinds)
    for module in scope.document.modules:
        _type_and_config(scope, settings.of(module))
    _cycles(scope)


def _name(scope: Scope, name: Any, index: int, first: dict[str, int]) -> None:
    path = ("modules", index, "name")
    if not isinstance(name, str) or not name:
        scope.report("module.name.missing", path, "The module needs a name, a text that is not empty.")
    elif name in first:
        scope.report("module.name.duplicate", path, f"The name {name!r} is already used by modules[{first[name]}].")
    else:
        first[name] = index


def _entry(scope: Scope, entry: dict[str, Any], path: DocumentPath, names: set[str]) -> None:
    for key in entry:
        if key not in MODULE_KEYS:
            unknown_key(scope, key, (*path, key), MODULE_KEYS)
    kind = entry.get("type")
    if not isinstance(kind, str) or not kind:
        scope.report("module.type.missing", (*path, "type"), "The module needs a type, a text that is not empty.")
    config = entry.get("config")
    if config is not None and not isinstance(config, dict):
        scope.report("section.shape", (*path, "config"), "'config' must be a map.")
    _depends_on(scope, entry.get("dependsOn"), (*path, "dependsOn"), names)
    _branches(scope, entry, (*path, "branches"), names)


def _depends_on(scope: Scope, depends_on: Any, path: DocumentPath, names: set[str]) -> None:
    if depends_on is None:
        return
    if not isinstance(depends_on, list):
        scope.report("section.shape", path, "'dependsOn' must be a list of module names.")
        return
    for index, name in enumerate(depends_on):
        if not isinstance(name, str) or not name:
            scope.report("module.dependency.blank", (*path, index), "A dependency is the name of a module.")
        elif name not in names:
            scope.report("module.dependency.unknown", (*path, index), scope.unknown(name, "module", names))


def _branches(scope: Scope, entry: dict[str, Any], path: DocumentPath, names: set[str]) -> None:
    branches = entry.get("branches")
    if branches is None:
        return
    if not isinstance(branches, dict):
        scope.report("section.shape", path, "'branches' must be a map of module names.")
        return
    if not str(entry.get("type")).startswith("conditional."):
        scope.report("key.ignored", path, "'branches' has no effect on a module that is not conditional.")
        return
    for handle, name in branches.items():
        if not isinstance(name, str) or name not in names:
            scope.report("reference.unknown", (*path, handle), scope.unknown(str(name), "module", names))


def _type_and_config(scope: Scope, settings: Settings) -> None:
    entry = settings.entry
    module_type = scope.registry.get(entry.kind)
    if module_type is not None:
        _config(scope, settings, module_type)
    elif entry.kind in PLACEHOLDERS:
        if not scope.options.allow_placeholders:
            message = f"{entry.kind!r} is a placeholder; deploying it must be allowed explicitly."
            scope.report("module.type.placeholder", (*entry.path, "type"), message)
    elif entry.kind in KINDS or entry.kind in ALIASES:
        message = f"The module type {entry.kind!r} is not part of this build yet."
        scope.report("module.type.not_in_build", (*entry.path, "type"), message)
    else:
        hint = scope.nearest(entry.kind, chain(KINDS, ALIASES, PLACEHOLDERS, scope.registry.names()))
        scope.report("module.type.unknown", (*entry.path, "type"), f"There is no module type {entry.kind!r}.{hint}")


def _config(scope: Scope, settings: Settings, module_type: type[Module[Any]]) -> None:
    """Check a config against its model, then let the module look at it."""
    entry, model = settings.entry, module_type.Config
    config = _meant(scope, settings, model)
    try:
        module = module_type(entry.name, model.model_validate(config))
        problems = [*module.problems(), *module.placed_problems(has_files=scope.options.files)]
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_context=False, include_input=False):
            _fault(scope, settings, module_type, dict(fault))
        _build_without(scope, settings, module_type, config)
        return
    except Exception as error:  # a module type at fault must not take the checker down
        scope.report("module.config", (*entry.path, "config"), f"{entry.kind} refuses its config: {error}")
        return
    scope.built.setdefault(entry.name, module)
    for key in file_keys(model):
        if config.get(key) and not scope.options.files:
            message = f"{entry.kind} goes without this file: a document that is not a file has none beside it."
            scope.report("file.left_out", (*settings.place(key)[0], key), message)
    is_undecided = any(_is_undecided(scope, settings, key) for key in config)
    for key, code, message in problems:
        inside = _steps(key)
        if code == "key.ignored" or not is_undecided:
            scope.report(code, (*settings.place(inside[0] if inside else "")[0], *inside), message)


def _is_undecided(scope: Scope, settings: Settings, key: str) -> bool:
    """Whether a key holds a secret whose value is not known: what a module says of its config may then be wrong."""
    return scope.undecided.is_within((*settings.place(key)[0], key))


def _build_without(scope: Scope, settings: Settings, module_type: type[Module[Any]], config: dict[str, Any]) -> None:
    """Build a module without the keys that are not known yet: others refer to what the rest of them defines."""
    known = {key: value for key, value in config.items() if not _is_undecided(scope, settings, key)}
    if len(known) < len(config):
        with contextlib.suppress(Exception):  # it may be that it cannot do without
            module = module_type(settings.entry.name, module_type.Config.model_validate(known))
            scope.built.setdefault(settings.entry.name, module)


def _meant(scope: Scope, settings: Settings, model: type[ModuleConfig]) -> dict[str, Any]:
    """Return the keys that the model is to look at; tell of those that nothing reads."""
    entry = settings.entry
    config, unread = settings.split(model)
    for key in unread:
        if (entry.name, key) not in scope.keys_used:
            path, _ = settings.place(key)
            scope.report("key.ignored", (*path, key), f"{entry.kind} accepts {key!r}; it has no effect.")
    return config


def _fault(scope: Scope, settings: Settings, module_type: type[Module[Any]], fault: dict[str, Any]) -> None:
    entry, location = settings.entry, tuple(fault["loc"])
    path, config = settings.place(location[0] if location else "")
    inside = existing(config, location)
    kind, message = fault["type"], str(fault["msg"]).removeprefix("Value error, ")
    if kind == "extra_forbidden":
        name = str(location[-1])  # not always where `inside` ends: a list may be written in more than one form
        hint = scope.nearest(name, keys_at(module_type.Config, location[:-1]))
        scope.report("key.unknown", (*path, *inside), f"{entry.kind} has no key {name!r} here.{hint}")
    elif kind == "missing":
        wanted = location[-1]
        absent = "" if settings.values else " The module has no 'config'."
        text = f"{entry.kind} requires the key {str(wanted)!r}.{absent}"
        scope.report("config.required", (*path, *existing(config, location[:-1]), wanted), text)
    else:
        # A required text that is there and empty counts as missing (V8 to V11).
        code = "config.required" if kind == "string_too_short" else "config.invalid"
        scope.report(code, (*path, *inside), f"{path_text(inside) or 'config'}: {message}.")


def _steps(key: str) -> DocumentPath:
    return tuple(int(step) if step.isdecimal() else step for step in key.split(".")) if key else ()


def _cycles(scope: Scope) -> None:
    entries = scope.entries
    _, cycles = dependency_order({name: entry.depends_on for name, entry in entries.items()})
    for cycle in cycles:
        last = entries[cycle[-1]]
        index = last.depends_on.index(cycle[0])
        message = f"These modules depend on each other: {shown(cycle)}."
        scope.report("module.cycle", (*last.path, "dependsOn", index), message)
