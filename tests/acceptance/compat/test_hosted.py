"""The documents that the reference system can run behave the same in the product, for two tenants apart."""

import pytest

from tests.support.hosted import assert_unseen, eventually

pytestmark = [pytest.mark.spec("SPINE-3", "SPINE-3.1"), pytest.mark.slow]


@pytest.fixture
def pair(deploy_pair, document):
    """Return a function that puts a document, by its stem, live in both tenants."""
    return lambda stem, *environments: deploy_pair(
        stem, document(stem).read_text(encoding="utf-8"), environments or ("prod",)
    )


def for_each(pair, scenario):
    """Play a scenario in the first tenant while the second must stay empty, then in the second."""
    first, second = pair
    scenario(first)
    assert (second.runs(), second.instances(), second.messages()) == ([], [], [])
    scenario(second)
    assert_unseen(first, second.tenant)
    assert_unseen(second, first.tenant)


def test_simple_workflow_answers_and_records_a_published_message(pair):
    def scenario(workflow):
        for environment in ("prod", "dev"):
            for path, handler in (("/api/users", "userService"), ("/health", "healthService")):
                reply = workflow.call("GET", path, environment=environment)
                assert (reply.status, reply.json["handler"]) == (200, handler)
                assert set(reply.json) == {"handler", "status", "message"}
        assert workflow.publish("user-events", {"user": 7})["state"] == "done"
        (delivery,) = eventually(lambda: workflow.handled("notificationService"), "the notification")
        run = workflow.run(delivery["id"])
        assert (run["input"], run["state"]) == ({"user": 7}, "done")
        assert run["steps"][0]["logs"]
        (message,) = workflow.messages()
        assert workflow.tenant.get(f"messages/{message['id']}")["payload"] == {"user": 7}

    for_each(pair("simple-workflow-config", "prod", "dev"), scenario)


def test_api_server_answers_its_five_routes_and_nothing_else(pair):
    def scenario(workflow):
        handlers = {"/api/users": "users-handler", "/api/products": "products-handler"}
        for path, handler in handlers.items():
            for method in ("GET", "POST"):
                reply = workflow.call(method, path, {} if method == "POST" else None)
                assert (reply.status, reply.json["handler"]) == (200, handler)
        assert workflow.call("GET", "/health").json["handler"] == "health-handler"
        refused = workflow.call("DELETE", "/api/users")
        assert refused.status == 405
        assert {"GET", "POST"} <= set(refused.headers["allow"].split(", "))
        assert workflow.call("GET", "/api/nothing").status == 404

    for_each(pair("api-server-config"), scenario)


def test_data_pipeline_passes_every_stage_once(pair):
    def scenario(workflow):
        assert workflow.call("POST", "/api/data", {"value": 1}).status == 200
        ends = ("db-output", "notification-output")
        eventually(lambda: all(workflow.handled(end) for end in ends), "both outputs")
        topics = [message["topic"] for message in workflow.messages()]
        assert topics == ["raw-input", "validated-data", "transformed-data", "processed-data"]
        for handler in ("data-validation", "data-transformation", "data-enrichment", *ends):
            assert [run["state"] for run in workflow.handled(handler)] == ["done"]

    for_each(pair("data-pipeline-config"), scenario)


@pytest.mark.spec("conditional.ifelse", "conditional.switch")
def test_branching_orders_take_the_branch_that_their_data_says(pair):
    def scenario(workflow):
        for path in ("/orders", "/api/orders"):
            for order, status, handler in (
                ({"items": []}, 400, "reject-empty"),
                ({"items": ["a"], "total": 0}, 422, "reject-amount"),
            ):
                reply = workflow.call("POST", path, order)
                assert (reply.status, reply.json["handler"]) == (status, handler)
        for priority in ("express", "standard", "bulk"):
            order = {"items": ["a"], "total": 5, "priority": priority}
            reply = workflow.call("POST", "/orders", order)
            assert (reply.status, reply.json) == (200, order)
            run = workflow.run(workflow.runs()[-1]["id"])
            assert run["steps"][-1]["name"] == f"{priority}-handler"

    for_each(pair("workflow-a-orders-with-branching"), scenario)


def test_order_pipeline_is_driven_to_either_end(pair):
    def scenario(workflow):
        assert workflow.call("POST", "/api/orders", {"id": "1"}).status == 200
        run = workflow.start("order-processing", "validate_order", {"id": "1"})
        assert (run["state"], workflow.instance("1")["state"]) == ("done", "validated")
        instance = workflow.instance("1")
        assert workflow.transition(instance, "store_order").json["state"] == "stored"
        notified = workflow.transition(instance, "send_notification").json
        assert (notified["state"], notified["completed"], notified["error"]) == ("notified", True, None)
        assert [line["to"] for line in notified["history"]] == ["validated", "stored", "notified"]
        workflow.start("order-processing", "fail_validation", {"id": "2"})
        failed = workflow.instance("2")
        assert (failed["state"], failed["completed"], bool(failed["error"])) == ("failed", True, True)
        assert workflow.transition(failed, "store_order").status == 400
        assert workflow.start("order-processing", "store_order", {"id": "2"})["state"] == "failed"

    for_each(pair("order-processing-pipeline"), scenario)


def test_order_pipeline_answers_for_its_health_and_metrics(pair):
    for workflow in pair("order-processing-pipeline"):
        workflow.call("POST", "/api/orders", {"id": "3"})
        metrics, health = workflow.call("GET", "/metrics"), workflow.call("GET", "/healthz")
        assert (metrics.status, b"# TYPE" in metrics.body) == (200, True)
        assert (health.status, health.json["status"]) == (200, "healthy")


def test_scheduled_jobs_are_listed_and_run_one_at_once(pair):
    jobs = {
        "daily-scheduler:report-generation-job": "0 0 * * *",
        "hourly-scheduler:data-cleanup-job": "0 * * * *",
        "minute-scheduler:health-check-job": "* * * * *",
        "minute-scheduler:metrics-collection-job": "* * * * *",
    }

    for workflow in pair("scheduled-jobs-config"):
        rows = workflow.tenant.items("schedules", environment="prod")
        mine = {row["name"]: row for row in rows if row["workflow"]["id"] == workflow.id}
        assert {name: row["timetable"] for name, row in mine.items()} == jobs
        assert all(row["next_at"] for row in mine.values())
        started = workflow.call("POST", "/api/jobs/trigger", {"job": "report-generation-job"})
        assert started.status == 202

        def recorded(workflow=workflow, run=started.json["runId"]):
            shown = workflow.call("GET", "/api/jobs/status").json
            return [line for line in shown["runs"] if line["runId"] == run]

        (line,) = eventually(recorded, "the run among the store's")
        assert (line["job"], line["status"]) == ("report-generation-job", "success")
        assert eventually(lambda workflow=workflow: workflow.handled("job-status-store"), "the event is taken in")
        assert "job-events" in {message["topic"] for message in workflow.messages()}
        workflow.retire()
        assert workflow.tenant.items(f"workflows/{workflow.id}/schedules") == []


def move(workflow, order, name):
    return workflow.call("PUT", f"/api/orders/{order}/transition", {"transition": name})


def state_of(workflow, order):
    return workflow.call("GET", f"/api/orders/{order}").json["state"]


def hook_lines(workflow, handler):
    """Return the lines that a hook's handler left in any run."""
    runs = [workflow.run(run["id"]) for run in workflow.runs()]
    lines = [line["message"] for run in runs for step in run["steps"] for line in step["logs"]]
    return [line for line in lines if handler in line]


def test_state_machine_takes_an_order_from_new_to_delivered(pair):
    def scenario(workflow):
        created = workflow.call("POST", "/api/orders", {"id": "17", "total": 5})
        assert (created.status, created.json["state"]) == (201, "new")
        assert move(workflow, "17", "submit_order").json["state"] == "validating"
        assert hook_lines(workflow, "order-validation-handler")
        for name, state in (("validation_passed", "validated"), ("process_payment", "payment_pending")):
            assert move(workflow, "17", name).json["state"] == state
        assert move(workflow, "17", "payment_succeeded").status == 200
        eventually(lambda: state_of(workflow, "17") == "fulfillment_pending", "the automatic transition")
        assert move(workflow, "17", "ship").json["state"] == "shipped"
        assert move(workflow, "17", "deliver").json["state"] == "delivered"
        instance = workflow.instance("order-17")
        assert (instance["state"], instance["completed"]) == ("delivered", True)
        refused = move(workflow, "17", "refund_shipped")
        assert (refused.status, "delivered" in refused.json["error"]) == (400, True)

    for_each(pair("state-machine-workflow"), scenario)


@pytest.mark.parametrize("name", ["deliver", "no_such_transition", ""])
def test_state_machine_refuses_a_transition_that_does_not_fit(pair, name):
    for workflow in pair("state-machine-workflow"):
        workflow.call("POST", "/api/orders", {"id": "18"})
        assert move(workflow, "18", name).status == 400
        assert state_of(workflow, "18") == "new"


def test_state_machine_s_orders_are_known_to_their_tenant_only(pair):
    first, second = pair("state-machine-workflow")
    first.call("POST", "/api/orders", {"id": "20"})
    assert second.call("GET", "/api/orders/20").status == 404
    assert second.call("GET", "/api/orders").json == []
    assert move(second, "20", "cancel").status == 404
    refused = second.tenant.call(
        "POST", f"instances/{first.instance('order-20')['id']}/transitions", {"transition": "cancel"}
    )
    assert refused.status == 404
    assert state_of(first, "20") == "new"


# --- events ---------------------------------------------------------------------------------------------------------


def matched(workflow, pattern):
    """Return the ended runs of the handlers of a pattern."""
    runs = workflow.runs(source="event", state="done,failed")
    return [run for run in runs if run["action"].partition(" -> ")[0] == pattern]


def judged(workflow, count):
    """Wait until so many events have been judged."""

    def look():
        done = workflow.runs(source="message", state="done")
        return len([run for run in done if run["section"] == "event"]) >= count

    eventually(look, f"{count} judged events")


@pytest.mark.spec("CAT-1", "D21")
def test_three_failed_logins_of_a_session_alert_once(pair):
    def scenario(workflow):
        for user in ("u-1", "u-2", "u-3", "u-4"):
            workflow.publish("user.login.failed", {"sessionId": "s-1", "userId": user})
        workflow.publish("user.login.failed", {"sessionId": "s-2", "userId": "u-1"})
        judged(workflow, 5)
        (run,) = eventually(lambda: matched(workflow, "login-brute-force"), "the alert")
        told = workflow.run(run["id"])
        assert (run["action"], told["state"]) == ("login-brute-force -> security-alert-handler", "done")
        assert (told["input"]["eventsCount"], told["input"]["correlationId"]) == (3, "s-1")
        assert "security-alert-handler" in told["steps"][0]["logs"][0]["message"]

    for_each(pair("event-driven-workflow"), scenario)


@pytest.mark.spec("CAT-1", "D21")
def test_errors_in_their_order_are_a_fault_and_in_another_order_are_none(pair):
    def scenario(workflow):
        for trace, order in (("t-1", ("db", "api", "auth")), ("t-2", ("auth", "api", "db"))):
            for part in order:
                workflow.publish(f"system.error.{part}", {"traceId": trace, "serviceId": part})
        judged(workflow, 6)
        (run,) = eventually(lambda: matched(workflow, "critical-system-fault"), "the fault")
        assert run["action"] == "critical-system-fault -> system-fault-handler"
        assert workflow.run(run["id"])["input"]["correlationId"] == "t-1"

    for_each(pair("event-driven-workflow"), scenario)


@pytest.fixture
def token(tenants):
    """Give both tenants the secret of the warehouse."""
    for tenant in tenants:
        for environment in ("prod", "dev"):
            set_ = tenant.call("PUT", f"environments/{environment}/secrets/WAREHOUSE_API_TOKEN", {"value": "w-7"})
            assert set_.status == 204


@pytest.mark.spec("CAT-1", "D1", "D3")
def test_a_validated_order_is_picked(pair, token):
    def scenario(workflow):
        workflow.publish("order.validated", {"type": "order.other", "orderId": "o-0"})
        workflow.publish("order.validated", {"type": "order.validated", "orderId": "o-1"})
        instance = eventually(lambda: workflow.instance("o-1"), "the fulfillment")
        assert (instance["machine"], instance["state"]) == ("fulfillment-lifecycle", "picking")
        assert workflow.instance("o-0") is None
        assert workflow.transition(instance, "fail_picking").json["state"] == "failed"
        eventually(lambda: workflow.handled("fulfillment-handler"), "the handler takes the order in too")

    for_each(pair("workflow-b-fulfillment"), scenario)


@pytest.mark.spec("CAT-1", "D1", "D3")
def test_events_and_routes_submit_and_complete_the_order_that_they_name(pair):
    def scenario(workflow):
        for event, state in (("order.created", "processing"), ("order.payment_received", "completed")):
            workflow.publish("order-events", {"type": "order.unknown", "orderId": "1"})
            workflow.publish("order-events", {"type": event, "orderId": "1"})
            eventually(lambda wanted=state: (workflow.instance("1") or {}).get("state") == wanted, state)
        assert workflow.instance("1")["completed"] is True
        for path, state in (("/submit?id=7", "processing"), ("/7/complete", "completed")):
            assert workflow.call("POST", f"/api/workflows/orders{path}").status == 202
            eventually(lambda wanted=state: (workflow.instance("7") or {}).get("state") == wanted, state)
        assert len(workflow.instances()) == 2
        listed = workflow.tenant.items(f"workflows/{workflow.id}/schedules")
        assert {each["timetable"] for each in listed} == {"0 * * * *", "0 0 * * *"}

    for_each(pair("trigger-workflow-example"), scenario)
