"""What the engine says about a text: findings and the graph to draw. Nothing is stored."""

from dataclasses import dataclass
from typing import Any

from apps.engine.check import CheckOptions, check
from apps.engine.document import Document, load
from apps.engine.findings import Finding, Severity
from apps.engine.graph import graph
from apps.modules.queries import registry


@dataclass(frozen=True, slots=True)
class Checked:
    """A text with everything the checker says about it; `document` is None when it does not parse."""

    document: Document | None
    findings: tuple[Finding, ...]

    def of(self, severity: Severity) -> list[Finding]:
        """Return the findings of one severity."""
        return [finding for finding in self.findings if finding.severity is severity]

    def graph(self) -> dict[str, Any] | None:
        """Return `{nodes, edges}` for drawing, nodes with their findings; None when there is no document."""
        return None if self.document is None else graph(self.document, registry(), self.findings)


def document_check(
    *, text: str | bytes, secrets: frozenset[str] | None = None, allow_placeholders: bool = False
) -> Checked:
    """Load and check a text as one to publish; with `secrets` a `${NAME}` outside that set is a blocked finding.

    A placeholder type (spec/modules.md 3.8) is one too, unless they are allowed.
    """
    loaded = load(text)
    if loaded.document is None:
        return Checked(None, tuple(sorted(loaded.findings)))
    options = CheckOptions(secrets=secrets, filled=True, allow_placeholders=allow_placeholders)
    findings = {*loaded.findings, *check(loaded.document, registry(), options)}
    return Checked(loaded.document, tuple(sorted(findings)))
