"""Read the `statemachine` section: definitions, hooks and mappings become `Machine`s and their programs."""

from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from apps.engine.document import DocumentPath
from apps.engine.module import Context
from apps.engine.run.assembly import Assembler, Node, Plain, Scope
from apps.engine.run.driver import run_in_place, run_in_place_async
from apps.engine.run.program import END, Program, StepCall, Variables
from apps.engine.run.target import AnyTarget, PipelineTarget, ProcessingTarget, Target
from apps.engine.sections.choices import condition_of
from apps.engine.sections.machine_parts import SECTION, Condition, Hook, ResourceMapping, State, Transition
from apps.engine.sections.pipelines import block_of, target_nodes
from apps.engine.sections.processing import RESULT, hook_payload, settle_node
from apps.engine.sections.producers import Producers
from apps.engine.sections.statemachine import ID_KEYS, Machine
from apps.engine.sections.workspace import Workspace

ROOT: DocumentPath = ("workflows", SECTION)


@dataclass(slots=True)
class _Sorted:
    """Parts of the section by the machine they belong to, so that each machine looks at its own only."""

    of_all: list[tuple[int, Any]] = field(default_factory=list)
    of_one: dict[Any, list[tuple[int, Any]]] = field(default_factory=dict)

    def add(self, index: int, part: Any, machine: Any, *, is_for_all: bool) -> None:
        """Add a part under its place in the file."""
        into = self.of_all if is_for_all else self.of_one.setdefault(machine, [])
        into.append((index, part))

    def of(self, machine: str) -> list[tuple[int, Any]]:
        """Return the parts of a machine in file order."""
        return sorted([*self.of_all, *self.of_one.get(machine, ())], key=itemgetter(0))


def compile_machines(workspace: Workspace, machines: dict[str, Machine], producers: Producers) -> None:
    """Fill `machines` by definition name and add the programs of every one of them."""
    section = workspace.section(SECTION)
    engine = str(section.get("engine", ""))
    mappings, hooks = _sorted_mappings(workspace, section, engine), _sorted_hooks(section)
    for index, written in enumerate(section.get("definitions") or []):
        path = (*ROOT, "definitions", index)
        machine = _machine(workspace, engine, written, path, mappings)
        if machine.name not in machines:
            machines[machine.name] = machine
    for machine in machines.values():
        machine.hooks = _hooks(workspace, hooks.of(machine.name), machine, producers)
        for program in (_transition_program(machine), _auto_program(machine)):
            workspace.programs[program.entry] = program


def _machine(
    workspace: Workspace, engine: str, written: dict[str, Any], path: DocumentPath, mappings: _Sorted
) -> Machine:
    states = {name: _state(name, said or {}) for name, said in (written.get("states") or {}).items()}
    transitions = {
        name: _transition(workspace, name, said, (*path, "transitions", name))
        for name, said in (written.get("transitions") or {}).items()
    }
    mine: list[ResourceMapping] = [mapping for _, mapping in mappings.of(written["name"])]
    workspace.count(len(mine), path)
    extra = [mapping.key_field for mapping in mine if mapping.key_field not in ID_KEYS]
    return Machine(
        name=written["name"],
        initial_state=written["initialState"],
        states=states,
        transitions=transitions,
        engine=engine,
        description=str(written.get("description") or ""),
        auto_start=written.get("autoStart") is True,
        mappings=tuple(dict.fromkeys(mine)),
        id_keys=(*ID_KEYS, *dict.fromkeys(extra)),
    )


def _sorted_mappings(workspace: Workspace, section: dict[str, Any], engine: str) -> _Sorted:
    """Return the mappings, those that name the engine being everybody's, then what modules keep in step themselves."""
    found = _Sorted()
    written = section.get("resourceMappings") or []
    for index, said in enumerate(written):
        named = said.get("stateMachine")
        mapping = ResourceMapping(str(said["resourceType"]), str(said.get("instanceIDKey") or "id"))
        found.add(index, mapping, named, is_for_all=named == engine or engine.endswith(f".{named}"))
    for index, module in enumerate(workspace.modules.values(), len(written)):
        followed = module.follows()
        if followed is not None:
            found.add(index, ResourceMapping(followed[1]), followed[0], is_for_all=False)
    return found


def _sorted_hooks(section: dict[str, Any]) -> _Sorted:
    found = _Sorted()
    for index, said in enumerate(section.get("hooks") or []):
        machine = said.get("workflowType")
        found.add(index, said, machine, is_for_all=machine in (None, ""))
    return found


def _state(name: str, said: dict[str, Any]) -> State:
    return State(name, said.get("isFinal") is True, said.get("isError") is True, str(said.get("description") or ""))


def _transition(workspace: Workspace, name: str, said: dict[str, Any], path: DocumentPath) -> Transition:
    condition: Condition | None = None
    if said.get("condition") not in (None, ""):
        condition, _ = condition_of(workspace, said["condition"], (*path, "condition"))
    return Transition(name, said["fromState"], said["toState"], condition, said.get("autoTransform") is True)


def _hooks(
    workspace: Workspace, written: list[tuple[int, dict[str, Any]]], machine: Machine, producers: Producers
) -> tuple[Hook, ...]:
    hooks = []
    for index, said in written:
        path: DocumentPath = (*ROOT, "hooks", index, "handler")
        workspace.count(1, path)
        target = workspace.target(str(said.get("handler", "")), path, takes=True)
        hook = _hook(index, said, target, _vetoing(workspace, target, producers))
        hooks.append(hook)
        if hook.veto is None:
            _add_step_program(workspace, machine, hook, target, producers, path)
    return tuple(hooks)


def _hook(index: int, written: dict[str, Any], target: AnyTarget, veto: Any) -> Hook:
    return Hook(
        index=index,
        handler=target.name,
        transitions=frozenset(written.get("transitions") or ()),
        from_states=frozenset(written.get("fromStates") or ()),
        to_states=frozenset(written.get("toStates") or ()),
        payload_form=target.payload_form if isinstance(target, Target | PipelineTarget) else "flat",
        veto=veto,
        processing=target if isinstance(target, ProcessingTarget) else None,
    )


def _vetoing(workspace: Workspace, target: AnyTarget, producers: Producers) -> Any:
    """Return how a pure handler is asked before the change; None for one that has to wait until after the commit.

    What forwards is not pure: its messages are part of the run behind the commit, those of its failure too.
    """
    if producers.has(target.name):
        return None
    if isinstance(target, Target):
        if not target.is_pure:
            return None
        call, is_async = target.call, target.is_async

        async def ask(payload: Any, context: Context) -> Any:
            result = call(payload, context)
            return (await result) if is_async else result

        return ask
    if isinstance(target, PipelineTarget):
        return _vetoing_pipeline(workspace, target)
    return None


def _vetoing_pipeline(workspace: Workspace, target: PipelineTarget) -> Any:
    program = workspace.programs.get(target.entry)
    if program is None:  # a flow that nothing has started by its name
        program = workspace.assemble(target.entry, SECTION, [block_of(workspace, target)])
    if not program.is_pure:
        return None

    async def ask(payload: Any, context: Context) -> Any:
        if program.is_async:
            return await run_in_place_async(program, Variables(payload), context, [])
        return run_in_place(program, Variables(payload), context, [])

    return ask


def _add_step_program(
    workspace: Workspace,
    machine: Machine,
    hook: Hook,
    target: AnyTarget,
    producers: Producers,
    path: DocumentPath,
) -> None:
    """Add `step:<definition>:<index>`: the handler, its producers, and `settle`, which also follows a failure."""
    payload = hook_payload(hook)
    handler = target_nodes(workspace, target, name=RESULT, payload=payload, judged_later=True)
    tail: list[Node] = [*producers.nodes(target.name, RESULT, payload), settle_node(machine, hook)]
    workspace.assemble(f"step:{machine.name}:{hook.index}", SECTION, [handler], tail, path)


def _transition_program(machine: Machine) -> Program:
    """Return `transition:<definition>`: what triggers, the API and the manual button start."""

    def build(scope: Scope, after: int) -> StepCall:
        async def call(variables: Variables, context: Context) -> tuple[Any, int]:
            asked = variables.input
            applied = await machine.apply(context, asked["instanceId"], asked["transition"], asked.get("data"))
            variables.data = applied.as_dict()
            return variables.data, END

        return call

    return Assembler(f"transition:{machine.name}", SECTION).program(
        [Plain("transition", build, "transition", is_async=True, writes=True)]
    )


def _auto_program(machine: Machine) -> Program:
    """Return `auto:<definition>`: one automatic transition out of the state the instance was left in."""

    def build(scope: Scope, after: int) -> StepCall:
        async def call(variables: Variables, context: Context) -> tuple[Any, int]:
            asked = variables.input
            applied = await machine.apply_auto(context, asked["instanceId"], asked["state"])
            variables.data = {"transition": None} if applied is None else applied.as_dict()
            return variables.data, END

        return call

    return Assembler(f"auto:{machine.name}", SECTION).program(
        [Plain("transition", build, "transition", is_async=True, writes=True)]
    )
