"""`wfctl run` of several documents with links between them, as a user meets it: one process, driven from outside."""

import shutil
from pathlib import Path

import pytest

from tests.support.shop import SHOP, bank_and_carrier
from tests.support.waiting import wait_for
from tests.support.wfctl import Serving, wfctl

pytestmark = pytest.mark.spec("CAT-B2", "CAT-B2.8", "SPINE-B9")

SOURCE = """\
name: the-desk
modules:
  - {name: server, type: http.server, config: {address: ":0"}}
  - {name: router, type: http.router}
  - {name: bus, type: messaging.broker}
workflows:
  http:
    routes:
      - {method: POST, path: /say, handler: say}
  pipelines:
    say:
      steps:
        - {name: validated, emit: order.validated, payload: "${data}", key: "${data.id}"}
        - {name: other, emit: stock.low, payload: "${data}"}
        - {name: answer, respond: {status: 202, body: {said: true}}}
"""
TARGET = """\
modules:
  - {name: bus, type: messaging.broker}
workflows:
  messaging:
    subscriptions:
      - {topic: incoming.order, handler: take}
      - {topic: order.validated, handler: note}
  pipelines:
    take:
      steps:
        - {name: taken, set: {taken: true}}
    note:
      steps:
        - {name: noted, set: {noted: true}}
"""
ORDER = {"id": "o-1", "total": 3}
WANTED = {"sku": "bowl", "quantity": 2, "customer": "Ada", "destination": "Oslo", "card": "tok-good"}
PARTS = ("orders", "catalogue", "shipping", "notices", "page")


@pytest.fixture
def files(tmp_path):
    """Return two documents and a function that writes links between them."""
    source, target, links = (tmp_path / name for name in ("desk.yaml", "store.yaml", "links.yaml"))
    source.write_text(SOURCE)
    target.write_text(TARGET)

    def linked(*entries):
        links.write_text("links:\n" + "".join(f"  - {entry}\n" for entry in entries))
        return source, target, "--links", links

    return linked


def link(kind, pattern, action="", *, source="the-desk", target="store"):
    said = f"source: {source}, target: {target}, link_type: {kind}, event_pattern: '{pattern}'"
    return "{" + said + (f", target_action: '{action}'" if action else "") + "}"


def done(served, **where):
    """Return (action, workflow, input) of the runs that have ended well, oldest first."""
    return [(run["action"], run["workflow"], run["input"]) for run in served.runs(status="done", **where)]


def told(served):
    return [message["topic"] for message in served.get("/_weft/messages")]


def test_the_shop_takes_orders_to_their_ends_in_one_process(tmp_path):
    with bank_and_carrier() as partners:
        files = [Path(shutil.copy(SHOP / f"{name}.yaml", tmp_path)) for name in PARTS]  # its database is kept beside
        with Serving(*files, "--links", SHOP / "links.yaml", **partners.secrets) as shop:
            catalogue, notices = shop.at("catalogue"), shop.at("notices")
            assert shop.at("page").call("GET", "/").status == 200
            goods = {"sku": "bowl", "name": "Blue bowl", "picture": "bowl", "price": 1250, "stock": 5}
            assert catalogue.start("pipelines", "shelve", goods)["status"] == "done"
            for destination, end in (("Oslo", "shipped"), ("Atlantis", "refunded")):
                order = shop.call("POST", "/orders", {**WANTED, "destination": destination}).json["id"]
                wait_for(lambda key=order, at=end: shop.get(f"/orders/{key}")["state"] == at, timeout=30, what=end)
                wait_for(lambda key=order, at=end: at in notices_of(notices, key), what=f"the notice of {end}")
                assert len(partners.taken("payments", order)) == 1
                assert len(partners.taken("refunds", order)) == (end == "refunded")
            wait_for(lambda: catalogue.get("/products")["products"][0]["remaining"] == 3, what="two bowls are back")
            shop.wait_line("catalogue link hold done")


def notices_of(served, order):
    return [notice["id"] for notice in served.get(f"/orders/{order}/notices")["notices"]]


@pytest.mark.parametrize("pattern", ["order.validated", "order.*", "order.**"])
def test_an_event_that_matches_starts_a_run_at_the_target_and_others_do_not(files, pattern):
    with Serving(*files(link("event_trigger", pattern, "take:go"))) as served:
        assert served.call("POST", "/say", ORDER).status == 202
        store = served.at("store")
        wait_for(lambda: done(store, source="link"), what="the linked run")
        wait_for(lambda: done(store, source="message"), what="the neighbour's own subscription")
        told_with = {"source_workflow_id": "desk", "event_type": "order.validated", "event_data": ORDER}
        assert done(store, source="link") == [("go", "take", ORDER | told_with)]
        assert done(store, source="message") == [("order.validated", "note", ORDER)]
        assert served.line(f"desk {pattern} -> store (event_trigger take:go)")


def test_a_forward_is_published_at_the_target_and_under_its_own_topic_nobody_hears_it_twice(files):
    links = [link("event_forward", "order.*", "incoming.order"), link("event_forward", "order.validated")]
    with Serving(*files(*links)) as served:
        served.call("POST", "/say", ORDER)
        store = served.at("store")
        wait_for(lambda: len(told(store)) == 2 and done(store, workflow="take"), what="both forwards")
        assert sorted(told(store)) == ["incoming.order", "order.validated"]
        assert done(store, source="message", workflow="note") == [("order.validated", "note", ORDER)]
        assert done(store, source="message", workflow="take") == [("incoming.order", "take", ORDER)]
        assert served.runs(source="message") == []


def test_what_goes_round_comes_to_an_end_and_says_so(files):
    ring = [
        link("event_forward", "order.*", "order.back"),
        link("event_forward", "order.back", "order.again", source="store", target="desk"),
    ]
    with Serving(*files(*ring)) as served:
        assert "desk -> store -> desk" in served.wait_line("warning", "links[0]")
        served.call("POST", "/say", ORDER)
        served.wait_line("store message order.again", "failed", "link.loop")
        assert told(served.at("store")) == ["order.back"]
        assert told(served) == ["order.validated", "stock.low", "order.again"]


def test_saved_links_hold_at_once_and_wrong_ones_do_not(files):
    given = files(link("event_trigger", "stock.*", "take"))
    with Serving(*given) as served:
        store, links = served.at("store"), given[-1]
        links.write_text(links.read_text().replace("target: store", "target: shop"))
        served.wait_line("not reloaded")
        assert "desk, store" in served.line("link.workflow.unknown")
        links.write_text(links.read_text().replace("target: shop", "target: store").replace("stock.*", "order.*"))
        served.wait_line("reloaded", "links.yaml")
        served.call("POST", "/say", ORDER)
        wait_for(lambda: done(store, source="link"), what="the linked run")
        assert [run[2]["event_type"] for run in done(store, source="link")] == ["order.validated"]


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (link("event_trigger", "a", target="nowhere"), "link.workflow.unknown"),
        (link("event_trigger", "a", target="desk.yaml"), "link.self"),
        ("{source: desk, target: store}", "link.required"),
        ("[not, a, link]", "links.shape"),
    ],
)
def test_links_that_cannot_be_used_are_shown_with_their_place_and_nothing_is_served(files, entry, code):
    ended = wfctl("run", *files(entry))
    assert (ended.code, f"[{code}]" in ended.out, "links.yaml:2:" in ended.out) == (1, True, True)
    assert "links.yaml cannot be used" in ended.err
    assert "serving" not in ended.out


def test_every_document_that_cannot_run_is_named(files):
    source, target, *_ = files(link("event_trigger", "a"))
    for file in (source, target):
        file.write_text("modules: [")
    ended = wfctl("run", source, target)
    assert (ended.code, "desk.yaml and " in ended.err, "store.yaml cannot" in ended.err) == (1, True, True)


def test_a_call_that_does_not_fit_together_is_refused_as_one(files):
    source, target, _, links = files(link("event_trigger", "a"))
    for said, arguments in (
        ("named twice", (source, source)),
        ("2 documents and 3 addresses", (source, target, *("--address", ":1") * 3)),
        ("nowhere.yaml", (source, target, "--links", links.with_name("nowhere.yaml"))),
    ):
        ended = wfctl("run", *arguments)
        assert (ended.code, said in ended.err, ended.out) == (2, True, "")


def test_two_documents_on_one_port_are_refused_and_each_may_be_given_its_own(files):
    source, target, *links = files(link("event_trigger", "order.*", "take"))
    with Serving(source, target, *links, "--address", "127.0.0.1:0", address="127.0.0.1:0") as served:
        port = served.url.rpartition(":")[2]
        assert served.at("store").url != served.url
        ended = wfctl("run", source, target, "--address", f":{port}", "--address", f":{port}")
        assert (ended.code, port in ended.err, "--address" in ended.err) == (1, True, True)
