"""From a path on the command line to a checked document: what every verb starts with."""

import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import apps.modules.catalog
from apps.engine.application import Application
from apps.engine.check import CheckOptions, check
from apps.engine.checks.secrets import secrets_named
from apps.engine.compile import compile_document
from apps.engine.document import Document, load
from apps.engine.findings import DocumentRefused, Finding, Severity
from apps.engine.links.check import check_links, is_links_document
from apps.engine.registry import Registry, discover
from apps.engine.secret_values import SecretValues


class Unreadable(Exception):
    """The file cannot be read at all; the message names it and says why."""


@dataclass(frozen=True, slots=True)
class Examined:
    """A document with everything the checker says about it; `document` is None when the text does not parse."""

    name: str
    content: bytes
    document: Document | None
    findings: tuple[Finding, ...]

    def has(self, severity: Severity) -> bool:
        """Say whether any finding is of this severity."""
        return any(finding.severity is severity for finding in self.findings)

    @property
    def text(self) -> str:
        """The content as far as it can be read."""
        return self.content.decode("utf-8", "replace")

    @property
    def can_run(self) -> bool:
        """Say whether nothing stands in the way of compiling."""
        return self.document is not None and not self.has(Severity.ERROR) and not self.has(Severity.BLOCKED)


def registry() -> Registry:
    """Return the module types that ship with the product."""
    return discover(apps.modules.catalog)


def read(path: Path) -> bytes:
    """Return the bytes of a file, or of standard input for `-`; raise `Unreadable`."""
    try:
        return sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror or error}") from None


def examine(path: Path, types: Registry, options: CheckOptions | None = None, *, has_links: bool = False) -> Examined:
    """Load and check one file, with `has_links` also one that lists links; raise `Unreadable` when there is none.

    Secrets in settled texts are looked at with their values where the environment has them.
    """
    content = read(path)
    loaded = load(content)
    findings = list(loaded.findings)
    if loaded.document is not None and has_links and is_links_document(loaded.document):
        findings += check_links(loaded.document)
    elif loaded.document is not None:
        findings += check(loaded.document, types, replace(options or CheckOptions(files=True), values=_values()))
    name = "<stdin>" if str(path) == "-" else str(path)
    return Examined(name, content, loaded.document, tuple(sorted(set(findings))))


def _values() -> SecretValues:
    return SecretValues(os.environ)


def secrets_set(document: Document) -> list[str]:
    """Return the values, in the environment, of the secrets that the document names."""
    return [os.environ[name] for name in secrets_named(document) if name in os.environ]


def missing_secrets(document: Document, types: Registry) -> list[Finding]:
    """Return where the document names a secret that the environment does not have."""
    found = check(document, types, CheckOptions(secrets=frozenset(os.environ)))
    return [finding for finding in found if finding.code == "secret.missing"]


def compiled(
    examined: Examined, path: Path, types: Registry, *, allow_placeholders: bool = False
) -> tuple[Examined, Application | None]:
    """Compile what was examined, files beside it at hand; without an application the findings say why."""
    if examined.document is None or not examined.can_run:
        return examined, None
    folder = path.resolve().parent
    try:
        return examined, compile_document(
            examined.document,
            types,
            CheckOptions(allow_placeholders=allow_placeholders, values=_values()),
            read_file=lambda name: (folder / name).read_bytes(),
        )
    except DocumentRefused as refused:
        return replace(examined, findings=tuple(sorted({*examined.findings, *refused.findings}))), None
