"""What a module type has to have before it is one, and what a given type still lacks of it.

Everything that can be read from the type itself is read there; what is written down elsewhere (the tables of
spec/modules.md 3, the tests that drive an example) comes as `Evidence`, so that a test can plant a fault in any of it.
"""

import ast
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema_rs

from apps.engine.catalogue import type_entry
from apps.engine.check import CheckOptions, check
from apps.engine.compile import compile_document
from apps.engine.document import Document, load
from apps.engine.module import Effect, Module, ModuleConfig
from apps.engine.registry import Registry
from tests.support.checkout import ROOT

PORT_TYPES = frozenset({"http", "message", "data", "event", "service"})
CATALOG, UNIT_TESTS, EXAMPLES = "apps/modules/catalog", "tests/unit/modules", "examples/modules"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of all types: where files are; by kind, the keys of the tables and the examples driven."""

    registry: Registry
    root: Path
    keys: Mapping[str, frozenset[str]]
    driven: Mapping[str, frozenset[str]]
    fits: jsonschema_rs.Validator  # of the schema of documents


def keys_by_kind(tables: Document, registry: Registry) -> dict[str, frozenset[str]]:
    """Return the config keys that a document of all tables writes, by kind; other names of a kind count for it."""
    found: dict[str, set[str]] = {}
    for entry in tables.data["modules"]:
        module_type = registry.get(entry["type"])
        if module_type is not None:
            found.setdefault(module_type.kind, set()).update(entry["config"])
    return {kind: frozenset(keys) for kind, keys in found.items()}


def driven_by_kind(folder: Path) -> dict[str, frozenset[str]]:
    """Return by kind the texts in those tests marked `shows(kind, "example")` that await and assert something."""
    found: dict[str, frozenset[str]] = {}
    for path in sorted(folder.rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        if '"example")' in text:
            for kind, said in _driving(ast.parse(text)):
                found[kind] = found.get(kind, frozenset()) | said
    return found


def _driving(tree: ast.Module) -> Iterator[tuple[str, frozenset[str]]]:
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        inside = [each for statement in node.body for each in ast.walk(statement)]
        if not {ast.Await, ast.Assert} <= {type(each) for each in inside}:
            continue
        said = frozenset(
            each.value for each in inside if isinstance(each, ast.Constant) and isinstance(each.value, str)
        )
        for mark in node.decorator_list:
            if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Attribute) and mark.func.attr == "shows":
                kind, *shown = (each.value for each in mark.args if isinstance(each, ast.Constant))
                if "example" in shown:
                    yield str(kind), said


def lacking(module_type: type[Module[Any]], evidence: Evidence) -> list[str]:
    """Return, in a few words each, what the type lacks; nothing is a complete type."""
    return [
        *_files(module_type, evidence),
        *_config(module_type, evidence),
        *_description(module_type),
        *_ports(module_type),
        *_example(module_type, evidence),
    ]


def _stem(module_type: type[Module[Any]]) -> str:
    return module_type.kind.replace(".", "_")


def _files(module_type: type[Module[Any]], evidence: Evidence) -> Iterator[str]:
    folder, stem = module_type.category.value, _stem(module_type)
    if Path(inspect.getfile(module_type)) != ROOT / CATALOG / folder / f"{stem}.py":
        yield "a file of its own in its category"
    tests = evidence.root / UNIT_TESTS / "catalog" / folder / f"test_{stem}.py"
    if not tests.is_file() or "def test_" not in tests.read_text(encoding="utf-8"):
        yield "a file of unit tests"


def _config(module_type: type[Module[Any]], evidence: Evidence) -> Iterator[str]:
    config = module_type.Config
    if not issubclass(config, ModuleConfig) or config.model_config.get("extra") != "forbid":
        yield "a config model that refuses what it does not know"
        return
    schema = config.model_json_schema()
    if not jsonschema_rs.meta.is_valid(schema):
        yield "a valid JSON Schema"
    properties = schema.get("properties", {})
    yield from (f"the key {key}" for key in sorted(evidence.keys.get(module_type.kind, frozenset()) - set(properties)))
    yield from (f"a label for {key}" for key, said in properties.items() if not said.get("description"))


def _description(module_type: type[Module[Any]]) -> Iterator[str]:
    if not isinstance(module_type.effect, Effect):
        yield "an effect class"
        return
    entry = type_entry(module_type)
    if not entry.title or not entry.summary.endswith((".", "`.")):
        yield "help"


def _ports(module_type: type[Module[Any]]) -> Iterator[str]:
    for ports in (module_type.inputs, module_type.outputs):
        names = [port.name for port in ports]
        if len(set(names)) != len(names):
            yield "a name of its own for each port"
        yield from (f"a described type of the port {port.name}" for port in ports if not _is_told(port))
    if not module_type.inputs and not module_type.outputs:
        yield "ports"


def _is_told(port: Any) -> bool:
    return bool(port.name and port.description) and port.type in PORT_TYPES


def _example(module_type: type[Module[Any]], evidence: Evidence) -> Iterator[str]:
    path = evidence.root / EXAMPLES / f"{_stem(module_type)}.yaml"
    document = load(path.read_bytes()).document if path.is_file() else None
    if document is None or module_type.kind not in {entry.kind for entry in document.modules}:
        yield "an example that uses it"
        return
    registry, files = evidence.registry, CheckOptions(files=True)
    found = check(document, registry, files)
    if found or compile_document(document, registry, read_file=lambda name: (path.parent / name).read_bytes()).findings:
        yield "an example without findings"
    if not evidence.fits.is_valid(document.data):
        yield "an example that fits the schema"
    if _stem(module_type) not in evidence.driven.get(module_type.kind, frozenset()):
        yield "a test that drives the example"
