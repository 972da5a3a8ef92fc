"""Values of steps as functions of the run's names: constants are made once, templates evaluated each time."""

from collections.abc import Callable, Mapping
from typing import Any

from apps.engine.document import DocumentPath
from apps.engine.expressions import Template, text_of
from apps.engine.sections.workspace import Workspace

Evaluate = Callable[[Mapping[str, Any]], Any]


def stored_template(workspace: Workspace, value: Any, path: DocumentPath) -> Template:
    """Compile a JSON tree with `${...}` in it that a step sets, emits or answers: secrets have no place in it."""
    template = workspace.template(value, path)
    if template.secrets:
        names = ", ".join(sorted(template.secrets))
        workspace.refuse("reference.unsuitable", path, f"A secret may be given to a module only: {names}.")
    return template


def evaluator(workspace: Workspace, value: Any, path: DocumentPath) -> tuple[Evaluate, frozenset[str]]:
    """Return a function for such a tree, and the names it uses."""
    template = stored_template(workspace, value, path)
    return template.fill, template.roots


def text_evaluator(workspace: Workspace, text: Any, path: DocumentPath) -> tuple[Evaluate, frozenset[str]]:
    """Return a function for an expression whose value is compared as text."""
    expression = workspace.condition(text, path)
    evaluate = expression.evaluate
    return (lambda names: text_of(evaluate(names))), expression.roots
