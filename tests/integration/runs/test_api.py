"""What the API tells of runs, of steps in doubt and of messages, to their own tenant only."""

import pytest

from tests.support.clients import client_for
from tests.support.examples.runs import one_of_each


@pytest.fixture
def told(two_tenants):
    """Ask the API as the tenant whose rows these are, and as another one; only the first has any."""
    tenant, other = two_tenants
    one_of_each(tenant)

    def ask(path):
        return [client_for(each).get(path).json() for each in (tenant, other)]

    return ask


@pytest.mark.spec("SPINE-B6.8")
def test_a_step_in_doubt_is_listed_with_its_run_until_somebody_settles_it(told, two_tenants):
    mine, theirs = told("unknown-steps")
    (step,) = mine["items"]
    assert step["name"] == "call"
    assert theirs["items"] == []
    assert client_for(two_tenants[1]).post(f"unknown-steps/{step['id']}/send-again").status_code == 404


@pytest.mark.spec("SPINE-B7.5")
def test_a_run_is_listed_and_told_with_what_it_waits_for(told):
    mine, theirs = told("runs")
    (run,) = mine["items"]
    detail, hidden = told(f"runs/{run['id']}")
    assert (detail["state"], detail["wait"]["reason"]) == ("waiting", "unknown effect")
    assert (theirs["items"], hidden["status"]) == ([], 404)


@pytest.mark.spec("SPINE-B7.7")
def test_a_message_is_listed_and_told_with_its_payload(told):
    mine, theirs = told("messages")
    (message,) = mine["items"]
    detail, hidden = told(f"messages/{message['id']}")
    assert (detail["topic"], detail["payload"]) == ("t", {})
    assert (theirs["items"], hidden["status"]) == ([], 404)
