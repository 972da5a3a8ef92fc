"""What a name in a trigger or an API call starts."""

import pytest

from apps.engine.trigger import UnknownWorkflow
from tests.support.small_modules import compiled

MACHINE = """
    - name: {name}
      initialState: new
      states: {{new: {{}}, done: {{isFinal: true}}}}
      transitions: {{finish: {{fromState: new, toState: done}}}}
"""


def application(*machines: str):
    definitions = "".join(MACHINE.format(name=name) for name in machines)
    return compiled(f"""
modules:
- {{name: engine, type: statemachine.engine}}
workflows:
  statemachine:
    engine: engine
    definitions:
{definitions}
  pipelines:
    work: {{steps: [{{set: {{a: 1}}}}]}}
""")


@pytest.mark.spec("D1", "SPINE-B4.12")
def test_a_definition_names_its_machine_and_the_data_the_instance():
    run = application("order").resolve("order", "finish", {"id": 7, "n": 1})
    assert (run.entry, run.workflow, run.action, run.correlation) == ("transition:order", "order", "finish", "7")
    assert run.data == {"instanceId": "7", "transition": "finish", "data": {"id": 7, "n": 1}}


@pytest.mark.spec("D1")
def test_without_an_id_the_instance_is_new():
    app = application("order")
    first, second = app.resolve("order", "finish", {}), app.resolve("order", "finish", [1])
    assert first.correlation != second.correlation
    assert second.data["data"] == {"payload": [1]}


@pytest.mark.spec("D1")
def test_the_section_means_its_only_machine_or_the_named_one():
    assert application("order").resolve("statemachine", "engine:finish", {"id": "7"}).action == "finish"
    two = application("order", "parcel")
    assert two.resolve("statemachine", "finish", {"workflowType": "parcel"}).entry == "transition:parcel"
    with pytest.raises(UnknownWorkflow, match="order, parcel"):
        two.resolve("statemachine", "finish", {"workflowType": "none"})
    with pytest.raises(UnknownWorkflow):
        two.resolve("statemachine", "finish", None)


@pytest.mark.spec("SPINE-B4.12")
def test_pipelines_are_found_by_name_and_through_their_section():
    app = application("order")
    assert app.resolve("work", "", {"n": 1}).entry == "pipeline:work"
    assert app.resolve("pipelines", "work", {"n": 1}).data == {"n": 1}


@pytest.mark.spec("SPINE-B4.12")
@pytest.mark.parametrize(("workflow", "action"), [("nothing", "x"), ("pipelines", "nothing"), ("http", "start")])
def test_anything_else_is_404(workflow, action):
    with pytest.raises(UnknownWorkflow) as unknown:
        application("order").resolve(workflow, action, {})
    assert unknown.value.status == 404


def test_a_message_goes_out_with_a_broker_of_the_document():
    app = compiled("""
modules:
- {name: broker, type: messaging.broker}
- {name: inbox, type: messaging.handler}
workflows:
  messaging: {subscriptions: []}
""")
    for action in ("orders", "broker:orders", "broker.producer:orders"):
        asked = app.resolve("messaging", action, {"message": 1}).data
        assert (asked["topic"], asked["payload"]) == ("orders", 1)
    for action in ("nobroker:orders", "inbox:orders", ":orders"):
        with pytest.raises(UnknownWorkflow, match="no broker"):
            app.resolve("messaging", action, {})


@pytest.mark.spec("CAT-B2")
@pytest.mark.parametrize(
    ("action", "data", "broker", "payload"),
    [
        ("orders", {"message": "hi"}, "second", "hi"),
        ("orders", {"message": "hi", "broker": "first"}, "first", "hi"),
        ("second:orders", {"message": "hi", "broker": "first"}, "second", "hi"),
        ("orders", {"broker": "first", "n": 1}, "second", {"broker": "first", "n": 1}),
    ],
)
def test_the_data_may_name_the_broker_beside_the_message(action, data, broker, payload):
    app = compiled("""
modules:
- {name: first, type: messaging.broker}
- {name: second, type: messaging.broker}
workflows:
  messaging: {broker: second, subscriptions: []}
""")
    assert app.resolve("messaging", action, data).data == {"broker": broker, "topic": "orders", "payload": payload}
    with pytest.raises(UnknownWorkflow, match="no broker 'third'"):
        app.resolve("messaging", "orders", {"message": "hi", "broker": "third"})


def test_the_resolver_says_what_it_knows():
    resolver = application("order").resolver
    assert [resolver.knows(name) for name in ("statemachine", "order", "work", "nothing")] == [True, True, True, False]
