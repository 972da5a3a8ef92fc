"""`onCreate` and `onAppend` where documents are hosted: in the transaction of the request, tenant by tenant."""

import psycopg
import pytest

from tests.integration.runs.documents import HEAD
from tests.support.serving import deployed, request

pytestmark = pytest.mark.spec("CAT-B1.5", "CAT-B2", "api.handler")

CASES = (
    HEAD
    + """\
  - {name: archive, type: persistence.store, config: {shared: true}}
  - name: cases
    type: api.handler
    config: {resourceName: cases, onCreate: keep-copy, onAppend: risk_tagger}
workflows:
  http:
    routes:
      - {method: POST, path: /cases, handler: cases}
      - {method: GET, path: "/cases/{id}", handler: cases}
      - {method: POST, path: "/cases/{id}/messages", handler: cases}
  pipelines:
    keep-copy:
      steps:
        - {uses: archive, with: {type: copies, id: "${data.id}"}}
        - {name: sure, if: "input.name == 'nobody'", then: [{respond: {status: 409, body: {}}}]}
        - set: {owner: "${input.name}", id: none}
"""
)


def stored(database, tenant):
    with psycopg.connect(database.superuser_url) as connection:
        rows = connection.execute("select kind from runs_storedresource where tenant_id = %s", [tenant.id]).fetchall()
        return sorted(kind for (kind,) in rows)


async def test_a_hook_completes_refuses_and_writes_with_its_request_and_for_its_tenant_only(
    database, two_tenants, ingress
):
    for tenant in two_tenants:
        await deployed(tenant, "shop", CASES)
    first, second = (f"/w/{tenant.slug}/shop/cases" for tenant in two_tenants)
    assert (await request(ingress, "POST", first, {"id": "c", "name": "nobody"})).status == 409
    assert stored(database, two_tenants[0]) == []
    made = await request(ingress, "POST", first, {"id": "c", "name": "ann"})
    assert (made.status, made.json()["data"]["owner"]) == (201, "ann")
    assert (await request(ingress, "POST", f"{first}/c/messages", {"body": "I want to die"})).status == 201
    assert (await request(ingress, "GET", f"{first}/c")).json()["data"]["riskLevel"] == "high"
    assert stored(database, two_tenants[0]) == ["cases", "copies"]
    assert stored(database, two_tenants[1]) == []
    assert (await request(ingress, "POST", f"{second}/c/messages", {"body": "hello"})).status == 404
