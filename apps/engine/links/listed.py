"""A links document: `links:`, a list of `{source, target, link_type, event_pattern, target_action, description}`.

`source` and `target` name workflows by slug, name or id; whether there are such is for whoever knows the workflows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.engine.codes import finding
from apps.engine.document import Document, DocumentPath, path_text
from apps.engine.findings import Finding
from apps.engine.links.record import MOST_LINKS, TEXTS, LinkFields, fields_of

ENDS = {"source": ("source", "source_workflow_id"), "target": ("target", "target_workflow_id")}
CONFIG_KEYS = frozenset({*TEXTS, "params"})
ENTRY_KEYS = CONFIG_KEYS | {"link_type", "config", *ENDS["source"], *ENDS["target"]}
TOP_KEYS = frozenset({"links", "name", "description"})
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Listed:
    """One well-formed entry: whom it joins, as written, and where that stands."""

    index: int
    source: str
    target: str
    source_path: DocumentPath
    target_path: DocumentPath
    fields: LinkFields

    @property
    def key(self) -> tuple[str, ...]:
        """What makes a link this one and no other."""
        said = self.fields
        return self.source, self.target, said.link_type, said.pattern, said.target_action


class LinksReader:
    """Reads one document; `findings` is everything that is wrong with it."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self.findings: list[Finding] = []

    def report(self, code: str, path: DocumentPath, message: str) -> None:
        """Note a finding at its place."""
        mark = self._document.mark_of(path)
        self.findings.append(finding(code, path_text(path), message, mark.line, mark.column))

    def read(self) -> list[Listed]:
        """Return the entries that say all they have to say."""
        data = self._document.data
        for key in data:
            if key not in TOP_KEYS:
                self.report("key.ignored", (key,), f"{key!r} has no effect in a links document.")
        links = data.get("links")
        if links is None and "links" in data:
            return []
        if not isinstance(links, list):
            self.report("links.shape", ("links",), "A links document has a list under `links`.")
            return []
        if len(links) > MOST_LINKS:
            self.report("links.too_many", ("links", MOST_LINKS), f"A document lists at most {MOST_LINKS} links.")
        found = [self._entry(index, said) for index, said in enumerate(links[:MOST_LINKS])]
        return [each for each in found if each is not None]

    def _entry(self, index: int, said: Any) -> Listed | None:
        path: DocumentPath = ("links", index)
        if not isinstance(said, dict):
            self.report("links.shape", path, "A link is a map of source, target, link_type and more.")
            return None
        self._strays(said, path)
        fields, faults = fields_of(said)
        for fault in faults:
            self.report(fault.code, (*path, *fault.path), fault.message)
        source, target = (self._end(said, path, end) for end in ENDS)
        if fields is None or source is None or target is None:
            return None
        return Listed(index, source[0], target[0], source[1], target[1], fields)

    def _strays(self, said: Mapping[str, Any], path: DocumentPath) -> None:
        config = said.get("config")
        for where, known, keys in ((path, ENTRY_KEYS, said), ((*path, "config"), CONFIG_KEYS, config)):
            for key in keys if isinstance(keys, dict) else ():
                if key not in known:
                    self.report("key.ignored", (*where, key), f"{key!r} means nothing to a link.")

    def _end(self, said: Mapping[str, Any], path: DocumentPath, end: str) -> tuple[str, DocumentPath] | None:
        for key in ENDS[end]:
            value = said.get(key)
            if value is None:
                continue
            if isinstance(value, str) and value.strip() and len(value) <= LONGEST_NAME:
                return value.strip(), (*path, key)
            self.report("link.invalid", (*path, key), f"`{key}` is the slug, name or id of a workflow.")
            return None
        self.report("link.required", path, f"The link says no `{end}`: the slug, name or id of a workflow.")
        return None
