"""The documents of `examples/` do the same in a running product, for two tenants that see nothing of each other."""

import pytest

from tests.acceptance.examples.places import HostedPlace
from tests.acceptance.examples.scenarios.table import SCENARIOS
from tests.support.checkout import ROOT
from tests.support.hosted import assert_unseen

pytestmark = [pytest.mark.spec("SPINE-3", "SPINE-B7", "CAT-5"), pytest.mark.slow]


@pytest.mark.spec("SPINE-3.4")
@pytest.mark.parametrize("name", sorted(SCENARIOS))
async def test_the_document_does_what_it_says_for_each_tenant(tenants, deploy_pair, name):
    text = (ROOT / "examples" / f"{name}.yaml").read_text(encoding="utf-8")
    first, second = deploy_pair(name, text)
    await SCENARIOS[name](HostedPlace(first))
    assert (second.runs(), second.instances(), second.messages()) == ([], [], [])
    await SCENARIOS[name](HostedPlace(second))
    assert_unseen(first, tenants[1])
    assert_unseen(second, tenants[0])


def test_environments_are_apart(deploy_pair):
    text = (ROOT / "examples" / "support_case.yaml").read_text(encoding="utf-8")
    first, second = deploy_pair("apart", text, ("prod", "dev"))
    case = {"id": "1", "question": "In which world am I?"}
    assert first.call("POST", "/cases", case, environment="dev").status == 201
    assert first.call("GET", "/cases/1", environment="dev").status == 200
    assert first.call("GET", "/cases/1").status == 404
    assert second.call("GET", "/cases/1", environment="dev").status == 404
    assert {run["environment"] for run in first.runs() if run["http_status"] == 201} == {"dev"}
    assert first.call("GET", "/cases", environment="staging").status == 404


@pytest.mark.parametrize("name", ["loan_application", "topic_patterns"])
async def test_what_happens_in_one_environment_is_not_heard_in_the_other(deploy_pair, name):
    text = (ROOT / "examples" / f"{name}.yaml").read_text(encoding="utf-8")
    workflow, _ = deploy_pair(name, text, ("prod", "dev"))
    await SCENARIOS[name](HostedPlace(workflow))
    assert {row["environment"] for row in [*workflow.runs(), *workflow.instances(), *workflow.messages()]} == {"prod"}
