"""What the section compilers share while one document becomes an Application."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from apps.engine.codes import finding
from apps.engine.component import Component
from apps.engine.document import Document, DocumentPath, path_text
from apps.engine.expressions import BadExpression, Expression, Template, compile_condition, compile_template
from apps.engine.findings import DocumentRefused
from apps.engine.flows import Flows
from apps.engine.module import Module
from apps.engine.run.assembly import Assembler, Block, Node, TooManySteps
from apps.engine.run.program import Program, RetryPolicy
from apps.engine.run.target import AnyTarget, PipelineTarget, ProcessingTarget, Target, component_target, module_target
from apps.engine.sections.outside import Outside, outside_of

MOST_STEPS_OF_ALL = 50_000


@dataclass(slots=True)
class Workspace:
    """The document and what has been built from it so far; what cannot be built is refused with its place."""

    document: Document
    modules: Mapping[str, Module[Any]]
    components: Mapping[str, Component] = field(default_factory=dict)
    legacy: Mapping[str, str] = field(default_factory=dict)
    fronts: Mapping[str, str] = field(default_factory=dict)  # handlers that answer for another module (`fronts.py`)
    programs: dict[str, Program] = field(default_factory=dict)
    blocks: dict[str, Block] = field(default_factory=dict)  # pipelines and flows parsed so far, by entry
    steps: int = 0
    flows: Flows = field(init=False)
    outside: Outside = field(init=False)

    def __post_init__(self) -> None:
        entries = {entry.name: entry for entry in reversed(self.document.modules)}
        in_order = {entry.name: entries[entry.name] for entry in self.document.modules}
        self.flows = Flows(in_order, lambda name: type(self.modules[name]) if name in self.modules else None)
        written = {name: self.modules[name] for name in in_order if name in self.modules}
        self.outside = outside_of(written, self.section("messaging"), self.legacy)

    def refuse(self, code: str, path: DocumentPath, message: str) -> NoReturn:
        """Refuse the document for what stands at `path`."""
        mark = self.document.mark_of(path)
        raise DocumentRefused([finding(code, path_text(path), message, mark.line, mark.column)])

    @property
    def pipelines(self) -> dict[str, Any]:
        """The pipelines section as written."""
        return self.document.workflows.get("pipelines", {})

    def assemble(
        self, entry: str, section: str, nodes: Sequence[Node], tail: Sequence[Node] = (), path: DocumentPath = ()
    ) -> Program:
        """Add the program of an entry; refuse one, or a document, that grows too long by using pipelines in place."""
        try:
            program = Assembler(entry, section).program(nodes, tail)
        except TooManySteps as error:
            self.refuse("section.invalid", path, str(error))
        self.count(len(program.steps), path)
        self.programs[entry] = program
        return program

    def count(self, steps: int, path: DocumentPath) -> None:
        """Count steps, hooks and mappings, which one document can multiply; refuse it when there are too many."""
        self.steps += steps
        if self.steps > MOST_STEPS_OF_ALL:
            message = (
                f"All programs together would have more than {MOST_STEPS_OF_ALL} steps, inlined pipelines and the "
                "hooks of every state machine counted."
            )
            self.refuse("section.invalid", path, message)

    def section(self, name: str) -> dict[str, Any]:
        """Return a section as written, {} when there is none."""
        return self.document.workflows.get(name, {})

    def module(self, name: str) -> Module[Any] | None:
        """Return a module by its name or a well-known one."""
        return self.modules.get(name) or self.modules.get(self.legacy.get(name, ""))

    def target(self, name: str, path: DocumentPath, *, takes: bool = False) -> AnyTarget:
        """Resolve a name that may be called: module, pipeline, bundled component.

        Steps make requests; with `takes` it is what subscriptions and the like hand messages to.
        """
        module = self.module(name)
        if module is not None and module.name in self.flows.heads and f"flow:{module.name}" in self.blocks:
            form = "message" if module.category.value == "messaging" else "event"
            return PipelineTarget(module.name, is_flow=True, payload_form=form)
        if module is not None:
            is_processing = module.kind == "processing.step"
            found = self._processing(module, path) if is_processing else module_target(module, takes=takes)
            return found or self.refuse("reference.unsuitable", path, f"{name} ({module.kind}) cannot be called.")
        if name in self.pipelines:
            return PipelineTarget(name)
        component = self.components.get(name)
        if component is not None:
            return component_target(component)
        self.refuse("reference.unknown", path, f"There is no module, pipeline or component {name}.")

    def _processing(self, module: Module[Any], path: DocumentPath) -> ProcessingTarget | None:
        config = module.config
        inner = self.target(config.component_id, path)
        if isinstance(inner, ProcessingTarget):
            return None
        return ProcessingTarget(
            name=module.name,
            target=inner,
            retry=_retry(module, inner),
            success_transition=config.success_transition,
            compensate_transition=config.compensate_transition,
            success_when=self.condition(config.success_when, path).test if config.success_when else None,
        )

    def condition(self, text: Any, path: DocumentPath) -> Expression:
        """Compile an expression, `${...}` around it or not."""
        try:
            return compile_condition(str(text))
        except BadExpression as bad:
            self.refuse("expression.invalid", path, str(bad))

    def template(self, value: Any, path: DocumentPath) -> Template:
        """Compile a JSON tree with `${...}` in its texts."""
        try:
            return compile_template(value)
        except BadExpression as bad:
            self.refuse("expression.invalid", path, str(bad))


def _retry(step: Module[Any], inner: AnyTarget) -> RetryPolicy:
    """Return how a processing step tries: as it says itself, else as what it calls says, else by its own habit."""
    if isinstance(inner, Target) and inner.retry is not None and inner.says_retry and not step.says_retry:
        return inner.retry
    return step.retry or RetryPolicy()
