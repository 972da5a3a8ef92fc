"""The second stage: everything there is to say about a document, all at once and in the order of the text.

What each finding means is in `codes`; each part of the format has its own file under `checks/`. Nothing is compiled
and nothing raises: a document that is beyond use still gets its findings.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from apps.engine.checks.calls import check_calls
from apps.engine.checks.early_texts import MOST_FILLED_IN, EarlyTexts, TooLong, early_texts, fill_in, references_in
from apps.engine.checks.event import check_event
from apps.engine.checks.flows import check_flows
from apps.engine.checks.http import check_http
from apps.engine.checks.integration import check_integration
from apps.engine.checks.messaging import check_messaging
from apps.engine.checks.modules import check_modules
from apps.engine.checks.options import DEPLOYED, CheckOptions
from apps.engine.checks.pipelines import check_pipelines
from apps.engine.checks.purity import Purity
from apps.engine.checks.references import check_module_references
from apps.engine.checks.schedules import check_schedules
from apps.engine.checks.scope import Scope
from apps.engine.checks.secrets import check_secrets
from apps.engine.checks.statemachine import check_statemachine
from apps.engine.checks.top import check_top
from apps.engine.checks.triggers import check_triggers
from apps.engine.checks.undecided import Undecided
from apps.engine.checks.untold import Untold
from apps.engine.codes import finding
from apps.engine.document import Document, path_text
from apps.engine.findings import Finding
from apps.engine.registry import Registry

__all__ = ["DEPLOYED", "CheckOptions", "Examined", "check", "examine"]


@dataclass(frozen=True, slots=True)
class Examined:
    """A document as it is to be compiled, and all that there is to say about it."""

    document: Document  # with the known secrets filled in to its settled texts
    findings: list[Finding]  # sorted by place
    without_values: list[Finding]  # as if no value were known
    references: frozenset[str]  # all secrets that its settled texts name
    missing: EarlyTexts  # the settled texts with a secret that is not known

    def untold(self, findings: Iterable[Finding]) -> list[Finding]:
        """Return findings of the filled-in document without anything of the values."""
        return Untold(self.document, self.without_values).of(findings) if self.document.filled_at else list(findings)


def check(document: Document, registry: Registry, options: CheckOptions | None = None) -> list[Finding]:
    """Return every finding of a document, sorted by place; the types of `registry` are what this build has."""
    return examine(document, registry, options).findings


def examine(document: Document, registry: Registry, options: CheckOptions | None = None) -> Examined:
    """Check a document with the values of its settled secrets, as far as `options` has them.

    It is looked at as it is written, too: what is said then may be told in full, and the rest without the values.
    """
    asked = options or CheckOptions()
    findings, early = _look(document, registry, asked)
    references = frozenset(reference for text in early.values() for reference in references_in(text))
    if asked.values is None or not references:
        return Examined(document, findings, findings, references, early)
    try:
        texts = fill_in(early, asked.values.get)
    except TooLong:
        return Examined(document, sorted({*findings, _too_long(document, early)}), findings, references, {})
    filled = document.filled(texts)
    found, _ = _look(filled, registry, asked)
    missing = {path: text for path, text in early.items() if path not in texts}
    examined = Examined(filled, [], findings, references, missing)
    return replace(examined, findings=sorted(set(examined.untold(found))))


def _look(document: Document, registry: Registry, options: CheckOptions) -> tuple[list[Finding], EarlyTexts]:
    """Return every finding, and the settled texts with secrets that are not filled in."""
    scope = Scope(document, registry, options)
    early = early_texts(scope)
    scope.undecided = Undecided(early)
    check_top(scope)
    check_modules(scope)
    purity = Purity(scope)
    check_module_references(scope)
    check_calls(scope)
    check_flows(scope)
    check_http(scope, purity)
    check_messaging(scope)
    check_statemachine(scope, purity)
    check_pipelines(scope)
    check_integration(scope)
    check_event(scope)
    check_schedules(scope)
    check_triggers(scope)
    scope.undecided = Undecided()
    read = check_secrets(scope, early)
    return sorted(set(scope.findings)), read


def _too_long(document: Document, early: EarlyTexts) -> Finding:
    path = next(iter(early))
    message = f"With the secrets filled in, the texts of configs have more than {MOST_FILLED_IN} characters."
    return finding("config.invalid", path_text(path), message, *document.mark_of(path))
