"""The documents that the reference system can run behave under `wfctl run` as spec/modules.md 12.1 says."""

import pytest

from tests.support.waiting import wait_for
from tests.support.wfctl import Serving

pytestmark = pytest.mark.spec("SPINE-3", "SPINE-3.2")


@pytest.fixture
def serve(document):
    """Serve a document by its stem until the test ends."""
    running = []

    def start(stem):
        served = Serving(document(stem), "--no-reload").__enter__()
        running.append(served)
        return served

    yield start
    for served in running:
        assert served.stop() == 0


@pytest.fixture(scope="module")
def simple(folder):
    """Serve the document that keeps nothing, once for all of its tests."""
    with Serving(folder / "simple-workflow-config.yaml", "--no-reload") as served:
        yield served


@pytest.fixture(scope="module")
def api_server(folder):
    """Serve the other document that keeps nothing."""
    with Serving(folder / "api-server-config.yaml", "--no-reload") as served:
        yield served


@pytest.fixture(scope="module")
def branching(folder):
    """Serve the document with branch nodes, which keeps nothing either."""
    with Serving(folder / "workflow-a-orders-with-branching.yaml", "--no-reload") as served:
        yield served


def handled(served, handler):
    """Return the ended deliveries to a message handler."""
    return [run for run in served.runs(source="message", workflow=handler) if run["status"] == "done"]


@pytest.mark.parametrize(("path", "handler"), [("/api/users", "userService"), ("/health", "healthService")])
def test_simple_workflow_answers_with_the_handler_s_name(simple, path, handler):
    reply = simple.call("GET", path)
    assert (reply.status, reply.json["handler"]) == (200, handler)
    assert set(reply.json) == {"handler", "status", "message"}


def test_simple_workflow_records_a_published_message(simple):
    simple.publish("user-events", {"user": 7})
    (run,) = wait_for(lambda: handled(simple, "notificationService"), what="the notification")
    assert run["input"] == {"user": 7}
    assert run["steps"][0]["logs"]


@pytest.mark.parametrize(
    ("method", "path", "handler"),
    [
        ("GET", "/api/users", "users-handler"),
        ("POST", "/api/users", "users-handler"),
        ("GET", "/api/products", "products-handler"),
        ("POST", "/api/products", "products-handler"),
        ("GET", "/health", "health-handler"),
    ],
)
def test_api_server_answers_its_five_routes(api_server, method, path, handler):
    reply = api_server.call(method, path, {"name": "x"} if method == "POST" else None)
    assert (reply.status, reply.json["handler"]) == (200, handler)


def test_api_server_knows_a_wrong_method_from_an_unknown_path(api_server):
    refused = api_server.call("DELETE", "/api/users")
    assert refused.status == 405
    assert {"GET", "POST"} <= set(refused.headers["allow"].replace(" ", "").split(","))
    assert api_server.call("GET", "/api/nothing").status == 404


def test_data_pipeline_takes_a_post_through_every_stage_once(serve):
    served = serve("data-pipeline-config")
    assert served.call("POST", "/api/data", {"value": 1}).status == 200
    ends = ("db-output", "notification-output")
    wait_for(lambda: all(handled(served, end) for end in ends), what="both outputs")
    topics = [message["topic"] for message in served.get("/_weft/messages")]
    assert topics == ["raw-input", "validated-data", "transformed-data", "processed-data"]
    for handler in ("data-validation", "data-transformation", "data-enrichment", *ends):
        assert len(handled(served, handler)) == 1


@pytest.mark.spec("conditional.ifelse")
@pytest.mark.parametrize(
    ("order", "status", "handler"),
    [
        ({"items": []}, 400, "reject-empty"),
        ({"items": ["a"], "total": 0}, 422, "reject-amount"),
        ({"items": ["a"], "total": 100000}, 422, "reject-amount"),
        (None, 400, "reject-empty"),
    ],
)
def test_branching_orders_are_rejected_for_what_they_lack(branching, order, status, handler):
    reply = branching.call("POST", "/api/orders", order)
    assert (reply.status, reply.json["handler"]) == (status, handler)


@pytest.mark.spec("conditional.switch")
@pytest.mark.parametrize("priority", ["express", "standard", "bulk"])
def test_branching_orders_go_to_the_transformer_of_their_priority(branching, priority):
    order = {"items": ["a"], "total": 5, "priority": priority}
    reply = branching.call("POST", "/orders", order)
    assert (reply.status, reply.json) == (200, order)
    ends = [run["steps"][-1]["name"] for run in branching.runs(source="http")]
    assert ends.count(f"{priority}-handler") == 1


def test_order_pipeline_is_driven_to_its_end(serve):
    served = serve("order-processing-pipeline")
    assert served.call("POST", "/api/orders", {"id": "1"}).status == 200
    states = []
    for transition in ("validate_order", "store_order", "send_notification"):
        run = served.start("order-processing", transition, {"id": "1"})
        assert run["status"] == "done", run["error"]
        states += served.instances().values()
    assert states == ["validated", "stored", "notified"]
    (instance,) = served.get("/_weft/instances")
    assert (instance["completed"], instance["error"]) == (True, None)


def test_order_pipeline_s_failure_ends_in_error(serve):
    served = serve("order-processing-pipeline")
    served.start("order-processing", "fail_validation", {"id": "2"})
    (instance,) = served.get("/_weft/instances")
    assert (instance["state"], instance["completed"], bool(instance["error"])) == ("failed", True, True)
    assert served.start("order-processing", "store_order", {"id": "2"})["status"] == "failed"


@pytest.mark.parametrize(("path", "part"), [("/metrics", b"# TYPE"), ("/healthz", b"status")])
def test_order_pipeline_answers_for_its_health_and_metrics(serve, path, part):
    served = serve("order-processing-pipeline")
    served.call("POST", "/api/orders", {"id": "3"})
    reply = served.call("GET", path)
    assert (reply.status, part in reply.body) == (200, True)


def transition(served, order, name):
    return served.call("PUT", f"/api/orders/{order}/transition", {"transition": name})


def test_state_machine_takes_an_order_from_new_to_delivered(serve):
    served = serve("state-machine-workflow")
    created = served.call("POST", "/api/orders", {"id": "17", "total": 5})
    assert (created.status, created.json["state"]) == (201, "new")
    assert transition(served, "17", "submit_order").json["state"] == "validating"
    assert hooked(served, "order-validation-handler")
    for name, state in (
        ("validation_passed", "validated"),
        ("process_payment", "payment_pending"),
    ):
        assert transition(served, "17", name).json["state"] == state
    assert transition(served, "17", "payment_succeeded").status == 200
    wait_for(lambda: state_of(served, "17") == "fulfillment_pending", what="the automatic transition")
    assert transition(served, "17", "ship").json["state"] == "shipped"
    assert transition(served, "17", "deliver").json["state"] == "delivered"
    (instance,) = served.get("/_weft/instances")
    assert (instance["id"], instance["completed"]) == ("order-17", True)


def test_scheduled_jobs_are_listed_and_run_one_at_once(serve):
    served = serve("scheduled-jobs-config")
    for line in (
        "0 0 * * * -> scheduler daily-scheduler:report-generation-job",
        "0 * * * * -> scheduler hourly-scheduler:data-cleanup-job",
        "* * * * * -> scheduler minute-scheduler:health-check-job",
        "* * * * * -> scheduler minute-scheduler:metrics-collection-job",
    ):
        assert served.wait_line(line)
    started = served.call("POST", "/api/jobs/trigger", {"job": "data-cleanup-job"})
    assert started.status == 202

    def done():
        runs = served.call("GET", "/api/jobs/status").json["runs"]
        return [run for run in runs if run["runId"] == started.json["runId"]]

    (run,) = wait_for(done, what="the run among the store's")
    assert (run["job"], run["scheduler"], run["status"]) == ("data-cleanup-job", "hourly-scheduler", "success")
    wait_for(lambda: handled(served, "job-status-store"), what="the store takes the event in")
    assert "job-events" in [message["topic"] for message in served.get("/_weft/messages")]


def hooked(served, handler):
    """Say whether a hook's handler left its line in the log of any run."""
    return any(handler in str(step["logs"]) for run in served.runs() for step in run["steps"] or [])


def state_of(served, order):
    return served.get(f"/api/orders/{order}")["state"]


@pytest.mark.parametrize("name", ["deliver", "no_such_transition", ""])
def test_state_machine_refuses_a_transition_that_does_not_fit(serve, name):
    served = serve("state-machine-workflow")
    served.call("POST", "/api/orders", {"id": "18"})
    assert transition(served, "18", name).status == 400
    assert state_of(served, "18") == "new"


def test_state_machine_s_final_state_is_final(serve):
    served = serve("state-machine-workflow")
    served.call("POST", "/api/orders", {"id": "19"})
    assert transition(served, "19", "cancel").json["state"] == "cancelled"
    assert transition(served, "19", "submit_order").status == 400
    assert transition(served, "no-such-order", "cancel").status == 404


@pytest.mark.spec("CAT-1", "D21")
def test_events_fulfil_patterns_once_and_in_order_only(serve):
    served = serve("event-driven-workflow")
    for number in range(4):
        served.publish("user.login.failed", {"sessionId": "s", "userId": f"u-{number}"})
    for trace, order in (("t-1", ("db", "api", "auth")), ("t-2", ("auth", "api", "db"))):
        for part in order:
            served.publish(f"system.error.{part}", {"traceId": trace, "serviceId": part})
    wait_for(lambda: len(handled(served, "event-processor")) == 10, what="the events")
    told = wait_for(lambda: ended_matches(served, 2), what="the matches")
    assert sorted(run["action"] for run in told) == [
        "critical-system-fault -> system-fault-handler",
        "login-brute-force -> security-alert-handler",
    ]


def ended_matches(served, count):
    """Return the ended runs of handlers of patterns, once there are so many."""
    found = [run for run in served.runs(source="event") if run["status"] == "done"]
    return found if len(found) >= count else None
