"""Where the documents are that `wfctl run` serves: files, and workflows in a file that holds several."""

from dataclasses import dataclass
from pathlib import Path

from apps.engine.check import CheckOptions
from apps.engine.document import load
from apps.engine.findings import DocumentRefused
from apps.engine.parts import holds_several, parts_of
from apps.engine.registry import Registry
from apps.wfctl.reading import Examined, examine, examine_each, examine_part, part_name, read


@dataclass(frozen=True, slots=True)
class Source:
    """A file, or the workflow of it that has a key (`engine.parts`)."""

    file: Path
    key: str | None = None

    @property
    def usual_name(self) -> str:
        """What it is served under as long as nothing else is called so."""
        return self.file.stem if self.key is None else self.key

    @property
    def full_name(self) -> str:
        """What nothing else is called."""
        return str(self.file) if self.key is None else part_name(self.file, self.key)

    @property
    def names(self) -> set[str]:
        """What it may be called besides."""
        if self.key is not None:
            return {self.key, self.full_name}
        return {str(self.file), self.file.name, self.file.stem}

    def examine(self, types: Registry, options: CheckOptions) -> Examined:
        """Load and check it; raise `Unreadable`."""
        if self.key is not None:
            return examine_part(self.file, self.key, types, options)
        if str(self.file) == "-":
            return examine(self.file, types, options)
        found = examine_each(self.file, types, options)
        return found[0] if len(found) == 1 else examine(self.file, types, options)


def sources_in(file: Path) -> list[Source]:
    """Return the documents of a file; raise `Unreadable`. One with faults is one document, whose faults are told."""
    if str(file) == "-":
        return [Source(file)]
    document = load(read(file)).document
    if document is None or not holds_several(document):
        return [Source(file)]
    try:
        return [Source(file, part.key) for part in parts_of(document)]
    except DocumentRefused:
        return [Source(file)]
