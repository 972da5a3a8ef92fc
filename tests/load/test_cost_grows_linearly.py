"""Ten times the document costs about ten times as much, whether it is good or wrong everywhere."""

import gc
import time
from contextlib import contextmanager

import pytest

from apps.engine.check import CheckOptions, check
from apps.engine.compile import compile_document
from apps.engine.document import load
from tests.unit.engine.checking import registry

SMALL, LARGE = 500, 5_000
TIMES = 20  # what is quadratic costs a hundred times as much
TRIES = 3
REGISTRY = registry()
PARTS = """\
- {name: server, type: http.server, config: {address: ":8080"}}
- {name: router, type: http.router}
- {name: engine, type: statemachine.engine}
- {name: broker, type: messaging.broker}
"""


def modules(form):
    return lambda count: f"modules:\n{PARTS}" + "".join(f"- {form.replace('#', str(n))}\n" for n in range(count))


def with_sections(module, head, form):
    """As many modules as entries of a section."""

    def text(count):
        return modules(module)(count) + head + "".join(f"    - {form.replace('#', str(n))}\n" for n in range(count))

    return text


MISTAKES = {
    "a type that does not exist": modules("{name: m#, type: http.handlr#}"),
    "a key that nothing reads": modules("{name: m#, type: http.handler, confg#: 1}"),
    "a config key that nothing reads": modules("{name: m#, type: http.handler, config: {prefx#: 1}}"),
    "a dependency on nothing": modules("{name: m#, type: http.handler, dependsOn: [mm#]}"),
    "a name that is taken": modules("{name: m, type: http.handler}"),
    "a circle": modules("{name: m#, type: http.handler, dependsOn: [m0, m#]}"),
    "a component that does not exist": modules("{name: m#, type: processing.step, config: {componentId: x#}}"),
    "a machine that does not exist": modules("{name: m#, type: api.handler, config: {workflowType: w#}}"),
    "a database that does not exist": modules("{name: m#, type: persistence.store, config: {database: d#}}"),
    "a secret in a long text": lambda count: (
        f"modules:\n{PARTS}- name: sender\n  type: webhook.sender\n  config:\n    url: |\n"
        + "".join(f"      ${{SECRET_{n}}}\n" for n in range(count))
    ),
    "a secret where none may stand": modules("{name: m#, type: http.server, config: {address: '${SECRET_#}'}}"),
    "a handler that does not exist": with_sections(
        "{name: m#, type: http.handler}",
        "workflows:\n  http:\n    routes:\n",
        "{method: GET, path: /r/#, handler: n#}",
    ),
}
GOOD = {
    "modules in a chain": modules("{name: m#, type: http.handler, dependsOn: [router]}"),
    "routes": with_sections(
        "{name: m#, type: http.handler}",
        "workflows:\n  http:\n    routes:\n",
        "{method: GET, path: '/r/#/{id}', handler: m#}",
    ),
    "subscriptions": with_sections(
        "{name: m#, type: messaging.handler}",
        "workflows:\n  messaging:\n    subscriptions:\n",
        "{topic: t#, handler: m#}",
    ),
    "state machines": lambda count: (
        f"modules:\n{PARTS}workflows:\n  statemachine:\n    engine: engine\n    definitions:\n"
        + "".join(f"    - {{name: d{n}, initialState: s, states: {{s: }}}}\n" for n in range(count))
    ),
}


@contextmanager
def nothing_collected():
    """Leave garbage alone: collections hit the larger document more often."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def cost(work, text):
    """Processor time."""
    began = time.process_time()
    work(text)
    return time.process_time() - began


def costs_in_proportion(text, work):
    """Compare the least costs; a document is worked on again only when the first time has not shown it.

    Reading the text counts as well, and is what all have in common: it is measured by itself, and once.
    """
    small, large = load(text(SMALL)).document, load(text(LARGE)).document
    work(small)
    with nothing_collected():
        bound = TIMES * min(cost(work, small) for _ in range(TRIES))
        return any(cost(work, large) < bound for _ in range(TRIES))


@pytest.mark.spec("SPINE-B4", "SPINE-B4.2")
@pytest.mark.parametrize("mistake", MISTAKES)
def test_checking_ten_times_the_mistakes(mistake):
    found = []

    def checked(document):
        found.append(check(document, REGISTRY, CheckOptions(secrets=frozenset())))

    assert costs_in_proportion(MISTAKES[mistake], checked)
    assert all(found)


@pytest.mark.spec("SPINE-B4", "SPINE-B4.3", "SPINE-6.3")
@pytest.mark.parametrize("kind", GOOD)
def test_compiling_ten_times_the_document(kind):
    assert costs_in_proportion(GOOD[kind], lambda document: compile_document(document, REGISTRY))
