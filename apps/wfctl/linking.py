"""The links between documents that one `wfctl run` serves: read from a file, their ends found among the documents."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path

import orjson

from apps.engine.document import Document, DocumentPath, load
from apps.engine.findings import Severity
from apps.engine.links.check import links_of
from apps.engine.links.following import Link
from apps.engine.links.listed import LinksReader, Listed
from apps.engine.local.joined import LocalLink
from apps.wfctl.reading import Examined, read
from apps.wfctl.sources import Source

IDENTITY = 16  # hexadecimal digits


@dataclass(frozen=True, slots=True)
class Linked:
    """A links file with everything there is to say of it; no links unless it can be used as a whole."""

    examined: Examined
    links: tuple[LocalLink, ...]

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong with it."""
        return self.examined.document is not None and not self.examined.has(Severity.ERROR)


def names_of(served: Iterable[tuple[str, Source, Document]]) -> dict[str, set[str]]:
    """Return the scopes that a name may mean: a document's `name`, or its file's, with or without ending and folder.

    A file that holds several workflows is the name of none of them.
    """
    found: dict[str, set[str]] = {}
    for scope, source, document in served:
        said = document.data.get("name")
        for name in {scope, *source.names, said if isinstance(said, str) else scope}:
            found.setdefault(name, set()).add(scope)
    return found


def read_links(path: Path, names: Mapping[str, set[str]]) -> Linked:
    """Read and check a links file; raise `Unreadable`."""
    content = read(path)
    loaded = load(content)
    findings = list(loaded.findings)
    listed: list[Listed] = []
    if loaded.document is not None:
        listed, told = links_of(loaded.document, partial(_resolved, names))
        findings += told
    linked = Linked(Examined(str(path), content, loaded.document, tuple(sorted(set(findings)))), ())
    return replace(linked, links=tuple(map(_link, listed))) if linked.is_sound else linked


def _resolved(names: Mapping[str, set[str]], reader: LinksReader, entry: Listed) -> Listed | None:
    source = _scope(names, reader, entry.source, entry.source_path)
    target = _scope(names, reader, entry.target, entry.target_path)
    return None if source is None or target is None else replace(entry, source=source, target=target)


def _scope(names: Mapping[str, set[str]], reader: LinksReader, name: str, path: DocumentPath) -> str | None:
    found = sorted(names.get(name, ()))
    if len(found) == 1:
        return found[0]
    if found:
        reader.report(
            "link.workflow.ambiguous", path, f"{name!r} may mean {' or '.join(found)}; write the file's path."
        )
    else:
        served = ", ".join(sorted({scope for scopes in names.values() for scope in scopes}))
        reader.report("link.workflow.unknown", path, f"{name!r} is not among the documents served: {served}.")
    return None


def _link(entry: Listed) -> LocalLink:
    said = entry.fields
    identity = sha256(orjson.dumps(entry.key)).hexdigest()[:IDENTITY]
    link = Link(identity, entry.source, said.link_type, said.target_action, said.params)
    return LocalLink(link, entry.target, said.pattern)
