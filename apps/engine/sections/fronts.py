"""Handlers that answer for another module: an `http.handler` without an answer of its own shows the store it needs.

Documents put a plain handler on `GET /api/jobs/status` and give it a `job.store` under `dependsOn`; what they expect
there is the store's runs (spec/modules.md 12.2).
"""

from collections.abc import Iterable, Mapping
from typing import Any

from apps.engine.document import ModuleEntry

HANDLER = "http.handler"
STORE = "job.store"
OWN_ANSWER = ("body", "status")


def fronts_of(entries: Iterable[ModuleEntry], modules: Mapping[str, Any]) -> dict[str, str]:
    """Return the handlers that depend on exactly one store, and that store.

    `modules` has the kind of each module by name, itself or as `kind` of a module.
    """
    kinds = {name: module if isinstance(module, str) else module.kind for name, module in modules.items()}
    found: dict[str, str] = {}
    for entry in entries:
        stores = [name for name in dict.fromkeys(entry.depends_on) if kinds.get(name) == STORE]
        is_plain = kinds.get(entry.name) == HANDLER and not any(key in entry.config for key in OWN_ANSWER)
        if is_plain and len(stores) == 1:
            found.setdefault(entry.name, stores[0])
    return found
