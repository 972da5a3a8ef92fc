"""Every module type is complete: source, test, example, entry; and what documents may say never shrinks."""

import inspect
import sys
from pathlib import Path

import jsonschema_rs
import pytest

import apps.modules.catalog
from apps.engine.catalogue import component_entry
from apps.engine.check import CheckOptions, check
from apps.engine.codes import CODES
from apps.engine.document import load
from apps.engine.registry import BadCatalogue, Registry, discover
from apps.modules.queries import module_type_get, schema_of_documents

ROOT = Path(__file__).parents[2]
REGISTRY = discover(apps.modules.catalog)
TYPES = {module_type.kind: module_type for module_type in REGISTRY}

# One proxy under two names.
PROXY = (
    "backend_configs backend_services cache_enabled cache_ttl circuit_breaker composite_routes default_backend "
    "feature_flags header_rewriting health_check pathRewrite path_rewrite request_timeout require_tenant_id "
    "response_header_config response_headers route_configs routes target tenant_id_header timeout"
)
PROXY_IGNORED = (
    "backend_circuit_breakers debug_endpoints description dry_run error_handling forward_headers metrics_config "
    "metrics_enabled metrics_endpoint metrics_path"
)

# Kinds and config keys are stored in tenants' documents: they may be added, never taken away without an alias.
FROZEN = {
    "api.handler": "fieldMapping health initialTransition instanceIDField instanceIDPrefix onAppend onCreate "
    "resourceName seedFile sourceResourceName stateFilter summaryFields transitionMap workflowEngine workflowType",
    "auth.jwt": "issuer secret seedFile tokenExpiry",
    "auth.modular": "jwt oauth2 password session",
    "cache.modular": "backend connectionMaxAge defaultTTL engine maxItems maxSize provider redisDB redisDb "
    "redisPassword redisURL redisUrl ttl",
    "chimux.router": "allowCredentials allow_credentials allowedHeaders allowedMethods allowedOrigins allowed_headers "
    "allowed_methods allowed_origins basePath base_path basepath cors maxAge max_age timeout",
    "conditional.expression": "expression outputs",
    "conditional.ifelse": "expression falseTarget false_target trueTarget true_target",
    "conditional.switch": "cases expression",
    "data.transformer": "pipeline pipelines",
    "database.modular": "connections default driver dsn",
    "database.workflow": "connectionString driver dsn maxIdleConns maxOpenConns",
    "dynamic.component": "componentId provides requires source",
    "event.processor": "bufferSize cleanupInterval",
    "eventbus.modular": "defaultEventBufferSize deliveryMode engine engines eventTTL eventTtl externalBrokerPassword "
    "externalBrokerURL externalBrokerUrl externalBrokerUser maxEventQueueSize retentionDays routing workerCount",
    "eventlogger.modular": "bufferSize enabled eventTypeBlacklist eventTypeFilters flushInterval format logLevel "
    "outputTargets",
    "health.checker": "",
    "http.handler": "body contentType status",
    "http.middleware.auth": "authType",
    "http.middleware.cors": "allowHeaders allowMethods allowOrigins allowedHeaders allowedMethods allowedOrigins "
    "maxAge",
    "http.middleware.logging": "level logLevel",
    "http.middleware.ratelimit": "burst burstSize requestsPerMinute rps strategy tokenHeader",
    "http.middleware.requestid": "headerName",
    "http.middleware.securityheaders": "contentSecurityPolicy contentTypeOptions frameOptions hstsMaxAge "
    "permissionsPolicy referrerPolicy",
    "http.proxy": PROXY,
    "http.router": "",
    "http.server": "address port readTimeout writeTimeout",
    "http.simple_proxy": "targets timeout",
    "httpclient.modular": "acceptAnyStatus accept_any_status baseURL baseUrl base_url headers maxRetries max_retries "
    "request_timeout timeout",
    "job.store": "storeType",
    "integration.registry": "",
    "httpserver.modular": "address host idleTimeout idleTimeoutSeconds idle_timeout port readTimeout "
    "readTimeoutSeconds read_timeout shutdownTimeout shutdownTimeoutSeconds shutdown_timeout tls writeTimeout "
    "writeTimeoutSeconds write_timeout",
    "jsonschema.modular": "schema",
    "messaging.broker": "",
    "messaging.broker.eventbus": "",
    "messaging.handler": "topic",
    "messaging.kafka": "brokers groupID groupId mechanism password tls username",
    "messaging.nats": "url",
    "metrics.collector": "namespace",
    "notification.slack": "channel maxRetries text timeout username webhookURL webhookUrl",
    "observability.otel": "endpoint serviceName",
    "persistence.store": "database shared",
    "processing.step": "compensateTransition componentId maxRetries retryBackoffMs successTransition successWhen "
    "timeoutSeconds",
    "reverseproxy": PROXY,
    "scheduler.cron": "cronExpression expression timezone",
    "scheduler.modular": "checkInterval cron interval jobs persistenceBackend queueSize retentionDays shutdownTimeout "
    "storageType timezone workerCount",
    "state.connector": "",
    "state.tracker": "",
    "statemachine.engine": "",
    "static.fileserver": "cacheMaxAge prefix root spaFallback",
    "storage.s3": "accessKeyId bucket endpoint region secretAccessKey",
    "webhook.sender": "headers initialBackoff maxBackoff maxRetries method retryClientErrors secret timeout url",
}

# Keys that documents of the format carry and nothing reads (spec 3.2 to 3.5): told as warnings, never refused.
IGNORED = {
    "api.handler": "basePath method operations path resource",
    "auth.modular": "description provider",
    "cache.modular": "cleanupInterval description",
    "chimux.router": "description logRoutes middleware prefix",
    "data.transformer": "description",
    "dynamic.component": "description",
    "event.processor": "description",
    "eventbus.modular": "bufferSize description",
    "eventlogger.modular": "description output",
    "health.checker": "description",
    "httpserver.modular": "description",
    "http.handler": "method path",
    "http.middleware.auth": "secret secretKey type",
    "http.proxy": PROXY_IGNORED,
    "http.router": "prefix",
    "httpclient.modular": "description disable_compression disable_keep_alives idle_conn_timeout max_idle_conns "
    "max_idle_conns_per_host tls_timeout verbose verbose_options",
    "job.store": "description",
    "integration.registry": "description",
    "messaging.broker": "description provider topics url",
    "messaging.broker.eventbus": "description provider topics url",
    "messaging.handler": "description inputType queue watchPath",
    "messaging.kafka": "description topics",
    "messaging.nats": "description topics",
    "metrics.collector": "collectInterval description",
    "notification.slack": "description",
    "observability.otel": "description",
    "reverseproxy": PROXY_IGNORED,
    "scheduler.cron": "description",
    "scheduler.modular": "description",
    "state.connector": "description",
    "state.tracker": "description store",
    "statemachine.engine": "description initialState initial_state stateTracker",
    "storage.s3": "description",
    "webhook.sender": "description",
}

# Other names under which documents carry a type.
ALIASES = {
    "auth": "auth.modular",
    "cache": "cache.modular",
    "chimux": "chimux.router",
    "core.metrics": "metrics.collector",
    "data.cache": "cache.modular",
    "cron.scheduler": "scheduler.cron",
    "data.database": "database.workflow",
    "database": "database.modular",
    "httpclient": "httpclient.modular",
    "eventbus": "eventbus.modular",
    "eventlogger": "eventlogger.modular",
    "httpserver": "httpserver.modular",
    "jsonschema": "jsonschema.modular",
    "scheduler": "scheduler.cron",
}

pytestmark = pytest.mark.spec("SPINE-B1", "SPINE-B4")


def stem(kind):
    return kind.replace(".", "_")


def described(kind):
    return pytest.mark.shows(kind, "description")


def properties(module_type):
    return module_type.Config.model_json_schema()["properties"]


def test_no_kind_is_missing():
    assert set(TYPES) == set(FROZEN)


def test_no_other_name_is_missing():
    assert {alias: kind for kind, found in TYPES.items() for alias in found.aliases} == ALIASES


@pytest.mark.parametrize("kind", [pytest.param(kind, marks=described(kind)) for kind in sorted(FROZEN)])
def test_the_keys_of_a_config_are_the_frozen_ones_and_all_described(kind):
    keys = {key: said for key, said in properties(TYPES[kind]).items() if "x-ignored" not in said}
    assert sorted(keys) == sorted(FROZEN[kind].split())
    assert [key for key, said in keys.items() if not said.get("description")] == []
    assert sorted(TYPES[kind].Config.ignored_keys) == IGNORED.get(kind, "").split()


@pytest.mark.spec("SPINE-B4.23")
@pytest.mark.parametrize("kind", [pytest.param(kind, marks=described(kind)) for kind in sorted(FROZEN)])
def test_a_type_explains_itself(kind):
    entry = module_type_get(kind)
    assert entry.kind == kind
    assert entry.summary.endswith((".", "`."))
    assert entry.title
    assert all(port.name and port.description for port in (*entry.inputs, *entry.outputs))
    assert {port.type for port in (*entry.inputs, *entry.outputs)} <= {"http", "message", "data", "event", "service"}
    jsonschema_rs.validator_for(entry.schema)


def test_every_component_explains_itself():
    for component in REGISTRY.components.values():
        entry = component_entry(component)
        assert entry.help.count("\n") > 2
        assert all(said["description"] for said in (*entry.inputs.values(), *entry.outputs.values()))


@pytest.mark.spec("SPINE-B4.23")
def test_there_is_no_example_without_a_type():
    found = {path.stem for path in (ROOT / "examples/modules").glob("*.yaml")}
    assert found == {stem(kind) for kind in FROZEN}


@pytest.mark.spec("SPINE-B4.23", "static.fileserver")
def test_examples_need_no_file_beside_them_except_the_one_that_is_about_files():
    blocked = []
    for path in sorted((ROOT / "examples/modules").glob("*.yaml")):
        blocked += [path.stem for _ in check(load(path.read_text()).document, REGISTRY, CheckOptions())]
    assert blocked == ["static_fileserver"]


def test_types_do_not_know_each_other():
    names = {module_type.__module__ for module_type in REGISTRY}
    for module_type in REGISTRY:
        beside = {
            value.__module__ for value in vars(sys.modules[module_type.__module__]).values() if inspect.isclass(value)
        }
        assert (beside & names) - {module_type.__module__} == set()


def test_a_type_that_finds_fault_uses_a_known_code():
    faulty = {
        "chimux.router": {"allow_credentials": True},
        "conditional.ifelse": {"expression": "a("},
        "conditional.switch": {"expression": "a("},
        "conditional.expression": {"expression": "a("},
        "data.transformer": {"pipeline": "x", "pipelines": {"y": []}},
        "database.modular": {"default": "x"},
        "database.workflow": {"driver": "mysql", "dsn": "x"},
        "dynamic.component": {"componentId": "mine"},
        "jsonschema.modular": {"schema": {"type": "nothing"}},
        "processing.step": {"successWhen": "1 +"},
    }
    for kind, config in faulty.items():
        module = TYPES[kind]("m", TYPES[kind].Config.model_validate(config))
        assert [code for _, code, _ in module.problems() if code not in CODES] == []
        assert module.problems()


def test_a_doubled_kind_stops_the_start():
    registry = Registry()
    registry.add(TYPES["http.router"])
    with pytest.raises(BadCatalogue):
        registry.add(TYPES["http.router"])


@pytest.mark.spec("D9")
@pytest.mark.parametrize("value", [5, 5.0, "5"])
def test_a_number_may_be_written_in_three_ways_and_the_schema_agrees(value):
    text = f"modules: [{{name: w, type: webhook.sender, config: {{url: 'https://a.example', maxRetries: {value!r}}}}}]"
    document = load(text).document
    assert check(document, REGISTRY, CheckOptions()) == []
    assert jsonschema_rs.validator_for(schema_of_documents()).is_valid(document.data)


@pytest.mark.parametrize(
    ("config", "is_good"),
    [
        ("{allowOrigins: 'https://a.example', x-note: hi}", True),
        ("{allowedOrigins: [a, b], maxAge: 10m}", True),
        ("{allowedOrigin: a}", False),
        ("{maxAge: soon}", False),
    ],
)
def test_the_schema_takes_what_the_checker_takes(config, is_good):
    document = load(f"modules: [{{name: c, type: http.middleware.cors, config: {config}}}]").document
    assert (check(document, REGISTRY, CheckOptions()) == []) is is_good
    assert jsonschema_rs.validator_for(schema_of_documents()).is_valid(document.data) is is_good


@pytest.mark.parametrize("kind", ["database.workflow", "data.database"])
@pytest.mark.parametrize(
    ("config", "is_good"),
    [
        ("{driver: sqlite, dsn: orders.db}", True),
        ("{connectionString: 'postgres://db.example/orders'}", True),
        ("{driver: sqlite, connectionString: orders.db}", True),
        ("{dsn: orders.db}", False),
        ("{driver: sqlite}", False),
        ("{}", False),
    ],
)
def test_a_connection_string_is_an_address_that_needs_no_driver(kind, config, is_good):
    document = load(f"modules: [{{name: d, type: {kind}, config: {config}}}]").document
    assert (check(document, REGISTRY, CheckOptions()) == []) is is_good
    assert jsonschema_rs.validator_for(schema_of_documents()).is_valid(document.data) is is_good


@pytest.mark.parametrize("kind", ["api.handler", "auth.jwt"])
def test_a_file_beside_the_document_is_left_out_where_there_is_none(kind):
    text = f"modules: [{{name: m, type: {kind}, config: {{seedFile: first.json, secret: s}}}}]"
    text = text.replace(", secret: s", "") if kind == "api.handler" else text
    document = load(text).document
    assert [finding.code for finding in check(document, REGISTRY, CheckOptions())] == ["file.left_out"]
    assert check(document, REGISTRY, CheckOptions(files=True)) == []
