"""Secrets: where one may stand, and that each is set where the document is to run.

They are written `${NAME}`, `secret://name`, and `$NAME` where `auth.jwt` signs.
"""

from collections.abc import Collection, Iterator
from itertools import accumulate

from apps.engine.checks.early_texts import EarlyTexts, fault_of, references_in
from apps.engine.checks.known import FRAMEWORK_KEYS, TOP_KEYS
from apps.engine.checks.late_places import is_late
from apps.engine.checks.report import texts_in
from apps.engine.checks.scope import Scope
from apps.engine.checks.undecided import is_in_config
from apps.engine.document import Document, DocumentPath, path_text
from apps.engine.placeholders import DOLLAR_NAME, OPENING, is_template, means_secret, secrets_in

# Codes of findings that say enough of whatever stands beneath them: nothing reads it, or it is no place for a secret.
TELLING = frozenset({"key.ignored", "key.unknown", "reference.unsuitable", "section.unknown", "trigger.unknown"})
RULE = "what stands here is stored and shown. Only configs, and what modules are given, take secrets."


def check_secrets(scope: Scope, early: EarlyTexts) -> EarlyTexts:
    """Report every secret that stands where it would be taken literally, and every use of one that is not set.

    What is stored and shown (names, patterns, topics, states of sections and triggers) would give the value away, so
    there it is refused (spec/modules.md 1.4). Returns those of the settled config texts `early` that wait for a secret.
    """
    told = {found.path for found in scope.findings if found.code in TELLING}
    misplaced = set(_misplaced(scope, told))
    read: EarlyTexts = {}
    for path, text in early.items():
        if _is_told(path, told):
            continue
        fault = fault_of(text)
        if fault is None and references_in(text):
            read[path] = text
        elif fault is not None:
            scope.report_text(fault[0], path, fault[1], fault[2])
            misplaced.add(path)
    known = scope.options.secrets
    if known is not None:
        for path, offset, reference in _used(scope.document):
            if reference not in known and path not in misplaced and not _is_told(path, told):
                scope.report_text("secret.missing", path, offset, missing_text(reference, known))
    return read


def _misplaced(scope: Scope, told: set[str]) -> Iterator[DocumentPath]:
    """Report, and return, the places where a secret would be taken literally."""
    for top, value in scope.document.data.items():
        if top not in TOP_KEYS and top not in FRAMEWORK_KEYS:
            continue
        for inner, text, is_key in _written(value):
            path = (top, *inner)
            if not means_secret(text) or _is_told(path, told):
                continue
            if is_key:
                scope.report("secret.misplaced", path, f"A key cannot be a secret: {RULE}")
            elif is_in_config(path) or is_late(scope, path):
                continue
            else:
                offset = max(0, text.find(OPENING))
                scope.report_text("secret.misplaced", path, offset, f"A secret cannot stand here: {RULE}")
            yield path


def _written(value: object) -> Iterator[tuple[DocumentPath, str, bool]]:
    """Return every text and every key beneath a value, but those of extensions (`x-`), with its path."""
    waiting: list[tuple[DocumentPath, object]] = [((), value)]
    while waiting:
        path, item = waiting.pop()
        if isinstance(item, str):
            yield path, item, False
        elif isinstance(item, dict):
            for key, inner in item.items():
                if not key.startswith("x-"):
                    yield (*path, key), key, True
                    waiting.append(((*path, key), inner))
        elif isinstance(item, list):
            waiting.extend(((*path, index), inner) for index, inner in enumerate(item))


def _is_told(path: DocumentPath, told: set[str]) -> bool:
    """Whether something around a place has such a finding."""
    if not told:
        return False
    around = accumulate(path, lambda text, step: text + path_text(("", step)), initial="")
    return any(text.removeprefix(".") in told for text in around)


def missing_text(reference: str, known: Collection[str] = ()) -> str:
    """Word that a secret is not set where the document is to run."""
    name, _, version = reference.partition("#")
    if version and name in known:
        return f"The secret {name} has no version {version} in this environment."
    return f"The secret {name} is not set in this environment."


def secrets_named(document: Document) -> frozenset[str]:
    """Return the secrets that a document names, each as `NAME` or `NAME#version`."""
    return frozenset(reference for _, _, reference in _used(document))


def _used(document: Document) -> Iterator[tuple[DocumentPath, int, str]]:
    for entry in document.modules:
        yield from _in(document, entry.config, (*entry.path, "config"))
        secret = entry.config.get("secret")
        plain = DOLLAR_NAME.fullmatch(secret) if isinstance(secret, str) and entry.kind == "auth.jwt" else None
        if plain is not None:
            yield (*entry.path, "config", "secret"), 0, plain[1]
    for key in ("workflows", "triggers", *FRAMEWORK_KEYS):
        yield from _in(document, document.data.get(key), (key,))


def _in(document: Document, value: object, path: DocumentPath) -> Iterator[tuple[DocumentPath, int, str]]:
    for inner, text in texts_in(value):
        place = (*path, *inner)
        if is_template(text) and place not in document.filled_at:
            for part in secrets_in(text):
                yield place, max(0, text.rfind("${", 0, part.offset)), part.text
