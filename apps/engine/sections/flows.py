"""Flows as programs: nodes over branches and dependencies, flattened like pipelines (spec/modules.md 3.8).

Inside a flow the data is the message: each module's output is passed on, a branch node passes it unchanged. Where
several modules depend on one, each gets what that one made, in file order. A handler with a fixed answer sets the
answer of the request and passes the message on; the answer is that of the last node.
"""

from collections.abc import Iterator
from typing import Any

from apps.engine.application import MAX_BODY, Route
from apps.engine.branches import branches_of
from apps.engine.document import DocumentPath, path_text
from apps.engine.http import Request, Response
from apps.engine.module import Context, Module
from apps.engine.outcome import StepFailed
from apps.engine.routes import shape
from apps.engine.run.assembly import Block, Call, Node, Plain
from apps.engine.run.driver import run_in_place_async
from apps.engine.run.program import Program, StepCall, Trace, Variables
from apps.engine.run.target import module_target
from apps.engine.sections.answers import encode, request_names, respond
from apps.engine.sections.chain import Handle, chain
from apps.engine.sections.choices import Choice
from apps.engine.sections.flow_answers import Judged, is_judged
from apps.engine.sections.handlers import pipeline_handle
from apps.engine.sections.producers import Producers
from apps.engine.sections.workspace import Workspace
from apps.engine.streams import StreamedResponse, collected

SECTION = "flow"


def compile_flows(workspace: Workspace, producers: Producers) -> None:
    """Make the block of every node, those it leads to first, and a program `flow:<name>` for every beginning."""
    flows = workspace.flows
    places = {entry.name: entry.path for entry in reversed(workspace.document.modules)}
    for name in flows.order:
        _compile_node(workspace, producers, name, places[name])
    for name in flows.beginnings:
        workspace.assemble(f"flow:{name}", SECTION, [workspace.blocks[f"flow:{name}"]], path=places[name])


def _compile_node(workspace: Workspace, producers: Producers, name: str, path: DocumentPath) -> None:
    """Keep two blocks: with the node's own producers, as others lead to it, and without, as a flow begins with it."""
    module = workspace.modules[name]
    if name in workspace.flows.branching:
        block = Block((_choice(workspace, module, path),))
        workspace.blocks[f"flow:{name}"] = workspace.blocks[f"passed:{name}"] = block
        return
    onward = _passing_on(workspace, name)
    workspace.blocks[f"behind:{name}"] = Block(tuple(onward))
    if hasattr(module, "answer"):
        own: list[Node] = [_answering(module, path)]
    else:
        target = module_target(module, takes=True)
        if target is None:
            return
        call = Call(target, name, path_text(path), "uses", keep=name, as_data=True)
        following = (workspace.modules[each] for each in workspace.flows.next[name])
        own = [Judged(call) if is_judged(call, following) else call]
    workspace.blocks[f"flow:{name}"] = Block((*own, *onward))
    workspace.blocks[f"passed:{name}"] = Block((*own, *_forwarding(producers, name), *onward))


def _choice(workspace: Workspace, module: Any, path: DocumentPath) -> Node:
    entry = workspace.document.modules[int(path[1])]
    branches = {branch.handle: workspace.blocks[f"passed:{branch.target}"] for branch in branches_of(entry)}
    return Choice(
        "switch",
        module.choose,
        branches,
        branches.get("default"),
        module.name,
        path_text(path),
        module.roots,
        module=module.name,
    )


def _passing_on(workspace: Workspace, name: str) -> list[Node]:
    nodes: list[Node] = []
    for following in workspace.flows.next[name]:
        if nodes:
            nodes.append(_restoring(name))
        nodes.append(workspace.blocks[f"passed:{following}"])
    return nodes


def _restoring(name: str) -> Node:
    """Return the step that gives the next dependant what `name` made."""

    def restore(variables: Variables, output: Any = None) -> None:
        variables.data = variables.steps[name]

    def build(scope: Any, after: int) -> StepCall:
        def call(variables: Variables, context: Context) -> tuple[Any, int]:
            restore(variables)
            return None, after

        return call

    return Plain("set", build, f"{name}.again", replay=restore)


def _answering(module: Any, path: DocumentPath) -> Node:
    """Return the step in which a handler answers and lets the message pass."""
    name, response = module.name, module.answer()

    def answer(variables: Variables, output: Any = None) -> None:
        variables.remember(name, variables.data)
        variables.response = response

    def build(scope: Any, after: int) -> StepCall:
        result = response, after

        def call(variables: Variables, context: Context) -> tuple[Any, int]:
            answer(variables)
            return result

        return call

    return Plain("respond", build, name, path_text(path), replay=answer, module=name)


def _forwarding(producers: Producers, name: str) -> list[Node]:
    """Return the step that publishes what a node passes on to the topics of its producers."""
    if not producers.has(name):
        return []

    def build(scope: Any, after: int) -> StepCall:
        def call(variables: Variables, context: Context) -> tuple[Any, int]:
            return {"messages": producers.forward(context, name, variables.data, variables.data)}, after

        return call

    return [Plain("producers", build, f"{name}.producers", writes=True)]


# --- routes -----------------------------------------------------------------------------------------------------------


def flow_program(workspace: Workspace, name: str, path: DocumentPath) -> Program:
    """Return the program of a flow, made when it is first asked for."""
    entry = f"flow:{name}"
    return workspace.programs.get(entry) or workspace.assemble(entry, SECTION, [workspace.blocks[entry]], path=path)


def flow_handle(
    workspace: Workspace, module: Module[Any], producers: Producers, path: DocumentPath, *, by_step: bool
) -> tuple[Handle, bool, Program] | None:
    """Return a flow as the end of a chain, None when the handler begins none or answers by itself first."""
    if f"flow:{module.name}" not in workspace.blocks or module.name not in workspace.flows.heads:
        return None
    program = flow_program(workspace, module.name, path)
    handle, is_async = pipeline_handle(module.name, program, producers, by_step=by_step)
    return handle, is_async, program


def continued(
    workspace: Workspace, module: Module[Any], handle: Handle, handle_is_async: bool, path: DocumentPath
) -> tuple[Handle, Program] | None:
    """Return a handler that answers first and then passes its answer into the flow behind it, None without one.

    A refused request goes no further. The answer stays the handler's where no later node has one.
    """
    block = workspace.blocks.get(f"behind:{module.name}")
    if block is None or not block.size:
        return None
    program = workspace.assemble(f"behind:{module.name}", SECTION, [block], path=path)

    async def call(request: Request, context: Context, trace: Trace) -> Response:
        found: Any = handle(request, context, trace)
        response: Response = (await found) if handle_is_async else found
        if response.status >= 400:
            return response
        if isinstance(response, StreamedResponse):
            response = await collected(response)
        data = _decoded(response)
        variables = Variables(data, request_names(request), {"id": str(context.run_id), "attempt": 1})
        await run_in_place_async(program, variables, context, trace)
        if variables.response is not None:
            return respond(variables.response)
        return response if variables.data is data else Response(200, encode(variables.data))

    return call, program


def _decoded(response: Response) -> Any:
    try:
        return Request("", "", body=response.body).json()
    except StepFailed:
        return None


def entrance_routes(workspace: Workspace, producers: Producers, taken: frozenset[str]) -> Iterator[Route]:
    """Return the routes that the document implies (`Flows.entrances`)."""
    seen: set[tuple[str, str]] = set()
    for entrance in workspace.flows.entrances(taken):
        found = flow_handle(workspace, workspace.modules[entrance.handler], producers, entrance.path, by_step=False)
        key = (entrance.method, shape(entrance.pattern))
        if found is None or key in seen:
            continue
        seen.add(key)
        handle, handle_is_async, program = found
        call, is_async = chain((), handle, handle_is_async)
        yield Route(
            method=entrance.method,
            pattern=entrance.pattern,
            source="section",
            call=call,
            is_async=is_async,
            is_pure=program.is_pure and not producers.has(entrance.handler),
            max_body=MAX_BODY,
            program=program,
            handler=entrance.handler,
            path=path_text(entrance.path),
        )
