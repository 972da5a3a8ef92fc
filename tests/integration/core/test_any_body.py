"""Whatever is sent to the API, the answer is its own: no fault, and every refusal a problem document."""

from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings

from apps.core.api.permissions import Route, routes
from apps.core.changes import ChangeListener
from apps.core.scope import SYSTEM, scope
from apps.workflows.operations.deployments import deployment_create
from apps.workflows.operations.versions import version_publish
from apps.workflows.operations.workflows import workflow_create
from tests.support.clients import client_for
from tests.support.fuzzing import bodies
from tests.support.isolation import Examples, examples
from tests.support.route_sweep import BY_KEY, PLACE, TAKES_BODY
from tests.support.tenants import TenantFixture

pytestmark = pytest.mark.spec("SPINE-B7")
Two = tuple[TenantFixture, TenantFixture]
PROBLEM = "application/problem+json"
BODIES_PER_CALL = 15
RUNNABLE = """\
modules:
- {name: engine, type: statemachine.engine}
- {name: broker, type: messaging.broker}
workflows:
  statemachine:
    engine: engine
    definitions:
    - name: order
      initialState: new
      states: {new: {}, done: {isFinal: true}}
      transitions: {go: {fromState: new, toState: done}}
  messaging: {subscriptions: []}
  pipelines:
    work: {steps: [{name: same, set: {a: 1}}]}
"""


def calls_with_a_body() -> list[Route]:
    return [route for route in routes() if route.pattern.startswith(BY_KEY) and route.method in TAKES_BODY]


def path_of(known: Examples, pattern: str, tenant: TenantFixture) -> str:
    def value(name: str) -> str:
        parameter = known.parameter(pattern, name)
        assert parameter, (pattern, name)
        return str(parameter.value(tenant))

    return "/" + PLACE.sub(lambda place: value(place[1]), pattern)


def send(key: str, method: str, path: str, content: bytes) -> Any:
    headers = {"Authorization": f"Bearer {key}", "If-Match": '"1"'}
    client = Client(raise_request_exception=False)
    return client.generic(method, path, content, content_type="application/json", headers=headers)


def attack(key: str, method: str, path: str, good: Any) -> None:
    """Send many bodies, the same ones each time."""

    @settings(max_examples=BODIES_PER_CALL, derandomize=True, database=None, deadline=None,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(content=bodies(good))
    def send_one(content: bytes) -> None:
        answer = send(key, method, path, content)
        assert answer.status_code < 500, (method, path, content[:200], answer.content[:200])
        assert answer.status_code < 400 or answer["Content-Type"] == PROBLEM, (method, path, content[:200])

    send_one()


def test_no_body_brings_the_api_down(filled_tenants: Two, unhurried: None, product_listener: ChangeListener) -> None:
    known, (a, _) = examples(), filled_tenants
    for route in calls_with_a_body():
        good = known.body(route.method, route.pattern)
        assert good, route
        attack(a.key, route.method, path_of(known, route.pattern, a), good(a))


@pytest.fixture
def unhurried(settings: Any) -> None:
    """Let one key call as often as it likes."""
    settings.API_CALLS_PER_MINUTE = 1_000_000


@pytest.fixture
def runnable(two_tenants: Two) -> dict[str, str]:
    """Make a workflow live that has something of every kind to run; return the address of its runs by tenant."""
    made = {}
    for tenant in two_tenants:
        with scope(tenant.id, SYSTEM):
            row = workflow_create(project_id=tenant.project.id, name="Any", text=RUNNABLE, actor=SYSTEM)
            version_publish(workflow_id=row.id, actor=SYSTEM)
            deployment_create(workflow_id=row.id, environment="prod", version=1, actor=SYSTEM)
            made[tenant.slug] = f"workflows/{row.id}/runs"
    return made


@pytest.mark.parametrize(
    "target", ["order go", "statemachine engine:go", "messaging broker:t", "messaging t", "work x"]
)
def test_no_data_of_a_run_brings_the_api_down(
    two_tenants: Two, runnable: dict[str, str], unhurried: None, product_listener: ChangeListener, target: str
) -> None:
    a, b = two_tenants
    workflow, action = target.split()

    for tenant in (a, b):
        good = {"workflow": workflow, "action": action, "data": {"id": "7"}}
        attack(tenant.key, "POST", f"/api/v1/{runnable[tenant.slug]}", good)


def test_bodies_that_used_to_bring_it_down_are_refused_with_their_place(
    two_tenants: Two, runnable: dict[str, str]
) -> None:
    a, b = two_tenants
    for tenant, data, at in (
        (a, b'{"x": "\\ud800"}', "/data/x"),
        (b, b'{"\\ud800": 1}', "/data/?"),
        (a, b'{"x": 18446744073709551616}', "/data/x"),
        (b, b"[" * 900 + b"]" * 900, ""),
    ):
        content = b'{"workflow": "work", "data": %s}' % data
        refused = send(tenant.key, "POST", f"/api/v1/{runnable[tenant.slug]}", content)
        assert (refused.status_code, refused["Content-Type"]) == (400, PROBLEM)
        assert [error["pointer"] for error in refused.json()["errors"]] == [at]


def test_a_body_beyond_the_limit_is_too_large_on_every_way_in(two_tenants: Two, runnable: dict[str, str]) -> None:
    a, _ = two_tenants
    content = b'{"text": "%s"}' % (b"x" * 3 * 1024 * 1024)
    for path in ("check", f"projects/{a.project.id}/workflows", runnable[a.slug]):
        refused = send(a.key, "POST", f"/api/v1/{path}", content)
        assert (refused.status_code, refused.json()["code"]) == (413, "too-large"), path


def test_a_broker_that_the_document_lacks_starts_nothing(two_tenants: Two, runnable: dict[str, str]) -> None:
    for tenant in two_tenants:
        refused = client_for(tenant).post(runnable[tenant.slug], {"workflow": "messaging", "action": "nobroker:zz"})
        assert (refused.status_code, refused["Content-Type"]) == (422, PROBLEM)
        assert "nobroker" in refused.json()["detail"]


def test_a_misspelt_key_makes_nothing(two_tenants: Two) -> None:
    for tenant in two_tenants:
        body = {"name": "Orders", "document": "modules: []"}
        refused = client_for(tenant).post(f"projects/{tenant.project.id}/workflows", body)
        assert (refused.status_code, refused["Content-Type"]) == (400, PROBLEM)
        assert refused.json()["errors"][0]["pointer"] == "/document"
        assert client_for(tenant).get("workflows").json()["items"] == []


def test_an_empty_document_is_kept_and_not_published(two_tenants: Two) -> None:
    for tenant in two_tenants:
        made = client_for(tenant).post(f"projects/{tenant.project.id}/workflows", {"name": "Empty"})
        assert made.status_code == 201
        refused = client_for(tenant).post(f"workflows/{made.json()['id']}/versions")
        assert (refused.status_code, refused.json()["code"]) == (422, "document.refused")
        assert [finding["code"] for finding in refused.json()["findings"]] == ["document.empty"]


def test_a_key_is_not_made_twice_by_one_idempotency_key_nor_once(two_tenants: Two) -> None:
    for tenant in two_tenants:
        sent = {"Idempotency-Key": "the-same"}
        refused = client_for(tenant).post("api-keys", {"name": "n", "role": "viewer"}, sent)
        assert (refused.status_code, refused.json()["code"]) == (400, "idempotency.not-here")
        names = [key["name"] for key in client_for(tenant).get("api-keys").json()["items"]]
        assert "n" not in names
