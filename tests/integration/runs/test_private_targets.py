"""No module type reaches our own network: whatever leaves goes through one guard (spec/modules.md 3 and 9)."""

import pytest

from tests.integration.runs.documents import HEAD
from tests.support.runs import ended, start
from tests.support.serving import deployed, working
from tests.support.upstream import upstream

pytestmark = pytest.mark.spec("D29")

TEXT = (
    HEAD
    + """\
  - {name: hub, type: integration.registry}
  - {name: by-webhook, type: webhook.sender, config: {url: "%(url)s", maxRetries: 0}}
  - {name: by-slack, type: notification.slack, config: {webhookURL: "%(url)s"}}
  - {name: by-client, type: httpclient.modular, config: {baseURL: "%(url)s"}}
  - {name: by-bucket, type: storage.s3, config: {bucket: shop, endpoint: "%(url)s", accessKeyId: ""}}
workflows:
  http: {routes: []}
  pipelines:
    webhook: {steps: [{uses: by-webhook}]}
    slack: {steps: [{uses: by-slack}]}
    client: {steps: [{uses: by-client, with: {path: /x}}]}
    bucket: {steps: [{uses: by-bucket, with: {action: get, key: x}}]}
  integration:
    registry: hub
    connectors: [{name: api, type: http, config: {baseURL: "%(url)s", allowPrivateIPs: true}}]
    steps: [{name: ask, connector: api, action: GET /x}]
"""
)


async def test_every_type_that_sends_is_refused_a_private_target_for_good(two_tenants, settings):
    settings.OUTBOUND_ALLOW = []
    with upstream() as inside:
        async with working():
            for tenant in two_tenants:
                workflow = await deployed(tenant, "out", TEXT % {"url": inside.url})
                for name in ("webhook", "slack", "client", "bucket", "integration"):
                    run = await ended(tenant, await start(tenant, workflow, name, {"text": "hi"}))
                    assert (name, run["state"], run["error"]["code"]) == (name, "failed", "http.forbidden_target")
        assert inside.calls == []
