"""Secrets: every `${NAME}`, `secret://name` and signing `$NAME` must be set where the document is to run."""

from collections.abc import Collection, Iterator

from apps.engine.checks.report import texts_in
from apps.engine.checks.scope import Scope
from apps.engine.document import Document, DocumentPath
from apps.engine.placeholders import DOLLAR_NAME, is_template, secrets_in


def check_secrets(scope: Scope) -> None:
    """Report every use of a secret that is not set, when the caller knows which are."""
    known = scope.options.secrets
    if known is None:
        return
    for path, offset, reference in _used(scope.document):
        if reference not in known:
            scope.report_text("secret.missing", path, offset, _said(reference, known))


def _said(reference: str, known: Collection[str]) -> str:
    name, _, version = reference.partition("#")
    if version and name in known:
        return f"The secret {name} has no version {version} in this environment."
    return f"The secret {name} is not set in this environment."


def secrets_named(document: Document) -> frozenset[str]:
    """Return the secrets that a document names, each as `NAME` or `NAME#version`."""
    return frozenset(reference for _, _, reference in _used(document))


def _used(document: Document) -> Iterator[tuple[DocumentPath, int, str]]:
    for entry in document.modules:
        yield from _in(entry.config, (*entry.path, "config"))
        secret = entry.config.get("secret")
        plain = DOLLAR_NAME.fullmatch(secret) if isinstance(secret, str) and entry.kind == "auth.jwt" else None
        if plain is not None:
            yield (*entry.path, "config", "secret"), 0, plain[1]
    for key in ("workflows", "triggers"):
        yield from _in(document.data.get(key), (key,))


def _in(value: object, path: DocumentPath) -> Iterator[tuple[DocumentPath, int, str]]:
    for inner, text in texts_in(value):
        if is_template(text):
            for part in secrets_in(text):
                yield (*path, *inner), max(0, text.rfind("${", 0, part.offset)), part.text
