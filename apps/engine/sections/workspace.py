"""What the section compilers share while one document becomes an Application."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from apps.engine.codes import finding
from apps.engine.component import Component
from apps.engine.document import Document, DocumentPath, path_text
from apps.engine.expressions import BadExpression, Expression, Template, compile_condition, compile_template
from apps.engine.findings import Finding
from apps.engine.module import Module
from apps.engine.run.assembly import Block
from apps.engine.run.program import Program, RetryPolicy
from apps.engine.run.target import AnyTarget, PipelineTarget, ProcessingTarget, component_target, module_target


@dataclass(slots=True)
class Workspace:
    """The document, what has been built from it so far, and what was found wrong on the way."""

    document: Document
    modules: Mapping[str, Module[Any]]
    components: Mapping[str, Component] = field(default_factory=dict)
    legacy: Mapping[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    programs: dict[str, Program] = field(default_factory=dict)
    blocks: dict[str, Block] = field(default_factory=dict)  # pipelines parsed so far
    parsing: list[str] = field(default_factory=list)  # pipelines being parsed, outermost first

    def report(self, code: str, path: DocumentPath, message: str) -> None:
        """Note a finding at `path`."""
        mark = self.document.mark_of(path)
        self.findings.append(finding(code, path_text(path), message, mark.line, mark.column))

    @property
    def pipelines(self) -> dict[str, Any]:
        """The pipelines section as written."""
        return self.document.workflows.get("pipelines", {})

    def section(self, name: str) -> dict[str, Any]:
        """Return a section as written, {} when there is none."""
        return self.document.workflows.get(name, {})

    def module(self, name: str) -> Module[Any] | None:
        """Return a module by its name or a well-known one."""
        return self.modules.get(name) or self.modules.get(self.legacy.get(name, ""))

    def target(self, name: str, path: DocumentPath) -> AnyTarget | None:
        """Resolve a name that a step may call: module, pipeline, bundled component; report one that is nothing."""
        module = self.module(name)
        if module is not None:
            found = self._of_module(module, path)
            if found is None:
                self.report("reference.unsuitable", path, f"{name} ({module.kind}) cannot be called by a step.")
            return found
        if name in self.pipelines:
            return PipelineTarget(name)
        component = self.components.get(name)
        if component is not None:
            return component_target(component)
        self.report("reference.unknown", path, f"There is no module, pipeline or component {name}.")
        return None

    def _of_module(self, module: Module[Any], path: DocumentPath) -> AnyTarget | None:
        if module.kind != "processing.step":
            return module_target(module)
        component_id = module.config.component_id
        inner = self.target(component_id, path)
        if isinstance(inner, ProcessingTarget):
            self.report("reference.unsuitable", path, f"{module.name} runs {component_id}, a processing step itself.")
            return None
        return None if inner is None else self._processing(module, inner, path)

    def _processing(self, module: Module[Any], inner: AnyTarget, path: DocumentPath) -> ProcessingTarget | None:
        if isinstance(inner, ProcessingTarget):
            return None
        config = module.config
        retry = RetryPolicy(
            attempts=config.max_retries + 1,
            first_pause_seconds=config.retry_backoff_ms / 1000,
            timeout_seconds=config.timeout_seconds,
        )
        when = getattr(config, "success_when", None)
        expression = self.condition(when, path) if when else None
        return ProcessingTarget(
            name=module.name,
            target=inner,
            retry=retry,
            success_transition=config.success_transition or "",
            compensate_transition=config.compensate_transition or "",
            success_when=None if expression is None else expression.test,
        )

    def condition(self, text: Any, path: DocumentPath) -> Expression | None:
        """Compile an expression, `${...}` around it or not; report one that is wrong."""
        try:
            return compile_condition(str(text))
        except BadExpression as bad:
            self.report("expression.invalid", path, str(bad))
            return None

    def template(self, value: Any, path: DocumentPath) -> Template | None:
        """Compile a JSON tree with `${...}` in its texts; report what is wrong in it."""
        try:
            return compile_template(value)
        except BadExpression as bad:
            self.report("expression.invalid", path, str(bad))
            return None
