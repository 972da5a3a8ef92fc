"""State-machine instances: moved by the API, kept apart by tenant, followed through deployments."""

import psycopg
import pytest

from apps.core.clock import now
from apps.core.scope import SYSTEM, scope
from apps.runs.models import Instance
from apps.runs.operations.inline import inline
from apps.runs.queries.instances import instance_list
from apps.workflows.errors import DocumentRefused
from tests.integration.runs.documents import HEAD
from tests.support.clients import client_for
from tests.support.serving import deploy, redeploy

MACHINE = (
    HEAD
    + """\
  - {name: engine, type: statemachine.engine}
workflows:
  statemachine:
    engine: engine
    definitions:
      - name: parcel
        initialState: packed
        states:
          packed: {}
          sent: {}
          arrived: {isFinal: true}
        transitions:
          send: {fromState: packed, toState: sent}
          arrive: {fromState: sent, toState: arrived}
"""
)


@pytest.fixture(autouse=True)
def _inline():
    yield
    inline.stop()


def instance(tenant, workflow, state="packed"):
    with scope(tenant.id, SYSTEM):
        moment = now()
        row = Instance(
            environment_id=tenant.environments["prod"].id,
            workflow_id=workflow.id,
            machine="parcel",
            key="p-1",
            state=state,
            data=b"{}",
            started_at=moment,
            updated_at=moment,
        )
        row.save(force_insert=True)
        return row.id


@pytest.mark.spec("SPINE-B6", "SPINE-B7", "SPINE-B6.13", "SPINE-B7.6")
def test_a_transition_moves_the_instance_and_is_a_run_of_its_own(database, two_tenants):
    tenant, other = two_tenants
    identity = instance(tenant, deploy(tenant, "parcels", MACHINE))
    moved = client_for(tenant).post(f"instances/{identity}/transitions", {"transition": "send", "data": {"by": "van"}})
    assert (moved.status_code, moved.json()["state"]) == (200, "sent")
    assert [line["transition"] for line in moved.json()["history"]] == ["send"]
    with psycopg.connect(database.superuser_url) as connection:
        runs = connection.execute(
            "select entry, state, correlation from runs_run where tenant_id = %s", [tenant.id]
        ).fetchall()
    assert runs == [("transition:parcel", "done", "p-1")]
    assert client_for(other).post(f"instances/{identity}/transitions", {"transition": "arrive"}).status_code == 404


@pytest.mark.spec("SPINE-B6", "SPINE-B7.6")
def test_a_wrong_state_is_told_with_the_expected_and_the_actual_one(database, two_tenants):
    tenant, _ = two_tenants
    identity = instance(tenant, deploy(tenant, "parcels", MACHINE))
    refused = client_for(tenant).post(f"instances/{identity}/transitions", {"transition": "arrive"})
    assert refused.status_code == 400
    assert "expected state sent, actual state packed" in refused.json()["errors"][0]["message"]


@pytest.mark.spec("SPINE-B4", "SPINE-B6")
def test_a_condition_that_cannot_be_evaluated_is_422_as_at_the_ingress(two_tenants):
    guarded = MACHINE.replace("toState: sent}", "toState: sent, condition: data.okay == true}")
    for tenant in two_tenants:
        identity = instance(tenant, deploy(tenant, "parcels", guarded))
        refused = client_for(tenant).post(f"instances/{identity}/transitions", {"transition": "send"})
        assert (refused.status_code, refused.json()["code"]) == (422, "expression.unknown_key")
        assert refused.json()["errors"][0]["pointer"] == "/okay"
        moved = client_for(tenant).post(
            f"instances/{identity}/transitions", {"transition": "send", "data": {"okay": True}}
        )
        assert moved.status_code == 200


@pytest.mark.spec("SPINE-B6")
def test_a_document_that_lacks_the_state_of_live_instances_is_not_deployed_until_they_are_mapped(database, two_tenants):
    tenant, _ = two_tenants
    workflow = deploy(tenant, "parcels", MACHINE)
    instance(tenant, workflow)
    renamed = MACHINE.replace("packed", "boxed")
    with pytest.raises(DocumentRefused) as refused:
        redeploy(tenant, workflow, renamed)
    assert [finding["code"] for finding in refused.value.extra["findings"]] == ["instances.orphaned"]
    redeploy(tenant, workflow, renamed + "# once more\n", state_map={"parcel": {"packed": "boxed"}})
    with scope(tenant.id, SYSTEM):
        assert [row["state"] for row in instance_list().items] == ["boxed"]
