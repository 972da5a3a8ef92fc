"""From a path on the command line to a checked document: what every verb starts with."""

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import apps.modules.catalog
from apps.engine.application import Application
from apps.engine.check import CheckOptions, check
from apps.engine.checks.secrets import secrets_named
from apps.engine.codes import finding
from apps.engine.compile import compile_document
from apps.engine.document import Document, Loaded, load
from apps.engine.findings import DocumentRefused, Finding, Severity
from apps.engine.links.check import check_links, is_links_document
from apps.engine.parts import Part, holds_several, parts_of
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
    return _examined(_name(path), content, load(content), types, options, has_links=has_links)


def examine_each(
    path: Path, types: Registry, options: CheckOptions | None = None, *, has_links: bool = False
) -> list[Examined]:
    """As `examine`, of a text that holds several workflows each by itself; the places are those of the whole text."""
    content = read(path)
    loaded = load(content)
    if loaded.document is None or not holds_several(loaded.document):
        return [_examined(_name(path), content, loaded, types, options, has_links=has_links)]
    try:
        parts = parts_of(loaded.document)
    except DocumentRefused as refused:
        return [_refused(path, content, loaded, refused.findings)]
    return [_part(path, content, part, types, options) for part in parts]


def examine_part(path: Path, key: str, types: Registry, options: CheckOptions | None = None) -> Examined:
    """As `examine`, of one workflow of a text that holds several, by its key; raise `Unreadable`."""
    content = read(path)
    loaded = load(content)
    if loaded.document is None:
        return _refused(path, content, loaded, ())
    try:
        parts = parts_of(loaded.document) if holds_several(loaded.document) else []
    except DocumentRefused as refused:
        return _refused(path, content, loaded, refused.findings)
    part = next((each for each in parts if each.key == key), None)
    if part is not None:
        return _part(path, content, part, types, options)
    gone = finding("section.shape", "", f"There is no workflow {key!r} in this text any more.", 1, 1)
    return _refused(path, content, loaded, (gone,))


def _refused(path: Path, content: bytes, loaded: Loaded, findings: Iterable[Finding]) -> Examined:
    return Examined(_name(path), content, loaded.document, tuple(sorted({*loaded.findings, *findings})))


def part_name(path: Path, key: str) -> str:
    """Return what one workflow of a text is called in reports."""
    return f"{_name(path)} ({key})"


def _part(path: Path, content: bytes, part: Part, types: Registry, options: CheckOptions | None) -> Examined:
    examined = _examined(part_name(path, part.key), content, load(part.text), types, options)
    if not part.has_moved:
        return examined
    placed = (replace(each, line=part.line, column=part.column) for each in examined.findings)
    return replace(examined, findings=tuple(sorted(set(placed))))


def _name(path: Path) -> str:
    return "<stdin>" if str(path) == "-" else str(path)


def _examined(
    name: str,
    content: bytes,
    loaded: Loaded,
    types: Registry,
    options: CheckOptions | None,
    *,
    has_links: bool = False,
) -> Examined:
    findings = list(loaded.findings)
    if loaded.document is not None and has_links and is_links_document(loaded.document):
        findings += check_links(loaded.document)
    elif loaded.document is not None:
        findings += check(loaded.document, types, replace(options or CheckOptions(files=True), values=_values()))
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
