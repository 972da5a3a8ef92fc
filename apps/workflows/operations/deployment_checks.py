"""Objections to a deployment from the apps above: they register here at start-up and are asked in the transaction.

`runs` objects when live instances stand in a state that the new document lacks (`instances.orphaned`).
"""

from collections.abc import Callable, Iterable

from apps.engine.findings import Finding
from apps.workflows.events import DeploymentPlan

Check = Callable[[DeploymentPlan], Iterable[Finding]]

_checks: list[Check] = []


def deployment_check_register(check: Check) -> None:
    """Ask `check` before every deployment; what it returns with severity `blocked` or `error` forbids it."""
    if check not in _checks:
        _checks.append(check)


def objections(plan: DeploymentPlan) -> list[Finding]:
    """Return what all registered checks say."""
    return [finding for check in _checks for finding in check(plan)]
