"""What hosts feed the samples of a document with: requests, runs and calls of modules (spec/modules.md 3.5, D30).

Unfinished runs are not fed: whoever shows the samples counts them (`Samples.show_active`).
"""

from collections.abc import Iterable

from apps.engine.application import Route
from apps.engine.http import Response
from apps.engine.ports import Metrics
from apps.engine.run.program import Trace

ENDED = ("done", "failed")  # of the states of a step's line: those of a try that ended


def sample_request(metrics: Metrics, route: Route, response: Response, trace: Trace, seconds: float) -> None:
    """Count one answered request, and the modules that answered it."""
    labels = {"method": route.method, "path": route.pattern}
    metrics.count("http_requests_total", {**labels, "status_code": str(response.status)})
    metrics.observe("http_request_duration_seconds", labels, seconds)
    program = route.program
    if program is None:
        _call(metrics, route.handler, "handle", is_success=response.status < 500)
        return
    for position, _, _, _, error, _ in trace:
        if position >= 0:
            _call(metrics, program.steps[position].module, "run", is_success=error is None)


def sample_steps(metrics: Metrics, lines: Iterable[tuple[str, str]]) -> None:
    """Count the calls that ended among lines of a run's story, each given as module and state."""
    for module, state in lines:
        if state in ENDED:
            _call(metrics, module, "run", is_success=state == "done")


def sample_run(metrics: Metrics, section: str, action: str, seconds: float, *, is_success: bool) -> None:
    """Count one run that has ended, and how long it took from its acceptance."""
    labels = {"workflow_type": section, "action": action}
    metrics.count("workflow_executions_total", {**labels, "status": "success" if is_success else "error"})
    metrics.observe("workflow_duration_seconds", labels, seconds)


def _call(metrics: Metrics, module: str, operation: str, *, is_success: bool) -> None:
    if module:
        labels = {"module": module, "operation": operation, "status": "success" if is_success else "error"}
        metrics.count("module_operations_total", labels)
