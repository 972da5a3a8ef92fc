"""Values of steps as functions of the run's names: constants are made once, templates evaluated each time."""

from collections.abc import Callable, Mapping
from typing import Any

from apps.engine.document import DocumentPath
from apps.engine.expressions import text_of
from apps.engine.sections.workspace import Workspace

Evaluate = Callable[[Mapping[str, Any]], Any]


def evaluator(workspace: Workspace, value: Any, path: DocumentPath) -> tuple[Evaluate, frozenset[str]]:
    """Return a function for a JSON tree with `${...}` in it, and the names it uses.

    What a step sets, emits or answers is stored, so a secret has no place in it.
    """
    template = workspace.template(value, path)
    if template.secrets:
        names = ", ".join(sorted(template.secrets))
        workspace.refuse("reference.unsuitable", path, f"A secret may be given to a module only: {names}.")
    return template.evaluate, template.roots


def text_evaluator(workspace: Workspace, text: Any, path: DocumentPath) -> tuple[Evaluate, frozenset[str]]:
    """Return a function for an expression whose value is compared as text."""
    expression = workspace.condition(text, path)
    evaluate = expression.evaluate
    return (lambda names: text_of(evaluate(names))), expression.roots
