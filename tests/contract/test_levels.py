"""Every module type is ready, and the real counterparts that are promised are met: read from the marks of the tests."""

from functools import cache

import pytest

import apps.modules.catalog
from apps.engine.checks.known import PLACEHOLDERS
from apps.engine.levels import COUNTERPART, NEEDED, OWN, level_of
from apps.engine.registry import discover
from tests.contract import test_catalog
from tests.support.marks import counterparts_by_file, marks_of

pytestmark = pytest.mark.spec("CAT-B1.2")

KINDS = frozenset(module_type.kind for module_type in discover(apps.modules.catalog))

# Which types are tested against what is real, and against what: a promise that grows and does not shrink.
COUNTERPARTS = {
    "auth.jwt": "PyJWT",
    "auth.modular": "PyJWT http.cookiejar oidc-provider-mock",
    "cache.modular": "redis",
    "chimux.router": "http.client",
    "database.modular": "postgres sqlite",
    "database.workflow": "postgres sqlite",
    "event.processor": "postgres",
    "eventbus.modular": "postgres redis",
    "eventlogger.modular": "postgres",
    "health.checker": "postgres",
    "http.proxy": "uvicorn",
    "http.simple_proxy": "uvicorn",
    "httpclient.modular": "http.server",
    "httpserver.modular": "http.client",
    "jsonschema.modular": "JSON-Schema-Test-Suite",
    "messaging.broker": "postgres redis",
    "messaging.broker.eventbus": "postgres",
    "messaging.kafka": "librdkafka-mock-cluster",
    "messaging.nats": "nats-server",
    "metrics.collector": "prometheus_client",
    "notification.slack": "webhook-receiver",
    "observability.otel": "opentelemetry-proto",
    "reverseproxy": "uvicorn",
    "scheduler.cron": "postgres",
    "scheduler.modular": "postgres",
    "storage.s3": "moto_server",
    "webhook.sender": "webhook-receiver",
}


@cache
def shown():
    """Return pairs of kind and what a test bears a mark for; what is marked case by case is read from the cases."""
    marks = [mark for of_file in marks_of("spec", "shows").values() for mark in of_file]
    cases = test_catalog.test_a_type_explains_itself.pytestmark
    marks += [(mark.name, mark.args) for case in cases_of(cases) for mark in case.marks]
    own = {(kind, OWN) for name, arguments in marks if name == "spec" for kind in arguments}
    return own | {(arguments[0], what) for name, arguments in marks if name == "shows" for what in arguments[1:]}


def cases_of(marks):
    """Return the cases of a parametrised test."""
    return next(mark.args[1] for mark in marks if mark.name == "parametrize")


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_type_has_its_test_its_example_a_test_of_failure_and_one_of_its_description(kind):
    assert [what for what in NEEDED["ready"] if (kind, what) not in shown()] == []


def test_no_mark_names_a_type_that_is_not_there():
    named = {arguments[0] for of_file in marks_of("shows", "proven").values() for _, arguments in of_file}
    assert named - KINDS == set()
    assert not KINDS & PLACEHOLDERS


@pytest.mark.spec("CAT-B1.8")
def test_every_promised_counterpart_has_a_test_and_every_test_of_one_is_promised():
    met = {pair for pairs in counterparts_by_file().values() for pair in pairs}
    assert met == {(kind, each) for kind, named in COUNTERPARTS.items() for each in named.split()}


@pytest.mark.parametrize("kind", sorted(COUNTERPARTS))
def test_a_type_whose_tests_all_pass_is_proven_where_that_is_promised_and_ready_elsewhere(kind):
    evidence = {what for each, what in shown() if each == kind}
    assert level_of(evidence).name == "ready"
    assert level_of({*evidence, COUNTERPART}).name == "proven"


def test_a_file_of_tests_tells_its_counterparts_without_being_run(tmp_path):
    (tmp_path / "test_planted.py").write_text(
        "import pytest\nserver = pytest.importorskip('no_such_server')\n"
        "pytestmark = pytest.mark.proven('messaging.planted', 'planted-server')\n"
        "@pytest.mark.proven(KIND, 'not literal')\ndef test_it(): ...\n"
    )
    (tmp_path / "test_other.py").write_text("@pytest.mark.spec('a.b')\ndef test_it(): ...\n")
    found = counterparts_by_file(tmp_path)
    assert list(found.values()) == [[("messaging.planted", "planted-server")]]
    assert list(found) == [f"{tmp_path.name}/test_planted.py"]
