"""Routes: middlewares, preflights, records, mounted addresses, triggers."""

import pytest

from apps.engine.findings import DocumentRefused
from apps.engine.testing import Bench
from tests.support.small_modules import compiled

MODULES = """
modules:
- {name: server, type: http.server}
- {name: router, type: http.router}
- {name: broker, type: messaging.broker}
- {name: fixed, type: http.handler}
- {name: bad, type: http.handler, config: {status: 400}}
- {name: writes, type: test.async_handler}
- {name: buggy, type: test.buggy}
- {name: a, type: test.marking}
- {name: b, type: test.marking}
- {name: slow, type: test.async_marking}
- {name: cors, type: http.middleware.cors}
"""


def document(routes: str, more: str = "", modules: str = "", http: str = "") -> str:
    listed = "\n".join(f"    - {route}" for route in routes.strip().splitlines())
    return f"""{MODULES}{modules}
workflows:
  http:
    router: router
    server: server
{http}    routes:
{listed}
{more}"""


def bench(routes: str, more: str = "", modules: str = "", http: str = "") -> Bench:
    return Bench(compiled(document(routes, more, modules, http)))


@pytest.mark.spec("SPINE-B4.6", "CAT-B2.1")
async def test_a_handler_gets_the_path_parameters():
    async with bench("{method: get, path: '/orders/{id}', handler: fixed}") as here:
        assert (await here.request("GET", "/orders/7")).json() == {"handler": "fixed", "params": {"id": "7"}}


@pytest.mark.spec("SPINE-B4.6", "CAT-B2.1")
async def test_an_unknown_path_is_404_and_a_wrong_method_405_with_allow():
    async with bench("{method: GET, path: /orders, handler: fixed}") as here:
        assert (await here.request("GET", "/nothing")).status == 404
        wrong = await here.request("DELETE", "/orders")
        assert (wrong.status, wrong.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
        assert wrong.json()["code"] == "route.method"


@pytest.mark.spec("SPINE-B4.6", "CAT-B2.1")
async def test_head_answers_as_get_without_a_body():
    async with bench("{method: GET, path: /orders, handler: fixed}") as here:
        found = await here.request("HEAD", "/orders")
        assert (found.status, found.body) == (200, b"")
        assert int(found.headers["content-length"]) > 0


@pytest.mark.spec("SPINE-B4.6", "SPINE-B5.4")
@pytest.mark.parametrize("listed", ["[a, b]", "[a, slow]"])
async def test_the_first_listed_middleware_is_outermost(listed):
    async with bench(f"{{method: GET, path: /x, handler: fixed, middlewares: {listed}}}") as here:
        second = listed[4:-1]
        found = await here.request("GET", "/x")
        assert found.headers["x-trail"] in (f"a+{second}+{second}-a-", f"a+{second}+{second}-")
        assert found.status == 200


@pytest.mark.spec("SPINE-B5.4")
async def test_a_middleware_that_answers_stops_the_request_and_the_outer_ones_see_the_answer():
    for inner in ("b", "slow"):
        async with bench(f"{{method: GET, path: /x, handler: fixed, middlewares: [a, {inner}]}}") as here:
            found = await here.request("GET", "/x", headers={"x-stop": inner})
            assert (found.status, found.body) == (401, f"stopped by {inner}".encode())
            assert found.headers["x-trail"] == f"a+{inner}+a-"


async def test_a_single_middleware_may_be_written_in_the_singular():
    async with bench("{method: GET, path: /x, handler: fixed, middleware: a}") as here:
        assert (await here.request("GET", "/x")).headers["x-trail"] == "a+a-"


@pytest.mark.spec("SPINE-B5.4")
async def test_failures_become_problems_that_the_middlewares_see():
    route = "{method: GET, path: /x, handler: writes, middlewares: [a]}"
    async with bench(route) as here:
        found = await here.request("GET", "/x?fail=409")
        assert (found.status, found.json()["code"], found.json()["data"]) == (409, "test.failed", {"why": 1})
        assert found.headers["x-trail"] == "a+a-"
        busy = await here.request("GET", "/x?busy=1")
        assert (busy.status, busy.headers["retry-after"]) == (503, "3")


async def test_a_fault_of_ours_in_a_handler_is_a_500():
    async with bench("{method: GET, path: /x, handler: buggy, middlewares: [a]}") as here:
        found = await here.request("GET", "/x")
        assert (found.status, found.json()["requestId"]) == (500, found.headers["x-request-id"])


@pytest.mark.spec("D15", "CAT-B2.1")
async def test_every_path_answers_options_with_what_it_allows():
    async with bench(
        "{method: GET, path: '/x/{id}', handler: fixed}\n{method: POST, path: /x/y, handler: fixed}"
    ) as here:
        found = await here.request("OPTIONS", "/x/5")
        assert (found.status, found.headers["allow"]) == (204, "GET, HEAD, OPTIONS")
        assert (await here.request("OPTIONS", "/x/y")).headers["allow"] == "GET, HEAD, OPTIONS, POST"
        assert here.host.queue.runs("local") == []


@pytest.mark.spec("D15", "CAT-B2.1")
async def test_a_preflight_goes_through_the_cross_origin_rules_and_nothing_else():
    async with bench("{method: GET, path: /x, handler: fixed, middlewares: [a, cors]}") as here:
        found = await here.request("OPTIONS", "/x", headers={"Origin": "https://shop.test"})
        assert (found.status, found.headers["access-control-allow-origin"]) == (200, "https://shop.test")
        assert "x-trail" not in found.headers
        assert (await here.request("OPTIONS", "/x")).status == 204


async def test_a_declared_options_route_is_left_alone():
    async with bench("{method: OPTIONS, path: /x, handler: fixed}") as here:
        assert (await here.request("OPTIONS", "/x")).json()["handler"] == "fixed"


def test_of_two_routes_with_one_shape_the_first_serves_and_the_second_is_warned_of():
    application = compiled(
        document("{method: GET, path: '/x/{a}', handler: fixed}\n{method: GET, path: '/x/:b', handler: bad}")
    )
    assert application.match("GET", "/x/1").route.handler == "fixed"
    assert [finding.code for finding in application.findings] == ["route.duplicate"]


@pytest.mark.spec("SPINE-B5.6")
@pytest.mark.parametrize(("record", "kept"), [("end", 1), ("step", 1), ("none", 0)])
async def test_the_record_of_a_route_says_whether_a_request_leaves_a_row(record, kept):
    async with bench(f"{{method: GET, path: /x, handler: fixed, record: {record}}}") as here:
        await here.request("GET", "/x")
        assert len(here.host.queue.runs("local")) == kept


async def test_the_section_may_set_the_record_for_all_its_routes():
    application = compiled(document("{method: GET, path: /x, handler: fixed}", http="    record: none\n"))
    assert application.match("GET", "/x").route.record == "none"


@pytest.mark.spec("SPINE-B5.6")
@pytest.mark.parametrize("record", ["none", "async"])
def test_a_route_whose_work_leaves_something_behind_keeps_its_record(record):
    with pytest.raises(DocumentRefused) as refusal:
        compiled(document(f"{{method: GET, path: /x, handler: writes, record: {record}}}"))
    assert [finding.code for finding in refusal.value.findings] == ["record.not_pure"]


def test_a_route_knows_whether_it_is_pure():
    application = compiled(
        document("{method: GET, path: /x, handler: fixed}\n{method: GET, path: /y, handler: writes}")
    )
    assert application.match("GET", "/x").route.is_pure
    assert not application.match("GET", "/y").route.is_pure


async def test_modules_serve_the_addresses_they_mount_unless_a_route_does():
    mounted = "- {name: health, type: test.mounted}\n"
    async with bench("{method: GET, path: /x, handler: fixed}", modules=mounted) as here:
        assert (await here.request("GET", "/healthz")).json() == {"status": "healthy"}
        assert here.host.queue.runs("local") == []
    async with bench("{method: GET, path: /healthz, handler: fixed}", modules=mounted) as here:
        assert (await here.request("GET", "/healthz")).json()["handler"] == "fixed"


@pytest.mark.spec("SPINE-B4.6")
async def test_a_body_over_the_limit_is_413():
    async with bench("{method: POST, path: /x, handler: fixed}") as here:
        found = await here.request("POST", "/x", body=b"x" * 1_048_577)
        assert (found.status, found.json()["code"]) == (413, "body.too_large")


@pytest.mark.parametrize(("handler", "code"), [("nothing", "reference.unknown"), ("broker", "reference.unsuitable")])
def test_a_handler_that_cannot_answer_is_refused(handler, code):
    with pytest.raises(DocumentRefused) as refusal:
        compiled(document(f"{{method: GET, path: /x, handler: {handler}}}"))
    assert code in {finding.code for finding in refusal.value.findings}


PRODUCERS = """
  messaging:
    broker: broker
    subscriptions: []
    producers: [{name: HANDLER, forwardTo: [seen, seen-errors]}]
"""


@pytest.mark.spec("SPINE-B4.7")
@pytest.mark.parametrize(
    ("handler", "target", "topic"),
    [
        ("fixed", "/x", "seen"),
        ("bad", "/x", "seen-errors"),
        ("writes", "/x", "seen"),
        ("writes", "/x?fail=400", "seen-errors"),
    ],
)
async def test_what_a_handler_took_in_goes_on_to_its_topics(handler, target, topic):
    route = f"{{method: POST, path: /x, handler: {handler}}}"
    async with bench(route, PRODUCERS.replace("HANDLER", handler)) as here:
        await here.request("POST", target, body={"n": 1})
        messages = here.host.queue.messages("local")
        assert [message["topic"] for message in messages] == [topic]
        assert messages[0]["payload"]["n"] == 1
        assert ("error" in messages[0]["payload"]) is (topic == "seen-errors")


async def test_a_pipeline_passes_on_what_it_answered():
    more = PRODUCERS.replace("HANDLER", "make") + "  pipelines: {make: {steps: [{set: {made: 1}}]}}\n"
    async with bench("{method: POST, path: /x, handler: make}", more) as here:
        await here.request("POST", "/x", body={"n": 1})
        assert here.host.queue.messages("local")[0]["payload"] == {"n": 1, "made": 1}
        assert not here.host.application().match("POST", "/x").route.is_pure


async def test_a_payload_that_is_no_json_goes_on_as_text():
    async with bench("{method: POST, path: /x, handler: fixed}", PRODUCERS.replace("HANDLER", "fixed")) as here:
        await here.request("POST", "/x", body=b"<a/>", headers={"content-type": "text/xml"})
        await here.request("POST", "/x?a=b")
        assert [message["payload"] for message in here.host.queue.messages("local")] == ["<a/>", {"a": "b"}]


TRIGGERS = """
triggers:
  http:
    routes:
    - {path: '/start/{id}', method: POST, workflow: main, action: go, params: {fixed: 1}}
    - {path: /lost, method: POST, workflow: nowhere, action: go}
    - {path: /x, method: POST, workflow: main, action: go}
"""
PIPELINE = "  pipelines: {main: {steps: [{set: {done: 1}}]}}\n"


@pytest.mark.spec("D1", "D2", "SPINE-B4.11", "CAT-B2.9")
async def test_a_trigger_route_accepts_a_run_and_says_its_id():
    async with bench("{method: POST, path: /x, handler: fixed}", PIPELINE + TRIGGERS) as here:
        found = await here.request("POST", "/start/7?a=q&b=q", body={"b": "body", "id": "body", "fixed": "body"})
        assert (found.status, found.json()["status"]) == (202, "workflow triggered")
        await here.settle()
        run = next(run for run in here.host.queue.runs("local") if run["source"] == "trigger")
        assert run["id"] == found.json()["runId"] == found.headers["weft-run"]
        assert run["input"] == {"a": "q", "b": "body", "id": "7", "fixed": 1}
        assert (run["status"], run["output"]["done"]) == ("done", 1)


@pytest.mark.spec("SPINE-B4.11", "CAT-B2.9")
async def test_a_trigger_takes_bodies_that_are_no_objects_and_none():
    async with bench("{method: POST, path: /y, handler: fixed}", PIPELINE + TRIGGERS) as here:
        await here.request("POST", "/start/7", body=[1])
        await here.request("POST", "/start/8")
        assert [run["input"] for run in here.host.queue.runs("local") if run["source"] == "trigger"] == [
            {"body": [1], "id": "7", "fixed": 1},
            {"id": "8", "fixed": 1},
        ]


@pytest.mark.spec("D1", "SPINE-B4.11", "CAT-B2.9")
async def test_a_trigger_of_a_workflow_that_does_not_exist_is_404_and_a_failed_run():
    async with bench("{method: POST, path: /y, handler: fixed}", PIPELINE + TRIGGERS) as here:
        found = await here.request("POST", "/lost")
        assert (found.status, found.json()["code"]) == (404, "workflow.unknown")
        (run,) = here.host.queue.runs("local")
        assert (run["source"], run["status"], run["error"]["code"]) == ("http", "failed", "workflow.unknown")


@pytest.mark.spec("D2", "SPINE-B4.11", "CAT-B2.9")
async def test_on_one_method_and_path_the_section_serves_and_nothing_starts_twice():
    async with bench("{method: POST, path: /x, handler: fixed}", PIPELINE + TRIGGERS) as here:
        assert (await here.request("POST", "/x")).json()["handler"] == "fixed"
        assert [run["source"] for run in here.host.queue.runs("local")] == ["http"]


@pytest.mark.spec("SPINE-B4.11", "CAT-B2.9")
async def test_triggers_can_be_switched_off():
    text = document("{method: POST, path: /x, handler: fixed}", PIPELINE + "\ntriggers: {http: {enabled: false}}\n")
    async with Bench(compiled(text)) as here:
        assert (await here.request("POST", "/start/7")).status == 404
