"""The id of a deleted resource, used again in the database: a fresh instance behind a kept history."""

import pytest

from apps.core.scope import scope
from apps.runs.adapters.threads import in_thread
from apps.runs.queries.instances import instance_get, instance_list
from tests.integration.runs.documents import HEAD
from tests.support.serving import deployed, request

PARCELS = (
    HEAD
    + """\
  - {name: engine, type: statemachine.engine}
  - {name: parcels, type: api.handler, config: {resourceName: parcels, workflowType: parcel, workflowEngine: engine}}
workflows:
  http:
    routes:
      - {method: POST, path: /parcels, handler: parcels}
      - {method: GET, path: "/parcels/{id}", handler: parcels}
      - {method: DELETE, path: "/parcels/{id}", handler: parcels}
      - {method: PUT, path: "/parcels/{id}/transition", handler: parcels}
  statemachine:
    engine: engine
    definitions:
      - name: parcel
        initialState: packed
        states: {packed: {}, sent: {}}
        transitions: {send: {fromState: packed, toState: sent}}
"""
)


def histories(tenant):
    with scope(tenant.id, tenant.actor):
        found = [instance_get(instance_id=row["id"]) for row in instance_list().items]
        return [(row["key"], row["state"], [line["transition"] for line in row["history"]]) for row in found]


@pytest.mark.spec("SPINE-B4", "D11")
async def test_the_id_of_a_deleted_resource_starts_afresh_behind_its_history(two_tenants, ingress):
    tenant, other = two_tenants
    for one in two_tenants:
        await deployed(one, "parcels", PARCELS)
    base = f"/w/{tenant.slug}/parcels/parcels"
    await request(ingress, "POST", base, {"id": "B1"})
    await request(ingress, "POST", f"/w/{other.slug}/parcels/parcels", {"id": "B1"})
    await request(ingress, "PUT", f"{base}/B1/transition", {"transition": "send"})
    assert (await request(ingress, "DELETE", f"{base}/B1")).status == 204
    again = await request(ingress, "POST", base, {"id": "B1"})
    shown = await request(ingress, "GET", f"{base}/B1")
    assert (again.status, shown.status, shown.json()["state"]) == (201, 200, "packed")
    assert await in_thread(histories, tenant) == [("B1", "packed", ["send", "(deleted)", "(restarted)"])]
    assert await in_thread(histories, other) == [("B1", "packed", [])]
