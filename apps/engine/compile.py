"""The third stage: a checked Document becomes an Application, with every reference resolved once."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from apps.engine.application import Application
from apps.engine.check import CheckOptions, Examined, examine
from apps.engine.checks.early_texts import references_in
from apps.engine.checks.known import BROKERS, BUSES, PLACEHOLDERS
from apps.engine.checks.secrets import missing_text
from apps.engine.codes import finding
from apps.engine.config_types import SEED_KEY, file_keys
from apps.engine.document import Document, path_text
from apps.engine.findings import DocumentRefused, Finding, SecretsRefused, Severity
from apps.engine.framework_settings import FrameworkSettings, Settings
from apps.engine.module import Called, Links, Module
from apps.engine.noop import Noop, NoopConfig
from apps.engine.ordering import dependency_order
from apps.engine.placeholders import OPENING
from apps.engine.registry import Registry
from apps.engine.schedules import Jobs
from apps.engine.secret_values import SecretValues
from apps.engine.sections.audience import Audience
from apps.engine.sections.called import compile_called
from apps.engine.sections.definitions import compile_machines
from apps.engine.sections.event import compile_event, event_section_subscriptions
from apps.engine.sections.flows import compile_flows
from apps.engine.sections.fronts import fronts_of
from apps.engine.sections.http import compile_routes
from apps.engine.sections.integration import compile_integration, integration_starts
from apps.engine.sections.listeners import compile_listeners
from apps.engine.sections.messaging import SECTION as MESSAGING
from apps.engine.sections.messaging import compile_messaging, read_producers
from apps.engine.sections.pipelines import compile_pipelines
from apps.engine.sections.scheduler import compile_jobs
from apps.engine.sections.statemachine import Machine
from apps.engine.sections.workspace import Workspace
from apps.engine.service_names import provided_by, service_names
from apps.engine.topics import TopicTable
from apps.engine.trigger import (
    Resolver,
    definition_starts,
    event_section_starts,
    flow_starts,
    pipeline_starts,
    processor_starts,
    scheduler_starts,
    section_starts,
)
from apps.engine.triggers.event import event_subscriptions
from apps.engine.triggers.eventbus import eventbus_subscriptions
from apps.engine.triggers.schedule import compile_schedule_trigger


def compile_document(
    document: Document,
    registry: Registry,
    options: CheckOptions | None = None,
    *,
    read_file: Callable[[str], bytes] | None = None,
) -> Application:
    """Return the application of a document; raise `DocumentRefused` with every error and blocked finding.

    `read_file` reads a file beside the document; the hosted product has none. Raises `SecretsRefused` where settled
    texts of the config hold secrets and `options.values` lack them, or cannot be used.
    """
    asked = options or CheckOptions()
    examined = examine(document, registry, replace(asked, files=asked.files or read_file is not None))
    _refuse(examined)
    try:
        application = _compiled(examined.document, registry, examined.findings, read_file)
    except DocumentRefused as refused:
        if not examined.references:
            raise
        raise SecretsRefused(examined.untold(refused.findings), examined.references) from None
    application.document = document
    application.values = asked.values.only(examined.references) if asked.values else application.values
    application.findings = tuple(sorted(examined.untold(application.findings)))
    for each in (document, examined.document):
        each.forget_marks()
    return application


def _missing(examined: Examined) -> Iterator[Finding]:
    """Return one finding for each settled text with a secret that is not known."""
    for path, text in examined.missing.items():
        place = examined.document.value_mark(path, max(0, text.find(OPENING)))
        for reference in references_in(text):
            yield finding("secret.missing", path_text(path), missing_text(reference), *place)


def _compiled(
    document: Document, registry: Registry, found: list[Finding], read_file: Callable[[str], bytes] | None
) -> Application:
    machines: dict[str, Machine] = {}
    targets: dict[str, Called] = {}
    modules = build_modules(document, registry)
    kinds = {name: module.kind for name, module in modules.items()}
    legacy = service_names(kinds, provided_by(document.modules, kinds, registry.components))
    jobs = Jobs()
    links = Links(
        modules,
        legacy,
        machines=machines,
        components=registry.components,
        targets=targets,
        jobs=jobs,
        read_file=read_file,
    )
    found = found + [told for module in modules.values() for told in _link(module, links, document)]
    workspace = Workspace(document, modules, registry.components, legacy, fronts_of(document.modules, modules))
    return _assemble(workspace, machines, targets, jobs, found)


def _link(module: Module[Any], links: Links, document: Document) -> list[Finding]:
    """Let a module find what it refers to; a file beside the document that it cannot use refuses the document.

    First data that is not there is told and left out (spec/modules.md 7.6).
    """
    try:
        module.link(links)
    except (OSError, ValueError) as fault:
        path = (*next(entry.path for entry in document.modules if entry.name == module.name), "config")
        if isinstance(fault, FileNotFoundError) and SEED_KEY in file_keys(module.Config):
            path = (*path, SEED_KEY)
            message = f"{module.kind} begins without first data: {fault}."
            return [finding("file.left_out", path_text(path), message, *document.mark_of(path))]
        message = f"{module.kind} cannot use a file that it names: {fault}."
        raise DocumentRefused(
            [finding("file.unavailable", path_text(path), message, *document.mark_of(path))]
        ) from None
    return []


def _assemble(
    workspace: Workspace, machines: dict[str, Machine], targets: dict[str, Called], jobs: Jobs, found: list[Finding]
) -> Application:
    document = workspace.document
    producers = read_producers(workspace)
    compile_flows(workspace, producers)
    compile_pipelines(workspace)
    compile_called(workspace, targets, producers)
    compile_machines(workspace, machines, producers)
    integrating, integrations = integration_starts(workspace.section("integration"))
    processor = compile_event(workspace, producers)
    schedules = compile_jobs(workspace, producers, jobs)
    others = event_section_starts(processor) | integrating | scheduler_starts(jobs.starts)
    brokers = _brokers(workspace)
    sections = dict.fromkeys([*document.workflows, *([MESSAGING] if brokers else [])])  # a broker publishes by itself
    resolver = Resolver(
        section_starts(sections, machines, workspace.pipelines, brokers, others),
        definition_starts(machines),
        pipeline_starts(workspace.pipelines),
        flow_starts(workspace.flows.beginnings),
        integrations,
        jobs.starts,
        processor_starts(processor),
    )
    schedules += compile_schedule_trigger(workspace, resolver)
    subscriptions = (
        *compile_messaging(workspace, producers),
        *event_section_subscriptions(workspace, processor),
        *map(workspace.outside.adopted, event_subscriptions(document.triggers, resolver)),
        *eventbus_subscriptions(document.triggers, resolver),
        *compile_listeners(workspace),
    )
    topics = TopicTable((subscription.topic, subscription) for subscription in subscriptions)
    usual = workspace.outside.usual
    integration = compile_integration(workspace, Audience(topics, usual))
    routes = compile_routes(workspace, producers, resolver, integration.routes)
    return Application(
        document=document,
        settled=document,
        values=SecretValues({}),
        modules=workspace.modules,
        order=tuple(workspace.modules),
        programs=workspace.programs,
        machines=machines,
        subscriptions=subscriptions,
        routes=routes,
        resolver=resolver,
        schedules=tuple(schedules),
        feeds=workspace.outside.feeds(),
        broker=usual,
        findings=tuple(sorted(found)),
    )


def _brokers(workspace: Workspace) -> dict[str, str]:
    """Return the names that a broker goes by, that of the document's messages first.

    Each comes with the module that it means where one of them is outside.
    """
    own = [name for name, module in workspace.modules.items() if module.kind in (*BROKERS, *BUSES)]
    own.sort(key=lambda name: name != workspace.outside.usual_of_all)
    meant = dict(zip(own, own, strict=True)) | {name: found for name, found in workspace.legacy.items() if found in own}
    return meant if workspace.outside.brokers else dict.fromkeys(meant, "")


def _refuse(examined: Examined) -> None:
    bad = [finding for finding in examined.findings if finding.severity is not Severity.WARNING]
    if examined.missing or not set(bad) <= set(examined.without_values):
        raise SecretsRefused([*_missing(examined), *bad], examined.references)
    if bad:
        raise DocumentRefused(bad)


def build_modules(document: Document, registry: Registry) -> dict[str, Module[Any]]:
    """Build every module, dependencies first, else in file order (D8)."""
    entries = {entry.name: entry for entry in reversed(document.modules)}
    modules: dict[str, Module[Any]] = {}
    types = {name: registry.get(entry.kind) for name, entry in entries.items()}
    settings = FrameworkSettings(document, {name: found.kind for name, found in types.items() if found is not None})
    order, _ = dependency_order({entry.name: entry.depends_on for entry in document.modules})
    for name in order:
        module = _build(settings.of(entries[name]), registry)
        if module is not None:
            modules[name] = module
    return modules


def _build(settings: Settings, registry: Registry) -> Module[Any] | None:
    entry = settings.entry
    module_type = registry.get(entry.kind)
    if module_type is None:
        return Noop(entry.name, NoopConfig()) if entry.kind in PLACEHOLDERS else None
    config, _ = settings.split(module_type.Config)
    return module_type(entry.name, module_type.Config.model_validate(config))
