"""Lifecycle events are made from run records."""

from datetime import UTC, datetime

import pytest

from apps.engine import events

AT = datetime(2030, 1, 1, 12, 30, 0, 250_000, tzinfo=UTC)
RUN = {"section": "statemachine", "action": "check", "workflow": "order", "started_at": AT, "input": {"n": 1}}


@pytest.mark.spec("SPINE-B4", "SPINE-B4.13", "CAT-B2.13")
def test_a_run_that_is_going_on_has_started():
    assert events.of_run(RUN) == [
        {
            "topic": "workflow.statemachine.started",
            "payload": {
                "workflowType": "statemachine",
                "workflow": "order",
                "action": "check",
                "status": "started",
                "timestamp": "2030-01-01T12:30:00.250000+00:00",
                "data": {"n": 1},
            },
        }
    ]


@pytest.mark.spec("SPINE-B4.13", "CAT-B2.13")
def test_a_run_that_is_done_tells_its_results_and_its_duration_in_nanoseconds():
    done = events.of_run({**RUN, "state": "done", "finished_at": AT, "duration_us": 1500, "output": {"ok": True}})[1]
    assert done["topic"] == "workflow.statemachine.completed"
    assert done["payload"]["duration"] == 1_500_000
    assert done["payload"]["results"] == {"ok": True}


@pytest.mark.spec("SPINE-B4.13", "CAT-B2.13")
@pytest.mark.parametrize(("error", "text"), [({"message": "no"}, "no"), ("no", "no")])
@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_a_run_that_failed_tells_why(state, error, text):
    failed = events.of_run({**RUN, "state": state, "finished_at": AT, "error": error})[1]
    assert (failed["topic"], failed["payload"]["error"]) == ("workflow.statemachine.failed", text)


def test_steps_have_events_of_their_own_and_empty_keys_are_left_out():
    event = events.step("integration", {"name": "fetch", "connector": "crm", "duration_ns": 5}, "completed", AT)
    assert event["topic"] == "workflow.integration.step.fetch.completed"
    assert set(event["payload"]) == {"workflowType", "stepName", "connector", "status", "timestamp", "duration"}
