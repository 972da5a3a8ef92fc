"""What every check shares: the document, what it defines, and where findings go."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from apps.engine.checks.known import canonical
from apps.engine.checks.options import CheckOptions
from apps.engine.codes import CODES, finding
from apps.engine.document import Document, DocumentPath, ModuleEntry, path_text
from apps.engine.expressions import BadExpression, Expression, Note, Template, compile_condition, compile_template
from apps.engine.findings import Finding
from apps.engine.module import Effect, Module
from apps.engine.registry import Registry
from apps.engine.service_names import service_names


class Scope:
    """One document under examination."""

    def __init__(self, document: Document, registry: Registry, options: CheckOptions) -> None:
        self.document = document
        self.registry = registry
        self.options = options
        self.findings: list[Finding] = []
        self.entries: dict[str, ModuleEntry] = {}
        for entry in document.modules:
            self.entries.setdefault(entry.name, entry)
        self.kinds = {name: self._kind(entry.kind) for name, entry in self.entries.items()}
        self.built: dict[str, Module[Any]] = {}  # the modules whose config is good
        provided = {name: entry.config.get("provides") for name, entry in self.entries.items()}
        self.services = service_names(self.kinds, provided)
        self.pipelines: Mapping[str, Any] = document.workflows.get("pipelines", {})

    def _kind(self, kind: str) -> str:
        module_type = self.registry.get(kind)
        return module_type.kind if module_type is not None else canonical(kind)

    # --- reporting ------------------------------------------------------------------------------------------------

    def report(self, code: str, path: DocumentPath, message: str) -> None:
        """Note a finding at a key or item."""
        mark = self.document.mark_of(path)
        known = code if code in CODES else "module.config"
        self.findings.append(finding(known, path_text(path), message, mark.line, mark.column))

    def report_text(self, code: str, path: DocumentPath, offset: int, message: str) -> None:
        """Note a finding at a character of the text at `path`."""
        mark = self.document.value_mark(path, offset)
        self.findings.append(finding(code, path_text(path), message, mark.line, mark.column))

    def expression(self, text: Any, path: DocumentPath) -> Expression | None:
        """Compile a condition or expression; report what is wrong with it, at its character."""
        if not isinstance(text, str):
            text = str(text).lower() if isinstance(text, bool) else str(text)
        try:
            found = compile_condition(text)
        except BadExpression as bad:
            self.report_text("expression.invalid", path, bad.offset, bad.message)
            return None
        self._notes(found.notes, path)
        return found

    def template(self, value: Any, path: DocumentPath) -> set[str]:
        """Compile every text of a tree; report each that is wrong; return the secrets they name."""
        secrets: set[str] = set()
        for inner, text in texts_in(value):
            where = (*path, *inner)
            template = self._template(text, where)
            if template is not None:
                secrets |= template.secrets
                self._notes(template.notes, where)
        return secrets

    def _template(self, text: str, path: DocumentPath) -> Template | None:
        try:
            return compile_template(text)
        except BadExpression as bad:
            self.report_text("expression.invalid", path, bad.offset, bad.message)
            return None

    def _notes(self, notes: Iterable[Note], path: DocumentPath) -> None:
        for note in notes:
            self.report_text(note.code, path, note.offset, note.message)

    # --- names ----------------------------------------------------------------------------------------------------

    def resolve(self, name: str) -> str | None:
        """Return the module that a name means: its own, or one that it is well known by."""
        return name if name in self.entries else self.services.get(name)

    def type_of(self, name: str) -> type[Module[Any]] | None:
        """Return the type of the module that a name means, None when this build does not have it."""
        return self.registry.get(self.kinds.get(name, ""))

    def of_kinds(self, kinds: Iterable[str]) -> list[str]:
        """Return the modules of the given kinds, in file order."""
        wanted = frozenset(kinds)
        return [name for name, kind in self.kinds.items() if kind in wanted]

    def unknown(self, name: str, what: str, names: Iterable[str]) -> str:
        """Word the message of a name that means nothing, with the nearest that does."""
        return f"There is no {what} {name!r}.{nearest(name, names)}"

    def targets(self) -> list[str]:
        """Return every name a step may call."""
        return [*self.entries, *self.pipelines, *self.registry.components]

    def is_pure(self, name: str) -> bool:
        """Whether a module leaves nothing behind when called; what cannot be told counts as pure."""
        module = self.built.get(name)
        source: Any = module if module is not None else self.type_of(name)
        return source is None or (source.effect is Effect.PURE and not source.writes)

    # --- definitions ----------------------------------------------------------------------------------------------

    @property
    def definitions(self) -> dict[str, dict[str, Any]]:
        """The state machines by name, as written."""
        written = self.document.workflows.get("statemachine", {}).get("definitions")
        found: dict[str, dict[str, Any]] = {}
        for definition in written if isinstance(written, list) else []:
            if isinstance(definition, dict) and isinstance(definition.get("name"), str):
                found.setdefault(definition["name"], definition)
        return found

    def transitions(self) -> set[str]:
        """Return the transitions of all state machines."""
        return {name for definition in self.definitions.values() for name in keys_of(definition.get("transitions"))}


def keys_of(value: Any) -> list[str]:
    """Return the keys of a map, nothing for anything else."""
    return list(value) if isinstance(value, dict) else []


def items_of(value: Any) -> list[tuple[int, dict[str, Any]]]:
    """Return the maps in a list with their places, nothing for anything else."""
    return [
        (index, item) for index, item in enumerate(value if isinstance(value, list) else []) if isinstance(item, dict)
    ]


def texts_in(value: Any) -> Iterable[tuple[DocumentPath, str]]:
    """Return every text in a tree with its path, in order."""
    waiting: list[tuple[DocumentPath, Any]] = [((), value)]
    while waiting:
        path, item = waiting.pop()
        if isinstance(item, str):
            yield path, item
        elif isinstance(item, dict):
            waiting.extend(((*path, key), inner) for key, inner in reversed(item.items()))
        elif isinstance(item, list):
            waiting.extend(((*path, index), item[index]) for index in reversed(range(len(item))))


def nearest(name: str, names: Iterable[str]) -> str:
    """Word a hint at the nearest of the given names, empty when none is near."""
    by_lower = {known.lower(): known for known in names}
    found = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return f" Did you mean {by_lower[found[0]]!r}?" if found else ""
