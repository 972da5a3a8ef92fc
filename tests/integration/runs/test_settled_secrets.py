"""Secrets in settings that are settled when a document is compiled: each tenant's own, and set right without a deed."""

from uuid import UUID

import orjson
import pytest

from apps.runs.adapters import control
from apps.runs.operations.applications import Applications
from apps.runs.queries.runs import run_get
from apps.workflows.errors import DocumentRefused
from apps.workflows.operations.deployments import deployment_create
from apps.workflows.operations.drafts import draft_save
from apps.workflows.operations.versions import version_publish
from apps.workflows.queries.addresses import address_list
from apps.workflows.queries.deployments import deployment_list
from apps.workflows.queries.documents import document_check
from apps.workflows.queries.versions import version_get
from apps.workflows.queries.workflows import draft_get
from tests.integration.runs.documents import HEAD
from tests.support.runs import ended, start, the
from tests.support.secrets import put_secrets
from tests.support.serving import deployed, request, serving, working
from tests.support.waiting import wait_for_async

pytestmark = pytest.mark.spec("CAT-B2.15")

TEXT = (
    HEAD
    + """\
  - name: answer
    type: http.handler
    config: {status: "${STATUS}", contentType: "text/x-${KIND}", body: "secret://said"}
  - {name: broker, type: messaging.broker}
  - {name: inbox, type: messaging.handler, config: {topic: "in-${KIND}"}}
  - {name: hub, type: integration.registry}
workflows:
  http: {routes: [{method: GET, path: /, handler: answer}, {method: POST, path: /tell, handler: tell}]}
  messaging: {subscriptions: []}
  integration:
    registry: hub
    connectors: [{name: hooks, type: webhook, config: {path: "/hooks/${KIND}"}}]
  pipelines:
    tell:
      steps: [{emit: in-blue, payload: "${data}"}, {emit: in-green, payload: "${data}"}]
    later:
      steps: [{name: said, uses: answer}]
"""
)
FIRST = {"STATUS": "201", "KIND": "blue", "SAID": "first-tenants-own"}
SECOND = {"STATUS": "202", "KIND": "green", "SAID": "second-tenants-own"}


async def both(two_tenants):
    workflows = []
    for tenant, values in zip(two_tenants, (FIRST, SECOND), strict=True):
        await put_secrets(tenant, **values)
        workflows.append(await deployed(tenant, "settled", TEXT))
    return workflows


async def asked(ingress, tenant):
    reply = await request(ingress, "GET", f"/w/{tenant.slug}/settled/")
    return reply.status, reply.headers["content-type"], reply.body.decode()


async def becomes(ingress, tenant, wanted):
    async def look():
        return await asked(ingress, tenant) == wanted

    await wait_for_async(look, timeout=10, what=f"the answer {wanted}")


def answer(values):
    return int(values["STATUS"]), f"text/x-{values['KIND']}", values["SAID"]


async def test_two_tenants_with_the_same_text_each_get_their_own_values(two_tenants):
    first, second = two_tenants
    await both(two_tenants)
    async with serving() as ingress:
        for _ in range(2):
            assert await asked(ingress, first) == answer(FIRST)
            assert await asked(ingress, second) == answer(SECOND)
        for tenant, mine, others in ((first, "blue", "green"), (second, "green", "blue")):
            hooks = [
                (await request(ingress, "POST", f"/w/{tenant.slug}/settled/hooks/{each}", {})).status
                for each in (mine, others)
            ]
            assert [status in (404, 405) for status in hooks] == [False, True]


async def test_a_changed_secret_takes_effect_for_its_own_tenant(two_tenants):
    first, second = two_tenants
    await both(two_tenants)
    async with serving() as ingress:
        assert await asked(ingress, first) == answer(FIRST)
        await put_secrets(first, STATUS="203", SAID="another")
        await becomes(ingress, first, answer(FIRST | {"STATUS": "203", "SAID": "another"}))
        assert await asked(ingress, second) == answer(SECOND)
        await put_secrets(first, **SECOND)
        await becomes(ingress, first, answer(SECOND))
        await put_secrets(second, **FIRST)
        await becomes(ingress, second, answer(FIRST))
        assert await asked(ingress, first) == answer(SECOND)


async def test_what_is_heard_follows_the_secret_that_names_it(two_tenants):
    first, second = two_tenants
    await both(two_tenants)

    def topics(tenant):
        return the(tenant, control.rows, statement="select topic from runs_subscription order by topic")

    assert ("in-blue",) in await topics(first)
    assert ("in-green",) in await topics(second)
    await put_secrets(first, KIND="green")
    assert ("in-green",) in await topics(first)
    assert ("in-blue",) not in await topics(first)
    await put_secrets(second, KIND="no\nkind")  # with which nothing can be compiled: what was there stays
    assert ("in-green",) in await topics(second)


async def test_a_secret_that_is_missing_refuses_the_deployment_at_its_key(two_tenants):
    for tenant in two_tenants:
        await put_secrets(tenant, KIND="blue", SAID="x")
        with pytest.raises(DocumentRefused) as refused:
            await deployed(tenant, "settled", TEXT)
        [found] = refused.value.problem()["findings"]
        assert (found["code"], found["path"], found["line"]) == ("secret.missing", "modules[2].config.status", 6)


async def test_a_value_that_does_not_fit_refuses_the_deployment_and_is_not_shown(two_tenants):
    for tenant in two_tenants:
        for value in ("90210", "abcxyz"):
            await put_secrets(tenant, **FIRST | {"STATUS": value})
            with pytest.raises(DocumentRefused) as refused:
                await deployed(tenant, f"settled-{value}", TEXT)
            [found] = refused.value.problem()["findings"]
            assert (found["code"], found["path"]) == ("config.invalid", "modules[2].config.status")
            assert value not in str(refused.value.problem())


async def test_a_live_document_that_its_secrets_break_answers_503_until_they_are_set_right(two_tenants):
    first, second = two_tenants
    workflow, _ = await both(two_tenants)
    async with serving() as ingress:
        assert await asked(ingress, first) == answer(FIRST)
        for broken in ({"STATUS": "abcxyz"}, {"STATUS": None}):
            await put_secrets(first, **broken)

            async def refused():
                return (await asked(ingress, first))[0] == 503

            await wait_for_async(refused, timeout=10, what="the refusal")
            _, kind, body = await asked(ingress, first)
            assert (kind, orjson.loads(body)["code"]) == ("application/problem+json", "unavailable")
            assert "abcxyz" not in body
            assert await asked(ingress, second) == answer(SECOND)
            assert await the(first, address_list, workflow_id=workflow.id) == []
            await put_secrets(first, STATUS="206")
            await becomes(ingress, first, answer(FIRST | {"STATUS": "206"}))


async def test_runs_wait_while_secrets_are_broken_and_end_when_they_are_right(two_tenants):
    first, _ = two_tenants
    workflow, _ = await both(two_tenants)
    run_id = await start(first, workflow, "later", {})
    await put_secrets(first, STATUS="abcxyz")
    async with working() as worker:
        await wait_for_async(lambda: _is_claimed(first, run_id), timeout=10, what="a claim")
        assert (await the(first, run_get, run_id=run_id))["state"] in ("running", "waiting")
        await put_secrets(first, STATUS="205")
        await the(first, control.execute, statement="update runs_work set ready_at = weft_now()")
        worker.ring()
        run = await ended(first, run_id)
    assert (run["state"], FIRST["SAID"] in str(run)) == ("done", False)


async def _is_claimed(tenant, run_id):
    taken = "select 1 from runs_work where run_id = %s and owner is not null"
    return bool(await the(tenant, control.rows, statement=taken, values=(run_id,)))


async def test_an_old_version_is_compiled_with_the_values_of_today(two_tenants):
    first, _ = two_tenants
    workflows = await both(two_tenants)
    applications = Applications()
    places = []
    for tenant, workflow in zip(two_tenants, workflows, strict=True):
        version = await the(tenant, version_get, workflow_id=workflow.id, number=1)
        environment = await the(tenant, _next_version, workflow=workflow, actor=tenant.actor)
        places.append((tenant.id, environment, workflow.id, version.id))
    found = [await applications.of_version(*each) for each in places]
    assert [each.version_number for each in found] == [1, 1]
    assert [each.application.modules["answer"].config.status for each in found] == [201, 202]
    await put_secrets(first, STATUS="203")
    found = [await applications.of_version(*each) for each in places]
    assert [each.application.modules["answer"].config.status for each in found] == [203, 202]


def _next_version(*, workflow, actor):
    draft = draft_get(workflow_id=workflow.id)
    draft_save(workflow_id=workflow.id, text=TEXT + "# 2\n", if_revision=draft.revision, actor=actor)
    version_publish(workflow_id=workflow.id, actor=actor)
    live = deployment_create(workflow_id=workflow.id, environment="prod", version=2, actor=actor)
    return live.environment_id


async def test_what_is_shown_of_a_document_is_what_is_written(two_tenants):
    workflows = await both(two_tenants)
    for tenant, workflow, values in zip(two_tenants, workflows, (FIRST, SECOND), strict=True):
        environment = await the(tenant, _environment, workflow=workflow)
        checked = await the(tenant, document_check, text=TEXT, environment_id=environment)
        drawn = str(checked.graph()) + str(checked) + checked.document.text + str(checked.document.data)
        assert checked.values is not None
        assert not [value for value in values.values() if value in drawn and value not in TEXT]


def _environment(*, workflow) -> UUID:
    return deployment_list(workflow_id=workflow.id).items[0].environment_id
