"""The reference document of integrations under `wfctl run` as spec/modules.md 12.2 says, against real partners."""

import pytest

from tests.support.integration_story import (
    ORDER,
    SECRETS,
    be_good,
    check_failed_payment,
    check_good,
    pointed_at,
)
from tests.support.upstream import Said, upstream
from tests.support.waiting import wait_for
from tests.support.wfctl import Serving

pytestmark = pytest.mark.spec("D22", "integration.registry", "CAT-1")


@pytest.fixture
def partner():
    with upstream() as opened:
        be_good(opened)
        yield opened


@pytest.fixture
def serve(document, tmp_path):
    running = []

    def start(url, **options):
        file = tmp_path / "integration.yaml"
        file.write_text(pointed_at(document("integration-workflow").read_text(encoding="utf-8"), url, **options))
        served = Serving(file, "--no-reload", **SECRETS).__enter__()
        running.append(served)
        return served

    yield start
    for served in running:
        assert served.stop() == 0


def test_its_five_steps_run_from_the_example_s_own_route(serve, partner):
    served = serve(partner.url)
    answer = served.call("POST", "/api/integrations/integration-registry/execute", ORDER)
    assert (answer.status, answer.json["status"]) == (202, "workflow triggered")
    (run,) = wait_for(lambda: ended(served), what="the integration")
    assert run["status"] == "done", run["error"]
    check_good(partner, run["output"])
    assert served.call("GET", "/api/integrations").json == []
    assert served.call("POST", "/api/integrations/nobody/execute", {}).status == 404


def ended(served):
    return [run for run in served.runs(section="integration") if run["status"] in ("done", "failed")]


def test_a_failed_payment_is_tried_again_and_leaves_its_error_behind(serve, partner):
    partner.say("POST /payments/transactions", Said(503, {"why": "later"}))
    run = serve(partner.url).start("integration", "process-order", ORDER)
    assert run["status"] == "done", run["error"]
    check_failed_payment(partner, run["output"])
    failed = next(step for step in run["steps"] if step["name"] == "process-payment.failed")
    assert "payment-error-handler" in failed["logs"][0]["message"]
    assert failed["logs"][0]["level"] == "warning"


@pytest.mark.spec("D29")
def test_a_private_address_is_refused_unless_the_connector_allows_it(serve, partner):
    run = serve(partner.url, private=False).start("integration", "process-order", ORDER)
    assert partner.calls == []
    assert run["output"]["check-customer_error"] == "127.0.0.1 is a private address."
    assert (run["status"], run["error"]["step"]) == ("failed", "update-inventory")
    assert run["error"]["code"] == "http.forbidden_target"


def test_events_are_taken_at_the_document_s_own_address(serve, partner):
    served = serve(partner.url)
    refused = served.call("POST", "/webhooks/external-events", {"type": "order.shipped"})
    assert (refused.status, refused.json["code"]) == (501, "webhook.no_handler")
    assert served.call("GET", "/webhooks/external-events").status == 405
