"""Every name the format knows, whether or not this build has it: the frozen lists of the specification."""

# Module types (spec 3.1, 3.8) beyond which a type is unknown.
KINDS = frozenset(
    {
        "api.handler",
        "auth.jwt",
        "auth.modular",
        "cache.modular",
        "chimux.router",
        "conditional.expression",
        "conditional.ifelse",
        "conditional.switch",
        "data.transformer",
        "database.modular",
        "database.workflow",
        "dynamic.component",
        "event.processor",
        "eventbus.modular",
        "eventlogger.modular",
        "health.checker",
        "http.handler",
        "http.middleware.auth",
        "http.middleware.cors",
        "http.middleware.logging",
        "http.middleware.ratelimit",
        "http.middleware.requestid",
        "http.middleware.securityheaders",
        "http.proxy",
        "http.router",
        "http.server",
        "http.simple_proxy",
        "httpclient.modular",
        "httpserver.modular",
        "integration.registry",
        "job.store",
        "jsonschema.modular",
        "messaging.broker",
        "messaging.broker.eventbus",
        "messaging.handler",
        "messaging.kafka",
        "messaging.nats",
        "metrics.collector",
        "notification.slack",
        "observability.otel",
        "persistence.store",
        "processing.step",
        "reverseproxy",
        "scheduler.cron",
        "scheduler.modular",
        "state.connector",
        "state.tracker",
        "statemachine.engine",
        "static.fileserver",
        "storage.s3",
        "webhook.sender",
    }
)
# Other names of the same types: short names of the reference's own list, and types that only documents use.
ALIASES = {
    "httpserver": "httpserver.modular",
    "httpclient": "httpclient.modular",
    "chimux": "chimux.router",
    "auth": "auth.modular",
    "eventbus": "eventbus.modular",
    "cache": "cache.modular",
    "database": "database.modular",
    "eventlogger": "eventlogger.modular",
    "jsonschema": "jsonschema.modular",
    "scheduler": "scheduler.cron",
    "cron.scheduler": "scheduler.cron",
    "core.metrics": "metrics.collector",
    "data.cache": "cache.modular",
    "data.database": "database.workflow",
}
# Types that load and are drawn, and stand for nothing.
PLACEHOLDERS = frozenset({"core.config", "core.logger", "business.service", "grpc.server"})

SECTIONS = frozenset({"http", "messaging", "statemachine", "pipelines", "scheduler", "event", "integration"})
TRIGGERS = frozenset({"http", "schedule", "event", "eventbus", "mock"})

TOP_KEYS = frozenset({"name", "description", "modules", "workflows", "triggers"})
MODULE_KEYS = frozenset({"name", "type", "config", "dependsOn", "branches"})
# Top-level settings of framework modules, by the types they are settings of.
FRAMEWORK_KEYS = {
    "httpserver": ("httpserver.modular",),
    "chimux": ("chimux.router",),
    "reverseproxy": ("reverseproxy", "http.proxy"),
    "eventbus": ("eventbus.modular",),
    "scheduler": ("scheduler.modular",),
}
IGNORED_TOP_KEYS = {
    "links": "links join several workflows; import them with POST /api/v1/links/import or on the page Links"
}

ROUTERS = ("http.router", "chimux.router")
SERVERS = ("http.server", "httpserver.modular")
BROKERS = ("messaging.broker", "messaging.broker.eventbus", "messaging.kafka", "messaging.nats")
OUTSIDE = ("messaging.kafka", "messaging.nats")  # brokers of somebody else
BUSES = ("eventbus.modular",)  # a broker where the document has no other
ENGINES = ("statemachine.engine",)
PROCESSORS = ("event.processor",)
SCHEDULERS = ("scheduler.cron", "scheduler.modular")


def canonical(kind: str) -> str:
    """Return the type that a name stands for."""
    return ALIASES.get(kind, kind)
