"""Secrets in sections, triggers and everywhere else than in configs: refused where they would be taken literally."""

from typing import Any

import orjson
import pytest

from apps.engine.check import CheckOptions, check
from apps.engine.checks import (
    event,
    http,
    integration,
    messaging,
    pipelines,
    schedules,
    statemachine,
    subscribing,
    triggers,
)
from apps.engine.checks.secrets import secrets_named
from apps.engine.checks.shapes import Key, ListOf, MapOf, Shape
from apps.engine.document import load
from tests.unit.engine.checking import findings_of, registry

pytestmark = pytest.mark.spec("CAT-B2.15")

REGISTRY = registry()
SPELLINGS = ("${A_SECRET}", "secret://tenant/a.secret", "before ${A_SECRET}")
TOLD = {"secret.misplaced", "reference.unsuitable", "key.ignored"}
# Every map of a section or trigger, and where one stands.
MAPS: list[tuple[str, Shape]] = [
    ("workflows.http", http.SECTION),
    ("workflows.http.routes.0", http.ROUTE),
    ("workflows.messaging", messaging.SECTION),
    ("workflows.messaging.subscriptions.0", messaging.SUBSCRIPTION),
    ("workflows.messaging.producers.0", messaging.PRODUCER),
    ("workflows.statemachine", statemachine.SECTION),
    ("workflows.scheduler", schedules.SECTION),
    ("workflows.scheduler.jobs.0", schedules.JOB),
    ("workflows.event", event.SECTION),
    ("workflows.event.patterns.0", event.PATTERN),
    ("workflows.event.handlers.0", event.HANDLER),
    ("workflows.event.adapters.0", event.ADAPTER),
    ("workflows.integration", integration.SECTION),
    ("workflows.integration.connectors.0", integration.CONNECTOR),
    ("workflows.integration.steps.0", integration.STEP),
    ("workflows.pipelines.p", pipelines.PIPELINE),
    *(("workflows.pipelines.p.steps.0", shape) for shape in pipelines.SHAPES.values()),
    ("workflows.pipelines.p.steps.0.retry", pipelines.RETRY),
    ("workflows.pipelines.p.steps.0.then.0.cases.a.0.default.0", pipelines.SHAPES["if"]),
    ("triggers.http", triggers.HTTP),
    ("triggers.http.routes.0", triggers.ROUTE),
    ("triggers.schedule", schedules.TRIGGER),
    ("triggers.schedule.jobs.0", schedules.TRIGGER_JOB),
    ("triggers.event", subscribing.TRIGGER),
    ("triggers.event.subscriptions.0", subscribing.SUBSCRIPTION),
    ("triggers.eventbus.subscriptions.0", subscribing.SUBSCRIPTION),
]
LATE = {
    "workflows.pipelines.p.steps.0.with",
    "workflows.integration.steps.0.input",
    "workflows.integration.connectors.0.config",
}


def keys_of(shape: Shape, path: str) -> list[str]:
    """Return the path of every key, with those of maps inside."""
    found = []
    for name, key in shape.keys.items():
        found += _inside(key, f"{path}.{name}")
    return found


def _inside(key: Key, path: str) -> list[str]:
    if isinstance(key.kind, Shape):
        return [path, *keys_of(key.kind, path)]
    if isinstance(key.kind, ListOf):
        return [path, *keys_of(key.kind.shape, f"{path}.0")]
    if isinstance(key.kind, MapOf):
        return [path, *keys_of(key.kind.shape, f"{path}.k")]
    return [path]


def document_with(path: str, value: Any) -> Any:
    """Return a document in which a value stands at a path, and nothing else."""
    for step in reversed(path.split(".")):
        value = [value] if step == "0" else {step: value}
    return load(orjson.dumps(value)).document


def told_at(path: str, value: Any) -> set[str]:
    """Return the codes of what is said at a place or around it."""
    place = path.replace(".0", "[0]")
    found = check(document_with(path, value), REGISTRY)
    return {each.code for each in found if place.startswith(each.path) and each.path} & TOLD


EVERY_KEY = sorted({key for path, shape in MAPS for key in keys_of(shape, path)})


@pytest.mark.parametrize("path", [path for path in EVERY_KEY if path not in LATE])
def test_a_key_of_a_section_that_is_not_late_refuses_a_secret(path):
    for spelling in SPELLINGS:
        assert told_at(path, spelling), spelling
        assert told_at(f"{path}.inside", spelling) or told_at(f"{path}.0", spelling), spelling


@pytest.mark.parametrize("path", sorted(LATE - {"workflows.integration.connectors.0.config"}))
def test_what_a_step_gives_a_module_takes_a_secret(path):
    for spelling in SPELLINGS:
        assert not told_at(f"{path}.inside", spelling)
        assert not told_at(f"{path}.deep.0.inside", spelling)


@pytest.mark.parametrize("path", ["name", "description", "modules.0.name", "modules.0.type", "modules.0.dependsOn.0"])
def test_the_names_of_things_refuse_a_secret(path):
    assert "secret.misplaced" in told_at(path, "${A_SECRET}")


@pytest.mark.parametrize(
    "path", ["workflows.pipelines.p.steps.0.with", "workflows.pipelines", "modules.0.config.headers", "triggers"]
)
def test_a_key_cannot_be_a_secret(path):
    document = document_with(path, {"${A_SECRET}": "x"})
    assert [each.message for each in check(document, REGISTRY) if each.code == "secret.misplaced"] == [
        "A key cannot be a secret: what stands here is stored and shown. "
        "Only configs, and what modules are given, take secrets."
    ]


@pytest.mark.parametrize(
    "text", ["$${A_SECRET}", "${data.secret}", "a secret://b", "${lower}", "$A_SECRET", "{A_SECRET}"]
)
def test_what_is_no_secret_may_stand_anywhere(text):
    assert "secret.misplaced" not in told_at("triggers.http.routes.0.params.key", text)
    assert "secret.misplaced" not in told_at("name", text)


def test_extensions_are_nobodys_business():
    assert not told_at("workflows.http.x-note", "${A_SECRET}")
    assert not told_at("x-note.deep", "${A_SECRET}")


def test_the_place_is_told_to_the_character():
    found = findings_of('name: "at ${A_SECRET}"\n')
    assert [(each.code, each.path, each.line, each.column, each.message) for each in found] == [
        (
            "secret.misplaced",
            "name",
            1,
            11,
            "A secret cannot stand here: what stands here is stored and shown. "
            "Only configs, and what modules are given, take secrets.",
        )
    ]


def test_one_that_is_misplaced_is_not_missing_too():
    document = document_with("triggers.http.routes.0.params.key", "${A_SECRET}")
    found = check(document, REGISTRY, CheckOptions(secrets=frozenset()))
    assert [each.code for each in found if each.code.startswith("secret.")] == ["secret.misplaced"]


def test_settings_of_a_framework_module_at_the_top_name_secrets_too():
    document = document_with("reverseproxy.header_rewriting.set_headers.X-Key", "${A_SECRET}")
    assert secrets_named(document) == {"A_SECRET"}
