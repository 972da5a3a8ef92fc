"""Findings about the `integration` section stand where the fault is."""

import pytest

from apps.engine.check import CheckOptions, check
from apps.engine.document import load
from apps.modules.queries import registry

pytestmark = pytest.mark.spec("integration.registry", "CAT-B2")

HEAD = """modules:
  - {name: hub, type: integration.registry}
  - {name: broker, type: messaging.broker}
  - {name: inbox, type: messaging.handler, config: {topic: "implied.*"}}
workflows:
  messaging: {subscriptions: [{topic: done, handler: inbox}]}
  integration:
"""
GOOD = """    registry: hub
    connectors:
      - {name: crm, type: http, config: {baseURL: "https://crm.example"}}
"""


def told(section, **options):
    document = load(HEAD + section).document
    return [(found.code, found.path.removeprefix("workflows.integration"), found.line)
            for found in check(document, registry(), CheckOptions(**options))]  # fmt: skip


def of_step(step):
    return told(f"{GOOD}    steps:\n      - {{name: a, connector: crm, {step}}}\n")


def of_connector(connector):
    return told(f"    registry: hub\n    connectors:\n      - {{name: a, {connector}}}\n")


def test_a_good_section_has_no_findings():
    assert told(GOOD) == []
    assert of_step("action: get /x, onSuccess: done, onError: inbox, retryCount: 3, retryDelay: 1m") == []
    assert of_step("action: GET /x, onSuccess: implied.topic") == []


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ("    {}\n", [("section.required", ".connectors", 7), ("section.required", ".registry", 7)]),
        ("    registry: hub\n    connectors: []\n", [("section.invalid", ".connectors", 9)]),
        ("    registry: hub\n    connectors: [5]\n", [("section.invalid", ".connectors[0]", 9)]),
        ("    registry: hub\n    connectors: {}\n", [("section.invalid", ".connectors", 9)]),
        (GOOD.replace("hub", "hob"), [("reference.unknown", ".registry", 8)]),
        (GOOD.replace("hub", "inbox"), [("reference.unsuitable", ".registry", 8)]),
        (GOOD + "    rubbish: 1\n", [("key.unknown", ".rubbish", 11)]),
        (GOOD + "    steps: {}\n", [("section.invalid", ".steps", 11)]),
        (GOOD + "    steps: [5]\n", [("section.invalid", ".steps[0]", 11)]),
    ],
)
def test_a_section_of_the_wrong_shape(section, expected):
    assert sorted(told(section)) == sorted(expected)


@pytest.mark.parametrize(
    ("connector", "expected"),
    [
        ("type: ftp", [("section.invalid", ".connectors[0].type")]),
        ("type: http", [("section.required", ".connectors[0].config.baseURL")]),
        ('type: http, config: {baseURL: ""}', [("section.required", ".connectors[0].config.baseURL")]),
        ("type: http, config: {baseURL: nowhere}", [("section.invalid", ".connectors[0].config.baseURL")]),
        (
            'type: api, config: {baseURL: "https://a.example", authType: bearer}',
            [("section.required", ".connectors[0].config.token")],
        ),
        (
            'type: api, config: {baseURL: "https://a.example", authType: BASIC, username: a}',
            [("section.required", ".connectors[0].config.password")],
        ),
        (
            'type: rest, config: {baseURL: "https://a.example", authType: magic, timeoutSecond: 1}',
            [
                ("key.unknown", ".connectors[0].config.timeoutSecond"),
                ("section.invalid", ".connectors[0].config.authType"),
            ],
        ),
        (
            'type: rest, config: {baseURL: "https://a.example", timeoutSeconds: soon, headers: {A: "${"}}',
            [
                ("section.invalid", ".connectors[0].config.headers.A"),
                ("section.invalid", ".connectors[0].config.timeoutSeconds"),
            ],
        ),
        ("type: webhook", [("section.required", ".connectors[0].config.path")]),
        ('type: webhook, config: {path: "/a/{b}"}', [("section.invalid", ".connectors[0].config.path")]),
        ("type: webhook, config: {path: a, port: 8081.0}", [("key.ignored", ".connectors[0].config.port")]),
        (
            "type: webhook, config: {path: a, handlers: {x: nobody, y: done}}",
            [("integration.target.unknown", ".connectors[0].config.handlers.x")],
        ),
        ("type: database, config: {driver: sqlite}", [("section.required", ".connectors[0].config.dsn")]),
        ("type: database, config: {driver: oracle, dsn: x}", [("section.invalid", ".connectors[0].config.driver")]),
        ("type: database, config: 5", [("section.invalid", ".connectors[0].config")]),
    ],
)
def test_a_connector_that_is_wrong(connector, expected):
    assert sorted(found[:2] for found in of_connector(connector)) == expected


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("action: look", [("section.invalid", ".action")]),
        ('action: "GET customers"', [("section.invalid", ".action")]),
        ('action: "GET /c/{id}"', [("section.invalid", ".action")]),
        ('action: "GET /c/{id}", input: {id: 1}, transform: "{other: 1}"', [("section.invalid", ".action")]),
        ('action: "GET /c/{id}", input: {other: 1}, transform: "{id: 1}"', []),
        ("action: GET /c, retryCount: 1.5", [("section.invalid", ".retryCount")]),
        ("action: GET /c, retryCount: 101", [("section.invalid", ".retryCount")]),
        ("action: GET /c, retryCount: true", [("section.invalid", ".retryCount")]),
        ("action: GET /c, retryDelay: soon", [("section.invalid", ".retryDelay")]),
        ('action: GET /c, transform: "{a: (1)}"', [("expression.invalid", ".transform")]),
        ('action: GET /c, input: {a: "${1 +}"}', [("expression.invalid", ".input.a")]),
        ("action: GET /c, onError: nobody", [("integration.target.unknown", ".onError")]),
        ("rubbish: 1", [("key.unknown", ".rubbish"), ("section.required", ".action")]),
    ],
)
def test_a_step_that_is_wrong(step, expected):
    assert sorted((code, path.removeprefix(".steps[0]")) for code, path, _ in of_step(step)) == expected


def test_names_are_used_once_and_connectors_exist():
    section = GOOD + "      - {name: crm, type: webhook, config: {path: a}}\n"
    section += "      - {name: more, type: webhook, config: {path: /a}}\n    steps:\n"
    section += "      - {name: a, connector: crn, action: x}\n      - {name: a, connector: more, action: x}\n"
    assert sorted(told(section)) == [
        ("reference.unknown", ".steps[0].connector", 14),
        ("route.duplicate", ".connectors[2].config.path", 12),
        ("section.invalid", ".connectors[1].name", 11),
        ("section.invalid", ".steps[1].name", 15),
    ]


def test_a_webhook_at_the_address_of_a_route_is_never_reached():
    section = """    registry: hub
    connectors: [{name: events, type: webhook, config: {path: "/go"}}]
triggers: {http: {routes: [{method: post, path: /go, workflow: integration, action: x}]}}
"""
    assert told(section) == [("route.duplicate", ".connectors[0].config.path", 9)]


def test_a_transform_is_wrong_at_its_own_line_and_column():
    section = GOOD + "    steps:\n      - name: a\n        connector: crm\n        action: GET /c\n"
    section += '        transform: |\n          {\n            "a": data.x +\n          }\n'
    findings = check(load(HEAD + section).document, registry())
    found = next(each for each in findings if each.code == "expression.invalid")
    assert (found.line, found.column) == (17, 25)


def test_secrets_that_are_not_set_are_said_where_they_stand():
    section = """    registry: hub
    connectors:
      - {name: crm, type: http, config: {baseURL: "https://crm.example", authType: bearer, token: "${CRM_TOKEN}"}}
"""
    assert told(section, secrets=frozenset()) == [("secret.missing", ".connectors[0].config.token", 10)]
    assert told(section, secrets=frozenset({"CRM_TOKEN"})) == []


@pytest.mark.spec("D9")
@pytest.mark.parametrize("value", ["30", "30.0", '"30"'])
def test_numbers_of_connectors_may_be_written_in_three_ways(value):
    numbers = f"timeoutSeconds: {value}, requestsPerMinute: {value}"
    assert of_connector(f'type: http, config: {{baseURL: "https://a.example", {numbers}}}') == []
    assert of_connector(f"type: database, config: {{driver: sqlite, dsn: x, maxOpenConns: {value}}}") == []


def test_triggers_may_name_the_section_its_registry_and_its_name():
    section = GOOD + "    name: orders\n    steps: [{name: a, connector: crm, action: GET /}]\n"
    routes = "".join(
        f"      - {{method: POST, path: /{name}, workflow: {name}, action: go}}\n"
        for name in ("integration", "hub", "orders", "other")
    )
    found = told(f"{section}triggers:\n  http:\n    routes:\n{routes}")
    assert [(code, path) for code, path, _ in found] == [
        ("trigger.workflow.unknown", "triggers.http.routes[3].workflow")
    ]
