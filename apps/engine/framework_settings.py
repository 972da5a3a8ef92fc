"""Settings of framework modules at the top of a document: read beneath the module's own `config` (spec 1.1, 3.6)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.engine.checks.config_keys import keys_at, spellings_of
from apps.engine.checks.known import FRAMEWORK_KEYS
from apps.engine.document import Document, DocumentPath, ModuleEntry
from apps.engine.module import ModuleConfig


@dataclass(frozen=True, slots=True)
class Settings:
    """What a module is configured with, and where each key of it stands."""

    values: dict[str, Any]
    entry: ModuleEntry
    top: str = ""  # the top-level key that some of them stand under

    def is_above(self, key: Any) -> bool:
        """Whether a key stands at the top of the document."""
        return bool(self.top) and key not in self.entry.config and key in self.values

    def place(self, key: Any) -> tuple[DocumentPath, dict[str, Any]]:
        """Return the path under which a key stands, and the map that holds it there."""
        return ((self.top,), self.values) if self.is_above(key) else ((*self.entry.path, "config"), self.entry.config)

    def split(self, model: type[ModuleConfig]) -> tuple[dict[str, Any], list[str]]:
        """Return what the model is to look at, and the keys that nothing reads.

        A key at the top that the type does not know is one of those: the names that documents write there are mostly
        not the type's (spec/modules.md 3.6). So is a key that is given a second time in another spelling.
        """
        known = keys_at(model, ()) if self.top else set()
        again = self._given_twice(model)
        read: dict[str, Any] = {}
        unread: list[str] = []
        for key, value in self.values.items():
            is_foreign = self.is_above(key) and key not in known and not key.startswith("x-")
            if key in model.ignored_keys or is_foreign or key in again:
                unread.append(key)
            elif not key.startswith("x-"):
                read[key] = value
        return read, unread

    def _given_twice(self, model: type[ModuleConfig]) -> set[str]:
        """Return the spellings that lose to another of the same key: what stands at the top, then the later ones."""
        lost: set[str] = set()
        for spellings in spellings_of(model):
            given = sorted((each for each in spellings if each in self.values), key=self.is_above)
            lost.update(given[1:])
        return lost


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
