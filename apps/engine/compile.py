"""The third stage: a checked Document becomes an Application, with every reference resolved once."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from apps.engine.application import Application
from apps.engine.check import CheckOptions, check
from apps.engine.document import Document, ModuleEntry
from apps.engine.findings import DocumentRefused, Finding, Severity
from apps.engine.module import Links, Module
from apps.engine.registry import Registry
from apps.engine.sections.definitions import compile_machines
from apps.engine.sections.http import compile_routes
from apps.engine.sections.messaging import compile_messaging, read_producers
from apps.engine.sections.pipelines import compile_pipelines
from apps.engine.sections.statemachine import Machine
from apps.engine.sections.workspace import Workspace
from apps.engine.trigger import Resolver

# Names under which the reference system published services of a kind, whatever the module was called (spec 2).
SERVICE_NAMES = {
    "metrics.collector": ("metrics.collector",),
    "health.checker": ("health.checker",),
    "data.transformer": ("data.transformer",),
    "webhook.sender": ("webhook.sender",),
    "httpserver.modular": ("httpserver",),
    "chimux.router": ("chimux.router", "router", "chi.router"),
    "scheduler.modular": ("scheduler.provider",),
    "eventbus.modular": ("eventbus.provider",),
    "cache.modular": ("cache.provider",),
    "auth.modular": ("auth",),
    "database.modular": ("database.manager", "database.service"),
    "eventlogger.modular": ("eventlogger.observer",),
    "httpclient.modular": ("httpclient", "httpclient-service"),
    "jsonschema.modular": ("jsonschema.service",),
    "reverseproxy": ("reverseproxy.provider",),
    "http.router": ("httpRouter", "api-router", "router"),
    "http.server": ("httpServer",),
    "persistence.store": ("persistence",),
}


def compile_document(
    document: Document,
    registry: Registry,
    options: CheckOptions | None = None,
    *,
    read_file: Callable[[str], bytes] | None = None,
) -> Application:
    """Return the application of a document; raise `DocumentRefused` with every error and blocked finding.

    `read_file` reads a file beside the document; the hosted product has none.
    """
    found = check(document, registry, options or CheckOptions())
    _refuse(found)
    machines: dict[str, Machine] = {}
    modules = build_modules(document, registry)
    legacy = legacy_names(modules)
    links = Links(modules, legacy, machines=machines, components=registry.components, read_file=read_file)
    for module in modules.values():
        module.link(links)
    workspace = Workspace(document, modules, registry.components, legacy)
    return _assemble(workspace, machines, found)


def _assemble(workspace: Workspace, machines: dict[str, Machine], found: list[Finding]) -> Application:
    document = workspace.document
    producers = read_producers(workspace)
    compile_pipelines(workspace)
    compile_machines(workspace, machines, producers)
    resolver = Resolver(document.workflows, machines, workspace.pipelines)
    subscriptions = compile_messaging(workspace, producers)
    routes = compile_routes(workspace, producers, resolver)
    _refuse(workspace.findings)
    return Application(
        document=document,
        modules=workspace.modules,
        order=tuple(workspace.modules),
        programs=workspace.programs,
        machines=machines,
        subscriptions=subscriptions,
        routes=routes,
        resolver=resolver,
        findings=tuple(sorted({*found, *workspace.findings})),
    )


def _refuse(findings: Iterable[Finding]) -> None:
    bad = [finding for finding in findings if finding.severity is not Severity.WARNING]
    if bad:
        raise DocumentRefused(bad)


def build_modules(document: Document, registry: Registry) -> dict[str, Module[Any]]:
    """Build every module, dependencies first, else in file order (D8); unbuildable ones are left to the checker."""
    entries = {entry.name: entry for entry in reversed(document.modules)}
    modules: dict[str, Module[Any]] = {}
    for name in ordered({entry.name: entry.depends_on for entry in document.modules}):
        module = _build(entries[name], registry)
        if module is not None:
            modules[name] = module
    return modules


def _build(entry: ModuleEntry, registry: Registry) -> Module[Any] | None:
    module_type = registry.get(entry.kind)
    if module_type is None:
        return None
    model = module_type.Config
    config = {
        key: value for key, value in entry.config.items() if key not in model.ignored_keys and not key.startswith("x-")
    }
    try:
        return module_type(entry.name, model.model_validate(config))
    except ValidationError:
        return None


def ordered(depends_on: Mapping[str, Iterable[str]]) -> list[str]:
    """Return the names, each behind what it depends on and otherwise in the order given; circles are cut."""
    done: dict[str, None] = {}
    open_: set[str] = set()
    for first in depends_on:
        stack = [first]
        while stack:
            name = stack[-1]
            waiting = [other for other in depends_on[name] if other in depends_on and other not in done]
            missing = [other for other in waiting if other not in open_]
            if name in done or (name in open_ and not missing):
                done.setdefault(name)
                stack.pop()
                continue
            open_.add(name)
            if missing:
                stack.append(missing[0])
    return list(done)


def legacy_names(modules: Mapping[str, Module[Any]]) -> dict[str, str]:
    """Return well-known service names and the module each means: the only one of its kind."""
    names: dict[str, str] = {}
    for kind, published in SERVICE_NAMES.items():
        found = [name for name, module in modules.items() if module.kind == kind]
        if len(found) == 1:
            names |= {service: found[0] for service in published if service not in modules}
    for name, module in modules.items():
        if module.kind.startswith("messaging."):
            names |= {f"{name}.{end}": name for end in ("producer", "consumer") if f"{name}.{end}" not in modules}
        for provided in getattr(module.config, "provides", ()):
            names.setdefault(provided, name)
    return names
