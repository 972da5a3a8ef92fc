"""Names under which the reference system published services of a type, whatever the module was called (spec 2)."""

from collections.abc import Container, Iterable, Mapping

from apps.engine.document import ModuleEntry

SERVICE_NAMES: dict[str, tuple[str, ...]] = {
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


def provided_by(
    entries: Iterable[ModuleEntry], kinds: Mapping[str, str], bundled: Container[str]
) -> dict[str, list[str]]:
    """Return the further names of each module: what it provides, and the name that its component has itself.

    The name of a bundled component means that component, with or without a module of it.
    """
    found: dict[str, list[str]] = {}
    for entry in entries:
        provides, component = entry.config.get("provides"), entry.config.get("componentId")
        listed = provides.split(",") if isinstance(provides, str) else provides if isinstance(provides, list) else []
        names = [name.strip() for name in listed if isinstance(name, str) and name.strip()]
        if kinds.get(entry.name) == "dynamic.component" and isinstance(component, str) and component not in bundled:
            names.append(component)
        found.setdefault(entry.name, names)
    return found


def service_names(kinds: Mapping[str, str], provided: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Return well-known names and the module each means.

    A name stands for the only module of its type; a broker has `.producer` and `.consumer`; what a component provides
    and what its file calls it is added. A module's own name always wins.
    """
    by_kind: dict[str, list[str]] = {}
    for name, kind in kinds.items():
        by_kind.setdefault(kind, []).append(name)
    found: dict[str, str] = {}
    for kind, published in SERVICE_NAMES.items():
        modules = by_kind.get(kind, [])
        if len(modules) == 1:
            found |= dict.fromkeys(published, modules[0])
    for name, kind in kinds.items():
        if kind.startswith("messaging."):
            found |= {f"{name}.producer": name, f"{name}.consumer": name}
    for name, names in provided.items():
        for other in names:
            found.setdefault(other, name)
    return {other: name for other, name in found.items() if other not in kinds}
