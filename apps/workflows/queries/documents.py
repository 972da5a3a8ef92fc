"""What the engine says about a text: findings and the graph to draw. Nothing is stored."""

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from apps.engine.check import CheckOptions, examine
from apps.engine.document import Document, load
from apps.engine.findings import Finding, Severity
from apps.engine.graph import graph
from apps.engine.secret_values import SecretValues
from apps.modules.queries import registry
from apps.tenants.queries import secret_values


@dataclass(frozen=True, slots=True)
class Checked:
    """A text with everything the checker says about it; `document` is None when it does not parse."""

    document: Document | None
    findings: tuple[Finding, ...]
    values: SecretValues | None = None  # that its settled texts were checked with

    def of(self, severity: Severity) -> list[Finding]:
        """Return the findings of one severity."""
        return [finding for finding in self.findings if finding.severity is severity]

    def graph(self) -> dict[str, Any] | None:
        """Return `{nodes, edges}` for drawing, nodes with their findings; None when there is no document."""
        return None if self.document is None else graph(self.document, registry(), self.findings)


def document_check(
    *,
    text: str | bytes,
    secrets: frozenset[str] | None = None,
    allow_placeholders: bool = False,
    environment_id: UUID | None = None,
) -> Checked:
    """Load and check a text as one to publish; with `secrets` a `${NAME}` outside that set is a blocked finding.

    A placeholder type (spec/modules.md 3.8) is one too, unless they are allowed. With an environment of the scope's
    tenant, settled texts are checked with the values of its secrets: only for who may deploy there, since whoever may
    try documents on values can find them out.
    """
    loaded = load(text)
    if loaded.document is None:
        return Checked(None, tuple(sorted(loaded.findings)))
    options = CheckOptions(secrets=secrets, filled=True, allow_placeholders=allow_placeholders)
    examined = examine(loaded.document, registry(), options)
    values = None
    if environment_id is not None and examined.references:
        values = SecretValues(secret_values(environment_id=environment_id, references=examined.references))
        examined = examine(loaded.document, registry(), replace(options, values=values))
    return Checked(loaded.document, tuple(sorted({*loaded.findings, *examined.findings})), values)
