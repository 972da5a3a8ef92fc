"""The `pipelines` section: steps as a document writes them, compiled to flat programs.

Each step says one thing: `set`, `validate`, `uses`, `if`, `switch`, `emit` or `respond`. A pipeline may answer a route,
take in a subscription's messages, be a hook or a processing step, and be used by another pipeline, in whose place its
steps then stand.
"""

from collections.abc import Callable
from typing import Any

from apps.engine.document import DocumentPath, path_text
from apps.engine.durations import duration_seconds
from apps.engine.expressions import Template
from apps.engine.json_schemas import BadSchema, Schema
from apps.engine.module import Context
from apps.engine.outcome import StepFailed
from apps.engine.run.assembly import Block, Call, Inline, Node, Plain, merge
from apps.engine.run.program import HIDDEN, Given, RetryPolicy, StepCall, Variables
from apps.engine.run.target import AnyTarget, PipelineTarget, ProcessingTarget, Target
from apps.engine.sections.choices import Choice, condition_of
from apps.engine.sections.texts import Evaluate, evaluator, stored_template, text_evaluator
from apps.engine.sections.workspace import Workspace

SECTION = "pipelines"


def compile_pipelines(workspace: Workspace) -> None:
    """Add a program `pipeline:<name>` for every pipeline of the document."""
    for name in workspace.pipelines:
        path: DocumentPath = ("workflows", SECTION, name)
        workspace.assemble(f"pipeline:{name}", SECTION, [pipeline_block(workspace, name)], path=path)


def pipeline_block(workspace: Workspace, name: str) -> Block:
    """Return the nodes of a pipeline, parsed once; the checker has made sure that none uses itself."""
    entry = f"pipeline:{name}"
    if entry not in workspace.blocks:
        path: DocumentPath = ("workflows", SECTION, name)
        written = workspace.pipelines[name] or {}
        nodes: list[Node] = []
        if "input" in written:
            nodes.append(_schema_node(workspace, written["input"], None, "input", (*path, "input")))
        nodes += parse_steps(workspace, written.get("steps"), (*path, "steps"))
        workspace.blocks[entry] = Block(tuple(nodes))
    return workspace.blocks[entry]


def block_of(workspace: Workspace, target: PipelineTarget) -> Block:
    """Return the nodes of a pipeline or flow."""
    return workspace.blocks[target.entry] if target.is_flow else pipeline_block(workspace, target.name)


def parse_steps(workspace: Workspace, written: Any, path: DocumentPath) -> list[Node]:
    """Parse a list of steps."""
    return [_parse_step(workspace, step, (*path, index)) for index, step in enumerate(written or [])]


def _parse_step(workspace: Workspace, step: Any, path: DocumentPath) -> Node:
    kinds = [kind for kind in _PARSERS if isinstance(step, dict) and kind in step]
    if len(kinds) != 1:
        workspace.refuse("step.kind", path, f"A step says exactly one of {', '.join(_PARSERS)}.")
    return _PARSERS[kinds[0]](workspace, step, path)


def _parse_set(workspace: Workspace, step: dict[str, Any], path: DocumentPath) -> Node:
    template = stored_template(workspace, step["set"], (*path, "set"))
    setting = _setting_always(template.evaluate({})) if template.is_constant else _setting(template.fill)
    return Plain("set", setting, _name(step), path_text(path), template.roots, replay=merge)


def _setting(evaluate: Evaluate) -> Callable[[Any, int], StepCall]:
    def build(scope: Any, after: int) -> StepCall:
        def call(variables: Variables, context: Context) -> tuple[Any, int]:
            names = variables.names
            found = evaluate(names)
            try:
                names["data"] = {**names["data"], **found}
            except TypeError:
                merge(variables, found)
            return found, after

        return call

    return build


def _setting_always(values: dict[str, Any]) -> Callable[[Any, int], StepCall]:
    """Return the step that sets the same values each time; its result is one object for all runs."""

    def build(scope: Any, after: int) -> StepCall:
        result = values, after

        def call(variables: Variables, context: Context) -> tuple[Any, int]:
            names = variables.names
            try:
                names["data"] = {**names["data"], **values}
            except TypeError:
                merge(variables, values)
            return result

        return call

    return build


def _parse_validate(workspace: Workspace, step: dict[str, Any], path: DocumentPath) -> Node:
    said = step["validate"] if isinstance(step["validate"], dict) else {}
    value = said.get("value", step.get("value"))
    if "module" not in said:
        return _schema_node(workspace, said.get("schema", {}), value, _name(step), (*path, "validate", "schema"), path)
    target = workspace.target(said["module"], (*path, "validate", "module"))
    if not isinstance(target, Target):
        workspace.refuse("reference.unsuitable", (*path, "validate", "module"), f"{target.name} is not a module.")
    payload = None if value is None else evaluator(workspace, value, (*path, "validate", "value"))
    return Call(
        target,
        _name(step),
        path_text(path),
        "validate",
        payload=None if payload is None else _payload(payload[0]),
        roots=frozenset() if payload is None else payload[1],
    )


def _schema_node(
    workspace: Workspace, schema: Any, value: Any, name: str, path: DocumentPath, step: DocumentPath | None = None
) -> Node:
    try:
        check = Schema(schema).check
    except BadSchema as bad:
        workspace.refuse("schema.invalid", path, str(bad))
    found = None if value is None else evaluator(workspace, value, path)
    evaluate = None if found is None else found[0]

    def build(scope: Any, after: int) -> StepCall:
        def call(variables: Variables, context: Context) -> tuple[Any, int]:
            check(variables.names["data"] if evaluate is None else evaluate(variables.names))
            return None, after

        return call

    roots = frozenset() if found is None else found[1]
    return Plain("validate", build, name, path_text(step or path), roots, given=_given(evaluate), given_roots=roots)


def _parse_uses(workspace: Workspace, step: dict[str, Any], path: DocumentPath) -> Node:
    target = workspace.target(str(step["uses"]), (*path, "uses"))
    template = None if "with" not in step else workspace.template(step["with"], (*path, "with"))
    retry = _retry(workspace, step, path)
    keep = str(step.get("as", ""))
    into_data = step.get("into") == "data"
    if isinstance(target, ProcessingTarget):
        retry, target = retry or target.retry, target.target
    roots = frozenset() if template is None else template.roots
    if isinstance(target, PipelineTarget):
        if template is not None and template.secrets:
            workspace.refuse("reference.unsuitable", (*path, "with"), "A secret may be given to a module only.")
        block = block_of(workspace, target)
        payload = None if template is None else _payload(template.fill)
        return Inline(block, _name(step) or target.name, path_text(path), payload, keep, into_data, retry, roots)
    payload, needs_secrets, told = (None, False, None) if template is None else template_payload(template)
    return Call(
        target,
        _name(step),
        path_text(path),
        payload=payload,
        needs_secrets=needs_secrets,
        told=_payload(told) if told is not None and needs_secrets else None,
        keep=keep,
        into_data=into_data,
        retry=retry,
        roots=roots,
    )


def template_payload(template: Template) -> tuple[Callable[[Variables, Context], Any], bool, Evaluate]:
    """Return what a template gives a step, whether that is a coroutine for its secrets, and what may be told of it."""
    if not template.secrets:
        return _payload(template.fill), False, template.fill

    async def payload(variables: Variables, context: Context) -> Any:
        secrets = {name: await context.unit.secrets.get(name) for name in sorted(template.secrets)}
        return template.evaluate(variables.names, secrets)

    return payload, True, _hiding(template)


def _hiding(template: Template) -> Evaluate:
    """Return how a template with secrets in it is filled in where it is going to be stored."""
    hidden = dict.fromkeys(template.secrets, HIDDEN)
    return lambda names: template.evaluate(names, hidden)


def _given(evaluate: Evaluate | None) -> Given | None:
    return None if evaluate is None else lambda variables: evaluate(variables.names)


def _responded(variables: Variables, response: Any) -> None:
    variables.response = response


def _payload(evaluate: Callable[[dict[str, Any]], Any]) -> Callable[[Variables, Context], Any]:
    return lambda variables, context: evaluate(variables.names)


def _parse_if(workspace: Workspace, step: dict[str, Any], path: DocumentPath) -> Node:
    condition = condition_of(workspace, step["if"], (*path, "if"))
    branches = {
        True: Block(tuple(parse_steps(workspace, step.get("then"), (*path, "then")))),
        False: Block(tuple(parse_steps(workspace, step.get("else"), (*path, "else")))),
    }
    return Choice("if", condition[0], branches, None, _name(step), path_text(path), condition[1])


def _parse_switch(workspace: Workspace, step: dict[str, Any], path: DocumentPath) -> Node:
    found = text_evaluator(workspace, step["switch"], (*path, "switch"))
    cases = {
        str(case): Block(tuple(parse_steps(workspace, steps, (*path, "cases", case))))
        for case, steps in (step.get("cases") or {}).items()
    }
    default = Block(tuple(parse_steps(workspace, step.get("default"), (*path, "default"))))
    return Choice("switch", found[0], cases, default, _name(step), path_text(path), found[1])


def _parse_emit(workspace: Workspace, step: dict[str, Any], path: DocumentPath) -> Node:
    topic = evaluator(workspace, step["emit"], (*path, "emit"))
    key = evaluator(workspace, step.get("key"), (*path, "key"))
    payload = evaluator(workspace, step.get("payload", "${data}"), (*path, "payload"))

    def build(scope: Any, after: int) -> StepCall:
        def call(variables: Variables, context: Context) -> tuple[Any, int]:
            names = variables.names
            name, of_key = topic[0](names), key[0](names)
            if not isinstance(name, str) or not name:
                raise StepFailed("The topic is not a text.", code="emit.topic")
            message = context.unit.broker.publish(name, payload[0](names), key=None if of_key is None else str(of_key))
            return {"topic": name, "message": str(message)}, after

        return call

    roots = topic[1] | key[1] | payload[1]
    return Plain(
        "emit",
        build,
        _name(step),
        path_text(path),
        roots,
        writes=True,
        given=_given(payload[0]),
        given_roots=payload[1],
    )


def _parse_respond(workspace: Workspace, step: dict[str, Any], path: DocumentPath) -> Node:
    said = step["respond"] if isinstance(step["respond"], dict) else {}
    evaluate, roots = evaluator(
        workspace,
        {"status": said.get("status", 200), "headers": said.get("headers") or {}, "body": said.get("body", "${data}")},
        (*path, "respond"),
    )

    def build(scope: Any, after: int) -> StepCall:
        end = scope.end

        def call(variables: Variables, context: Context) -> tuple[Any, int]:
            response = variables.response = evaluate(variables.names)
            return response, end

        return call

    return Plain("respond", build, _name(step), path_text(path), roots, replay=_responded)


_PARSERS: dict[str, Callable[[Workspace, dict[str, Any], DocumentPath], Node]] = {
    "set": _parse_set,
    "validate": _parse_validate,
    "uses": _parse_uses,
    "if": _parse_if,
    "switch": _parse_switch,
    "emit": _parse_emit,
    "respond": _parse_respond,
}


def _name(step: dict[str, Any]) -> str:
    return str(step.get("name") or "")


def _retry(workspace: Workspace, step: dict[str, Any], path: DocumentPath) -> RetryPolicy | None:
    said = step.get("retry")
    if not isinstance(said, dict):
        return None
    base = RetryPolicy()
    try:
        return RetryPolicy(
            attempts=max(1, int(said.get("attempts", base.attempts))),
            first_pause_seconds=_seconds(said, "firstPause", base.first_pause_seconds),
            factor=float(said.get("factor", base.factor)),
            longest_pause_seconds=_seconds(said, "longestPause", base.longest_pause_seconds),
            timeout_seconds=_seconds(said, "timeout", base.timeout_seconds),
        )
    except (ValueError, TypeError) as error:
        workspace.refuse("section.invalid", (*path, "retry"), str(error))


def _seconds(said: dict[str, Any], key: str, default: float) -> float:
    return duration_seconds(said[key]) if key in said else default


def target_nodes(
    workspace: Workspace,
    target: AnyTarget,
    *,
    name: str,
    payload: Callable[[Variables, Context], Any] | None = None,
    retry: RetryPolicy | None = None,
    judged_later: bool = False,
) -> Node:
    """Return the node that runs a target once, as handlers, hooks and processing steps need it."""
    if isinstance(target, ProcessingTarget):
        retry, target = retry or target.retry, target.target
    if isinstance(target, PipelineTarget):
        block = block_of(workspace, target)
        return Inline(block, name, payload=payload, keep=name, retry=retry)
    return Call(target, name, payload=payload, keep=name, retry=retry, judged_later=judged_later)
