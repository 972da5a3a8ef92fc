"""Secrets in config texts that are settled when a document is compiled: filled in once, told without values."""

import time

import orjson
import pytest

from apps.engine.check import CheckOptions, check, examine
from apps.engine.checks.early_texts import MOST_FILLED_IN
from apps.engine.compile import compile_document
from apps.engine.document import load
from apps.engine.findings import DocumentRefused, SecretsRefused
from apps.engine.secret_values import SecretValues
from apps.modules.queries import registry
from tests.unit.engine.checking import registry as small

pytestmark = pytest.mark.spec("CAT-B2.15")

REGISTRY = registry()
SERVER = """\
modules:
- {name: server, type: httpserver.modular, config: {host: "${HOST}", port: "${PORT}"}}
- {name: answer, type: http.handler, config: {status: secret://answer.status, contentType: "text/${KIND}"}}
"""
GOOD = {"HOST": "10.0.0.7", "PORT": "8443", "ANSWER_STATUS": "201", "KIND": "plain"}


def with_values(values):
    return CheckOptions(values=SecretValues(values))


def compiled(text, values):
    return compile_document(load(text).document, REGISTRY, with_values(values))


def told(text, values=None, **options):
    found = check(
        load(text).document, REGISTRY, CheckOptions(values=None if values is None else SecretValues(values), **options)
    )
    return [(each.code, each.path, each.line, each.column, each.message) for each in found]


def handler(text):
    """The text that a document's only config value becomes, with A and B set."""
    document = {"modules": [{"name": "a", "type": "http.handler", "config": {"body": text}}]}
    return (
        compiled(orjson.dumps(document).decode(), {"A": "one", "B": "${A} $${A} secret://a"}).modules["a"].config.body
    )


def test_addresses_numbers_and_texts_take_the_values_in_every_spelling():
    application = compiled(SERVER, GOOD)
    server, answer = application.modules["server"].config, application.modules["answer"].config
    assert (server.host, server.port) == ("10.0.0.7", 8443)
    assert (answer.status, answer.content_type) == (201, "text/plain")


@pytest.mark.parametrize(
    ("written", "becomes"),
    [
        ("${A}", "one"),
        ("secret://a", "one"),
        ("secret://tenant/a#latest", "one"),
        ("<${A}-${A}>", "<one-one>"),
        ("${B}", "${A} $${A} secret://a"),
        ("${A}${B}", "one${A} $${A} secret://a"),
        ("$${A}", "$${A}"),
        ("${A} $${A} ${data.x}", "one $${A} ${data.x}"),
        ("${data.x}", "${data.x}"),
        ("$A", "$A"),
        ("see secret://a", "see secret://a"),
    ],
)
def test_only_secrets_are_filled_in_and_values_never_looked_into(written, becomes):
    assert handler(written) == becomes


def test_texts_deep_in_lists_and_maps_are_filled_in_and_the_rest_stays():
    deep = [{"a": ["${A}", 1, {"b": "secret://a"}]}, None]
    assert handler(deep) == [{"a": ["one", 1, {"b": "one"}]}, None]


def test_settings_of_framework_modules_and_connectors_take_them_too():
    text = """\
httpserver: {port: "${PORT}"}
modules:
- {name: server, type: httpserver.modular}
- {name: hub, type: integration.registry}
workflows:
  integration:
    registry: hub
    connectors: [{name: hooks, type: webhook, config: {path: "/in/${KIND}"}}]
"""
    application = compiled(text, {"PORT": "8081", "KIND": "orders"})
    assert application.modules["server"].config.port == 8081
    assert "POST /in/orders" in [route.name for route in application.routes.routes]


def test_the_document_of_an_application_stays_as_it_is_written():
    document = load(SERVER).document
    application = compile_document(document, REGISTRY, with_values(GOOD))
    assert application.document is document
    assert (document.data["modules"][0]["config"]["port"], application.sha256) == ("${PORT}", document.sha256)
    assert application.settled.data["modules"][0]["config"]["port"] == "8443"
    assert application.settled.text == SERVER


def test_without_values_nothing_is_said_of_what_is_not_known_and_everything_of_the_rest():
    assert told(SERVER) == []
    text = SERVER.replace('port: "${PORT}"', 'port: "${PORT}", readTimeout: never, pport: 1')
    assert [(code, path) for code, path, *_ in told(text)] == [
        ("config.invalid", "modules[0].config.readTimeout"),
        ("key.unknown", "modules[0].config.pport"),
    ]


def test_one_that_is_not_set_is_told_at_its_key():
    assert told(SERVER, secrets=frozenset({"HOST", "KIND", "ANSWER_STATUS"})) == [
        ("secret.missing", "modules[0].config.port", 2, 77, "The secret PORT is not set in this environment.")
    ]
    with pytest.raises(SecretsRefused) as refused:
        compiled(SERVER, {"HOST": "a", "KIND": "plain", "ANSWER_STATUS": "200"})
    assert [(each.code, each.path, each.column) for each in refused.value.findings] == [
        ("secret.missing", "modules[0].config.port", 77)
    ]
    assert refused.value.references == {"HOST", "PORT", "KIND", "ANSWER_STATUS"}


@pytest.mark.parametrize("value", ["abc", "99999", "-1", "1", "a", "${PORT}", "8o80-quite-secret"])
def test_a_value_that_does_not_fit_is_told_at_its_key_and_not_shown(value):
    found = told(SERVER, GOOD | {"ANSWER_STATUS": value})
    assert found == [
        (
            "config.invalid",
            "modules[1].config.status",
            3,
            47,
            "With the secrets of the config filled in, a config value has the wrong type or range; "
            "their values are not shown.",
        )
    ]
    with pytest.raises(SecretsRefused) as refused:
        compiled(SERVER, GOOD | {"ANSWER_STATUS": value})
    assert [each.message for each in refused.value.findings] == [found[0][-1]]


def test_what_a_module_says_of_a_value_is_not_shown():
    routed = 'engines: [{name: a, type: memory}], routing: [{topics: [x], engine: "${NAME}"}]'
    text = f"modules: [{{name: bus, type: eventbus.modular, config: {{{routed}}}}}]"
    assert told(text) == []
    [(code, path, *_, message)] = told(text, {"NAME": "hidden-word"})
    assert (code, path) == ("reference.unknown", "modules[0].config.routing[0].engine")
    assert "hidden" not in message


def test_names_that_are_not_known_yet_make_nothing_unknown():
    text = """\
modules:
- {name: server, type: http.server, config: {address: ":80"}}
- {name: router, type: http.router}
- {name: maker, type: dynamic.component, config: {componentId: "${MAKER}"}}
workflows:
  pipelines:
    make: {steps: [{uses: maker-of-things}]}
"""
    assert [code for code, *_ in told(text)] == []


def test_what_cannot_be_filled_in_is_refused_at_its_place():
    text = 'modules: [{name: a, type: http.handler, config: {body: "%s"}}]'
    for written, code in (
        ("secret://vault/x/y", "config.invalid"),
        ("secret://aws/a", "config.invalid"),
        ("${A} and ${", "config.invalid"),
        ("${upper('${A}')}", "secret.misplaced"),
    ):
        assert [each[:2] for each in told(text % written)] == [(code, "modules[0].config.body")], written


def test_what_nothing_reads_need_not_be_set():
    text = 'modules: [{name: r, type: http.router, config: {prefix: "${A}", x-note: "${B}"}}]'
    assert [code for code, *_ in told(text, secrets=frozenset("B"))] == ["key.ignored"]
    assert compiled(text, {"B": "b"}).settled.filled_at == frozenset()


def test_a_value_that_is_named_often_does_not_make_a_huge_document():
    times = 100
    config = {"body": ["${A}" * 10 for _ in range(times)]}
    text = orjson.dumps({"modules": [{"name": "a", "type": "http.handler", "config": config}]}).decode()
    assert told(text, {"A": "x" * (MOST_FILLED_IN // (times * 10))}) == []
    [(code, path, *_)] = told(text, {"A": "x" * (MOST_FILLED_IN // (times * 10) + 1)})
    assert (code, path) == ("config.invalid", "modules[0].config.body[0]")
    with pytest.raises(DocumentRefused):
        compiled(text, {"A": "x" * MOST_FILLED_IN})


def test_filling_in_costs_in_proportion_to_the_document():
    def seconds(count):
        config = {"body": {"list": ["${A}"] * count, **{f"k{index}": {"a": "${A}"} for index in range(count)}}}
        document = load(orjson.dumps({"modules": [{"name": "a", "type": "http.handler", "config": config}]})).document
        began = time.process_time()
        examine(document, small(), with_values({"A": "b"}))
        return time.process_time() - began

    seconds(100)
    assert seconds(8_000) < 40 * max(seconds(1_000), 0.01)


def test_values_are_found_by_themselves_alone_and_never_printed():
    first, second = SecretValues({"A": "hidden", "B": "2"}), SecretValues({"B": "2", "A": "hidden"})
    assert first == second
    assert hash(first) == hash(second)
    assert first != SecretValues({"A": "hidden", "B": "3"})
    assert first != SecretValues({"A": "2", "B": "hidden"})
    assert repr(first) == "SecretValues(A, B)"
    assert first.hidden_in("/hidden/2/x") == "/[redacted]/[redacted]/x"
