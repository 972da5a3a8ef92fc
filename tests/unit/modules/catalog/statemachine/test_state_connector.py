import pytest

from apps.engine.testing import Bench
from apps.modules.catalog.statemachine.state_connector import StateConnector
from tests.support.documents import compiled_real, findings_real
from tests.unit.modules.making import make

pytestmark = pytest.mark.spec("SPINE-B4", "state.connector")

DOCUMENT = """
modules:
- {name: server, type: http.server, config: {port: 8080}}
- {name: router, type: http.router}
- {name: engine, type: statemachine.engine}
- {name: connector, type: state.connector}
- {name: orders, type: api.handler, config: {resourceName: orders}}
workflows:
  http:
    routes:
    - {method: POST, path: /orders, handler: orders}
    - {method: GET, path: '/orders/{id}', handler: orders}
    - {method: PUT, path: '/orders/{id}/transition', handler: orders}
  statemachine:
    engine: engine
    resourceMappings: [{resourceType: orders, stateMachine: engine, instanceIDKey: id}]
    definitions:
    - name: order
      initialState: new
      states: {new: {}, packed: {}, paid: {isFinal: true}}
      transitions: {pack: {fromState: new, toState: packed}, pay: {fromState: packed, toState: paid}}
"""


def test_a_connector_has_no_settings():
    assert make(StateConnector).problems() == []
    assert StateConnector.Config.ignored_keys == {"description"}


@pytest.mark.shows("state.connector", "failure")
async def test_a_refused_transition_leaves_state_and_resource_as_they_were():
    async with Bench(compiled_real(DOCUMENT)) as bench:
        assert (await bench.request("POST", "/orders", body={"id": "o1", "total": 5})).status == 201
        move = {"transition": "pack"}
        assert (await bench.request("PUT", "/orders/o1/transition", body=move)).status == 200
        before = (await bench.request("GET", "/orders/o1")).json()
        refused = await bench.request("PUT", "/orders/o1/transition", body={**move, "data": {"total": 9}})
        assert (refused.status, "expected state new, actual state packed" in str(refused.json())) == (400, True)
        assert (await bench.request("GET", "/orders/o1")).json() == before
        assert (before["state"], before["data"]["total"]) == ("packed", 5)


@pytest.mark.shows("state.connector", "failure")
def test_a_mapping_to_a_machine_that_is_not_there_is_told_at_its_place():
    text = DOCUMENT.replace("stateMachine: engine", "stateMachine: ordre")
    found = [each[:2] for each in findings_real(text)]
    assert ("reference.unknown", "workflows.statemachine.resourceMappings[0].stateMachine") in found
