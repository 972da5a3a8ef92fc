"""Settings of framework modules at the top of a document: read beneath the module's own `config` (spec 1.1, 3.6)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.engine.checks.known import FRAMEWORK_KEYS
from apps.engine.document import Document, DocumentPath, ModuleEntry


@dataclass(frozen=True, slots=True)
class Settings:
    """What a module is configured with, and where each key of it stands."""

    values: dict[str, Any]
    entry: ModuleEntry
    top: str = ""  # the top-level key that some of them stand under

    def place(self, key: Any) -> tuple[DocumentPath, dict[str, Any]]:
        """Return the path under which a key stands, and the map that holds it there."""
        if self.top and key not in self.entry.config and key in self.values:
            return (self.top,), self.values
        return (*self.entry.path, "config"), self.entry.config


class FrameworkSettings:
    """The top-level settings of one document, by the module that each belongs to: the only one of its types."""

    def __init__(self, document: Document, kinds: Mapping[str, str]) -> None:
        self._top: dict[str, tuple[str, dict[str, Any]]] = {}
        for key, meant in FRAMEWORK_KEYS.items():
            written = document.data.get(key)
            names = [name for name, kind in kinds.items() if kind in meant]
            if isinstance(written, dict) and len(names) == 1:
                self._top[names[0]] = (key, written)

    def of(self, entry: ModuleEntry) -> Settings:
        """Return a module's settings; its own `config` wins over what stands at the top."""
        top, beneath = self._top.get(entry.name, ("", {}))
        return Settings({**beneath, **entry.config}, entry, top)
