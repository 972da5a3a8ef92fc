"""Flows over branch nodes: where their branches lead, circles, and the routes they imply (spec/modules.md 3.8)."""

from apps.engine.branches import branches_of
from apps.engine.checks.http import check_pattern
from apps.engine.checks.report import shown
from apps.engine.checks.scope import Scope
from apps.engine.flows import DEEPEST, takes_messages


def check_flows(scope: Scope) -> None:
    """Check every branch node, then the flows as a whole."""
    for name in scope.entries:
        if name in scope.flows.branching:
            _branches(scope, name)
    _cycles(scope)
    _depths(scope)
    for entrance in scope.flows.entrances(scope.route_handlers):
        written = {"method": entrance.method, "path": entrance.pattern}
        check_pattern(scope, written, entrance.path[:-1])


def _branches(scope: Scope, name: str) -> None:
    module = scope.built.get(name)
    ways = getattr(module, "ways", None)
    for branch in branches_of(scope.entries[name]):
        if ways is not None and branch.handle not in ways:
            message = f"{name!r} has no way out {branch.handle!r}; it has: {', '.join(ways[:10])}."
            scope.report("branch.unknown", branch.path, message)
        if branch.target not in scope.entries:
            if branch.path[2] == "config":  # a name under `branches` has been checked with its entry
                scope.report("reference.unknown", branch.path, scope.unknown(branch.target, "module", scope.entries))
            continue
        module_type = scope.type_of(branch.target)
        if module_type is not None and not takes_messages(module_type):
            message = f"{branch.target!r} ({module_type.kind}) cannot take messages in."
            scope.report("reference.unsuitable", branch.path, message)


def _cycles(scope: Scope) -> None:
    """Report circles that go through a branch; those of `dependsOn` alone are reported with the modules."""
    flows = scope.flows
    for cycle in flows.cycles:
        branching = [name for name in cycle if name in flows.branching]
        if not branching:
            continue
        following = cycle[(cycle.index(branching[-1]) + 1) % len(cycle)]
        path = next(each.path for each in branches_of(scope.entries[branching[-1]]) if each.target == following)
        scope.report("flow.cycle", path, f"A message would go round in a circle: {shown(cycle)}.")


def _depths(scope: Scope) -> None:
    depths: dict[str, int] = {}
    for name in scope.flows.order:
        depths[name] = 1 + max((depths.get(each, 0) for each in scope.flows.next[name]), default=0)
        if depths[name] == DEEPEST + 1:
            message = f"A message may pass {DEEPEST} nodes in a row; from {name!r} it would pass more."
            scope.report("flow.too_deep", scope.entries[name].path, message)
