"""What the compiler itself refuses, should the checker ever let it through."""

import pytest

from apps.engine.document import load
from apps.engine.findings import DocumentRefused
from apps.engine.module import Module
from apps.engine.run.target import PipelineTarget, ProcessingTarget, Target, module_target
from apps.engine.sections.pipelines import parse_steps
from apps.engine.sections.texts import evaluator
from apps.engine.sections.workspace import Workspace
from tests.support.small_modules import Doubler, Fixed, NoConfig, ProcessingStep, small_registry

TEXT = "modules: []\nworkflows:\n  pipelines:\n    work: {steps: []}\n"
PLACE = ("workflows", "pipelines", "work")


def module(kind: type[Module], name: str, **config) -> Module:
    return kind(name, kind.Config(**config))


@pytest.fixture
def workspace() -> Workspace:
    modules = {
        "doubler": module(Doubler, "doubler"),
        "fixed": module(Fixed, "fixed"),
        "step": module(ProcessingStep, "step", component_id="doubler", success_when="data.ok"),
        "outer": module(ProcessingStep, "outer", component_id="step"),
    }
    document = load(TEXT).document
    assert document is not None
    return Workspace(document, modules, small_registry().components, {"well.known": "doubler"})


def refused(call, *args) -> str:
    with pytest.raises(DocumentRefused) as refusal:
        call(*args)
    (found,) = refusal.value.findings
    assert (found.line, found.path) == (4, "workflows.pipelines.work")
    return found.code


@pytest.mark.spec("SPINE-B4.22")
def test_names_resolve_to_modules_pipelines_and_well_known_services(workspace):
    assert isinstance(workspace.target("doubler", PLACE), Target)
    assert workspace.target("well.known", PLACE).name == "doubler"
    assert workspace.target("work", PLACE) == PipelineTarget("work")
    step = workspace.target("step", PLACE)
    assert isinstance(step, ProcessingTarget)
    assert step.success_when is not None
    assert step.success_when({"data": {"ok": True}})


@pytest.mark.spec("SPINE-B4.22")
@pytest.mark.parametrize(
    ("name", "code"),
    [("nothing", "reference.unknown"), ("fixed", "reference.unsuitable"), ("outer", "reference.unsuitable")],
)
def test_names_that_cannot_be_called_are_refused(workspace, name, code):
    assert refused(workspace.target, name, PLACE) == code


def test_expressions_and_templates_that_are_wrong_are_refused(workspace):
    assert refused(workspace.condition, "a +", PLACE) == "expression.invalid"
    assert refused(workspace.template, "${a +}", PLACE) == "expression.invalid"
    assert refused(evaluator, workspace, "${SECRET}", PLACE) == "reference.unsuitable"


@pytest.mark.parametrize(
    ("step", "code"),
    [
        ({"set": {}, "emit": "t"}, "step.kind"),
        ("text", "step.kind"),
        ({"validate": {"schema": {"type": "objekt"}}}, "schema.invalid"),
        ({"validate": {"module": "work"}}, "reference.unsuitable"),
        ({"uses": "work", "with": {"a": "${SECRET}"}}, "reference.unsuitable"),
        ({"uses": "doubler", "retry": {"timeout": "soon"}}, "section.invalid"),
    ],
)
def test_steps_that_are_wrong_are_refused(workspace, step, code):
    with pytest.raises(DocumentRefused) as refusal:
        parse_steps(workspace, [step], PLACE)
    assert refusal.value.findings[0].code == code


def test_a_module_without_a_run_is_no_target():
    class Silent(Module[NoConfig]):
        kind = "test.silent"

    assert module_target(Silent("s", NoConfig())) is None
