"""Every module type that can touch what is outside takes a stand: where tenants are held back, where wfctl is not."""

import ast
import importlib.util
import json
import sys
from pathlib import Path

import pytest

import apps.modules.catalog
from apps.engine.check import CheckOptions, check
from apps.engine.document import load
from apps.engine.registry import discover
from tests.support.checkout import ROOT
from tests.support.outside_reach import places_of, reach_of

pytestmark = pytest.mark.spec("CAT-B1", "CAT-B1.7")

REGISTRY = discover(apps.modules.catalog)
TABLES = load(Path(__file__).with_name("table_keys.yaml").read_text()).document
PRIVATE = "tests/integration/runs/test_private_targets.py::"
HOST = "tests/integration/runs/test_host_places.py::"
LOCAL = "tests/acceptance/wfctl/test_outside.py::"
SENT = f"{PRIVATE}test_every_type_that_sends_is_refused_a_private_target_for_good"
PROXIED = f"{PRIVATE}test_no_proxy_passes_on_to_a_private_backend_and_health_asks_no_private_database"
PUBLISHED = f"{PRIVATE}test_nothing_is_published_to_a_private_broker_and_nobody_listens_to_one"
CONFINED = f"{HOST}test_no_file_socket_or_server_of_the_host_is_used_whatever_the_document_says"
PARTNERS = f"{LOCAL}test_partners_on_this_machine_are_called_with_what_the_environment_says"
BESIDE = f"{LOCAL}test_files_and_databases_are_those_beside_the_document_or_where_it_says"
WRITTEN = f"{LOCAL}test_events_are_written_to_files_and_system_logs_of_this_machine"
SERVERS = f"{LOCAL}test_each_document_has_the_postgres_server_that_it_names_and_no_other"
CACHED = f"{LOCAL}test_each_document_keeps_values_on_the_redis_server_that_it_names"

# What a type can reach, where that is refused or confined for two tenants, and where `wfctl run` does what it says.
REACHES = {
    "api.handler": ("read_file", CONFINED, BESIDE),
    "auth.jwt": ("read_file", CONFINED, BESIDE),
    "auth.modular": (
        "http",
        "tests/integration/runs/test_sign_in.py::"
        "test_a_service_on_a_private_address_is_not_asked_without_the_deployment_s_leave",
        f"{LOCAL}test_people_sign_in_with_a_service_on_this_machine",
    ),
    "cache.modular": ("cache", SENT, CACHED),
    "database.modular": ("databases", SENT, BESIDE, SERVERS),
    "database.workflow": ("databases", SENT, BESIDE, SERVERS),
    "eventlogger.modular": ("log_targets read_file", CONFINED, WRITTEN),
    "http.proxy": ("http", PROXIED, PARTNERS),
    "http.simple_proxy": ("http", PROXIED, PARTNERS),
    "httpclient.modular": ("http", SENT, PARTNERS),
    "integration.registry": ("databases http", SENT, PARTNERS, SERVERS),
    "messaging.kafka": ("secrets wires", PUBLISHED, f"{LOCAL}test_a_cluster_of_this_machine_is_published_to"),
    "messaging.nats": ("wires", PUBLISHED, f"{LOCAL}test_a_stream_of_this_machine_is_published_to"),
    "notification.slack": ("http", SENT, PARTNERS),
    "observability.otel": ("http", f"{PRIVATE}test_no_span_goes_to_a_private_collector", PARTNERS),
    "reverseproxy": ("http", PROXIED, PARTNERS),
    "static.fileserver": ("read_file", CONFINED, BESIDE),
    "storage.s3": ("http", SENT, PARTNERS),
    "webhook.sender": ("http", SENT, PARTNERS),
}
# Types with settings that name places of a host although nothing in them can go there; the test tries it.
NAMES = {
    "dynamic.component": CONFINED,
    "eventbus.modular": CONFINED,
    "http.server": CONFINED,
    "httpserver.modular": CONFINED,
    "job.store": CONFINED,
    "messaging.broker": CONFINED,
    "messaging.broker.eventbus": CONFINED,
    "messaging.handler": CONFINED,
    "scheduler.modular": CONFINED,
    "state.tracker": CONFINED,
}
# Settings that name places inside of the document: routes, fields of its data, its own modules.
INSIDE = {
    "chimux.router": "basepath: a prefix of the document's routes",
    "conditional.ifelse": "targets: nodes of the document",
    "data.transformer": "path: a field of the data",
    "http.handler": "path: an address of the document, ignored",
}


def undecided(types):
    """Return what has still to be said of types: a stand that is missing, and one that is not true of its type."""
    found = []
    for each in types:
        reach, stands = (
            " ".join(sorted(reach_of(each))),
            [table for table in (REACHES, NAMES, INSIDE) if each.kind in table],
        )
        if reach != (REACHES[each.kind][0] if each.kind in REACHES else ""):
            found.append(f"{each.kind} reaches {reach or 'nothing'}")
        elif len(stands) != bool(reach or places_of(each)):
            found.append(f"{each.kind} names {', '.join(sorted(places_of(each))) or 'nothing'}")
    return found


def test_every_type_that_reaches_out_or_names_a_place_takes_a_stand_and_no_other_does():
    assert undecided(REGISTRY) == []
    assert {*REACHES, *NAMES, *INSIDE} <= set(REGISTRY.kinds())


@pytest.mark.parametrize("kind", [*REACHES, *NAMES])
def test_the_tests_that_a_stand_names_are_there_marked_and_about_the_type(kind):
    for test in REACHES[kind][1:] if kind in REACHES else (NAMES[kind],):
        path, _, name = test.partition("::")
        text = (ROOT / path).read_text(encoding="utf-8")
        written = {
            node.name: node for node in ast.parse(text).body if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef)
        }
        assert kind in text
        assert "CAT-B1" in text.partition("\n\n\n")[0] + "".join(map(ast.unparse, written[name].decorator_list))


def with_variables(value):
    """Return a setting with every text in it replaced by the name of a variable of the process."""
    if isinstance(value, dict):
        return {key: with_variables(each) for key, each in value.items()}
    if isinstance(value, list):
        return [with_variables(each) for each in value]
    return "${HOST_KEY}" if isinstance(value, str) else value


@pytest.mark.parametrize("entry", TABLES.data["modules"], ids=lambda entry: entry["name"])
def test_no_setting_of_any_type_is_filled_from_the_process_environment(entry, monkeypatch):
    monkeypatch.setenv("HOST_KEY", "of the host")
    written = {**entry, "config": with_variables(entry["config"])}
    document = load(json.dumps({"modules": [written]})).document
    found = check(document, REGISTRY, CheckOptions(secrets=frozenset()))
    assert "of the host" not in str(found)
    assert bool(found) is ("HOST_KEY" in str(written))  # it is not set, or nothing reads it


WEBHOOK = REGISTRY.get("webhook.sender")


def planted(tmp_path, kind, code, keys=()):
    """Return a type of the given kind in a file of its own, with further settings."""
    path = tmp_path / "planted.py"
    path.write_text(code)
    spec = importlib.util.spec_from_file_location("planted", path)
    sys.modules["planted"] = importlib.util.module_from_spec(spec)
    settings = type("Config", (WEBHOOK.Config.__bases__[0],), {"__annotations__": dict.fromkeys(keys, str)})
    return type("Planted", (WEBHOOK,), {"__module__": "planted", "kind": kind, "Config": settings})


@pytest.mark.parametrize(
    ("kind", "code", "keys", "told"),
    [
        ("planted.sender", "async def run(context):\n    await context.unit.http.request()\n", (), "reaches http"),
        ("planted.reader", "def link(links):\n    links.read_file('x')\n", (), "reaches read_file"),
        ("planted.server", "", ("listen_address",), "names listenAddress"),
        ("static.fileserver", "", (), "reaches nothing"),
        ("http.server", "", (), "names nothing"),
        ("http.server", "def run(unit):\n    unit.databases.open()\n", (), "reaches databases"),
    ],
)
def test_a_planted_type_without_a_true_stand_is_told(tmp_path, monkeypatch, kind, code, keys, told):
    monkeypatch.setitem(sys.modules, "planted", None)
    assert undecided([planted(tmp_path, kind, code, keys)]) == [f"{kind} {told}"]
