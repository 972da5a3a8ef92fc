"""`wfctl run` as a user meets it: a process that serves a file."""

import json
import socket

import jsonschema_rs
import pytest
import yaml

from tests.support.waiting import wait_for
from tests.support.wfctl import Serving, wfctl

pytestmark = pytest.mark.spec("SPINE-B9", "CAT-4")

DOCUMENT = """\
modules:
  - name: server
    type: http.server
    config: {address: "127.0.0.1:PORT"}
  - name: router
    type: http.router
  - name: broker
    type: messaging.broker
  - name: listener
    type: messaging.handler
workflows:
  http:
    routes:
      - {method: POST, path: /orders, handler: price}
      - {method: GET, path: /version, handler: reveal}
  messaging:
    subscriptions:
      - {topic: order.priced, handler: listener}
  pipelines:
    price:
      steps:
        - set: {total: "${data.qty * 2}"}
        - emit: order.priced
        - respond: {status: 201, body: {total: "${data.total}"}}
    reveal:
      steps:
        - respond: {body: {version: 1}}
"""


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "document.yaml"
    path.write_text(DOCUMENT.replace("PORT", str(free_port())))
    return path


@pytest.mark.spec("SPINE-B9.4")
def test_a_document_is_served_on_the_address_it_names(file):
    """Started afresh, as a user does."""
    with Serving(file, address=None, afresh=True) as served:
        assert served.url in file.read_text().replace('address: "', 'address: "http://')
        assert served.call("POST", "/orders", {"qty": 3}).json == {"total": 6}


def test_requests_and_runs_are_told_line_by_line(file):
    with Serving(file) as served:
        served.call("POST", "/orders", {"qty": 3})
        served.call("GET", "/nowhere")
        served.wait_line("POST /orders", "201", "ms")
        served.wait_line("GET /nowhere", "404")
        served.wait_line("message order.priced -> listener", "done")
        assert "\x1b[" not in served.output


@pytest.mark.spec("SPINE-B9.5")
def test_a_saved_file_is_served_at_once_and_a_broken_one_is_not(file):
    good = file.read_text()
    with Serving(file) as served:
        file.write_text(good.replace("version: 1", "version: 2"))
        served.wait_line("reloaded")
        assert served.get("/version") == {"version": 2}
        file.write_text(good.replace("name: router", "name: server"))
        served.wait_line("not reloaded")
        assert served.line("module.name.duplicate")
        assert served.get("/version") == {"version": 2}
        replacement = file.with_suffix(".new")
        replacement.write_text(good.replace("version: 1", "version: 3"))
        replacement.replace(file)
        wait_for(lambda: served.get("/version") == {"version": 3}, what="the replaced file")


def test_ctrl_c_stops_it_and_leaves_nothing_listening(file):
    with Serving(file) as served:
        port = int(served.url.rpartition(":")[2])
        assert served.stop() == 0
        assert served.line("stopped")
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections that have ended do not count
        free.bind(("127.0.0.1", port))


def test_a_taken_address_is_named(file):
    with Serving(file) as served:
        taken = served.url.removeprefix("http://")
        done = wfctl("run", file, "--address", taken)
        assert (done.code, taken in done.err, "--address" in done.err) == (1, True, True)


@pytest.mark.parametrize(
    ("right", "wrong", "code"),
    [
        ("type: http.router", "type: http.ruoter", "module.type.unknown"),
        ("name: router", "name: server", "module.name.duplicate"),
    ],
)
def test_a_document_that_cannot_run_is_not_served_and_its_findings_are_shown(file, right, wrong, code):
    file.write_text(file.read_text().replace(right, wrong))
    done = wfctl("run", file)
    assert (done.code, code in done.out, "cannot be served" in done.err) == (1, True, True)


def test_placeholders_are_served_when_they_are_allowed(file):
    file.write_text(file.read_text().replace("modules:", "modules:\n  - {name: words, type: core.logger}", 1))
    assert "module.type.placeholder" in wfctl("run", file).out
    assert (wfctl("validate", file).code, wfctl("validate", "--allow-placeholders", file).code) == (3, 0)
    with Serving(file, "--allow-placeholders") as served:
        assert served.call("GET", "/_weft/runs").status == 200


@pytest.mark.parametrize("arguments", [("run",), ("inspect",), ("run", "--address", "nowhere")])
def test_what_cannot_be_used_is_said_in_one_line(tmp_path, arguments):
    done = wfctl(*arguments, tmp_path / "nowhere.yaml")
    assert (done.code, "nowhere" in done.err, "Traceback" in done.err) == (2, True, False)


def test_a_secret_that_the_environment_lacks_is_told_with_its_place(file):
    hook = '  - name: hook\n    type: webhook.sender\n    config: {url: "http://127.0.0.1/${HOOK_PATH}"}\nworkflows:\n'
    file.write_text(file.read_text().replace("workflows:\n", hook))
    with Serving(file) as served:
        assert "modules[4].config.url" in served.wait_line("warning", "HOOK_PATH")
    with Serving(file, HOOK_PATH="orders") as served:
        assert served.get("/version") == {"version": 1}
        assert not served.line("warning")


def test_runs_survive_in_a_store_file(file, tmp_path):
    store = str(tmp_path / "kept.sqlite")
    with Serving(file, "--store", store) as served:
        served.call("POST", "/orders", {"qty": 1})
        served.wait_line("message order.priced")
    with Serving(file, "--store", store) as served:
        assert len(served.runs(source="http")) == 1


def test_the_console_publishes_messages_and_starts_runs(file):
    with Serving(file) as served:
        served.publish("order.priced", {"qty": 9})
        wait_for(lambda: served.runs(source="message", status="done"), what="the delivery")
        run = served.start("price", "", {"qty": 5})
        assert (run["status"], run["input"]) == ("done", {"qty": 5})
        assert served.call("POST", "/_weft/runs", {"workflow": "nothing"}).status == 404
        assert served.call("POST", "/_weft/messages", b"{}", Content_Type="text/plain").status == 415
        assert served.call("POST", "/_weft/messages", {"topic": ""}).status == 422
        assert served.call("GET", "/_weft/elsewhere").status == 404
        assert served.call("GET", "/_weft/runs/not-a-run").status == 404


def test_without_its_console_the_prefix_is_the_document_s(file):
    with Serving(file, "--no-console") as served:
        reply = served.call("GET", "/_weft/runs")
        assert (reply.status, reply.json["code"] != "console.unknown") == (404, True)


@pytest.mark.spec("SPINE-B9.2")
def test_inspect_lists_modules_in_the_order_they_are_built(tmp_path):
    path = tmp_path / "document.yaml"
    path.write_text(
        "modules:\n"
        "  - {name: last, type: http.router, dependsOn: [first]}\n"
        "  - {name: first, type: no.such.type}\n"
        "workflows:\n  http:\n    routes:\n      - {method: GET, path: /a, handler: last}\n"
    )
    found = wfctl("inspect", "--json", path, afresh=True)  # as a user does
    assert [module["name"] for module in found.json["modules"]] == ["first", "last"]
    assert found.json["routes"] == [{"method": "GET", "path": "/a", "handler": "last"}]
    assert found.json["graph"]["nodes"]
    shown = wfctl("inspect", "--deps", path)
    assert (shown.code, "Dependencies" in shown.out) == (0, True)
    path.write_text("modules: [")
    assert wfctl("inspect", path).code == 1


@pytest.mark.spec("SPINE-B9.3")
def test_the_schema_accepts_what_the_checker_accepts_and_refuses_a_wrong_config(file):
    schema = json.loads(wfctl("schema", afresh=True).out)  # as a user does
    document = yaml.safe_load(file.read_text())
    assert list(jsonschema_rs.validator_for(schema).iter_errors(document)) == []
    document["modules"][0]["config"]["port"] = "many"
    assert list(jsonschema_rs.validator_for(schema).iter_errors(document))
    assert "properties" in wfctl("schema", "webhook.sender").json
    assert wfctl("schema", "no.such.type").code == 2


STOCK = """\
modules:
  - {name: server, type: http.server, config: {address: "127.0.0.1:0"}}
  - {name: router, type: http.router}
  - {name: stock, type: dynamic.component, config: {source: components/inventory_checker.go}}
workflows:
  http: {routes: [{method: POST, path: /stock, handler: look}]}
  pipelines:
    look: {steps: [{name: found, uses: stock}, {respond: {body: "${steps.found.available}"}}]}
"""


@pytest.mark.spec("CAT-B1.3")
def test_with_a_seed_components_leave_the_same_to_chance_each_time(tmp_path):
    (tmp_path / "stock.yaml").write_text(STOCK)
    seen = []
    for seed in ("3", "3"):
        with Serving(tmp_path / "stock.yaml", "--no-reload", "--seed", seed) as served:
            seen.append([served.call("POST", "/stock", {"items": [{"sku": "a"}]}).json for _ in range(30)])
    assert seen[0] == seen[1]
    assert set(seen[0]) == {True, False}
