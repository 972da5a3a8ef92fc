"""The second stage: everything there is to say about a document, all at once and in the order of the text.

What each finding means is in `codes`; each part of the format has its own file under `checks/`. Nothing is compiled
and nothing raises: a document that is beyond use still gets its findings.
"""

from apps.engine.checks.calls import check_calls
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
from apps.engine.document import Document
from apps.engine.findings import Finding
from apps.engine.registry import Registry

__all__ = ["DEPLOYED", "CheckOptions", "check"]


def check(document: Document, registry: Registry, options: CheckOptions | None = None) -> list[Finding]:
    """Return every finding of a document, sorted by place; the types of `registry` are what this build has."""
    scope = Scope(document, registry, options or CheckOptions())
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
    check_secrets(scope)
    return sorted(set(scope.findings))
