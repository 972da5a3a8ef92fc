"""Everything that can be said of a links document without knowing whose workflows it joins."""

from collections.abc import Callable

from apps.engine.document import Document
from apps.engine.findings import Finding
from apps.engine.links.cycles import Edge, Rings
from apps.engine.links.listed import LinksReader, Listed

Resolve = Callable[[LinksReader, Listed], Listed | None]  # None: reported, and left out

OF_WORKFLOWS = ("modules", "workflows", "triggers")


def is_links_document(document: Document) -> bool:
    """Whether a document lists links and is no workflow itself."""
    return "links" in document.data and not any(document.data.get(key) for key in OF_WORKFLOWS)


def check_links(document: Document) -> list[Finding]:
    """Return all findings, in the order of the text; workflows are the same when they are written the same."""
    return links_of(document, lambda reader, entry: entry)[1]


def links_of(document: Document, resolve: Resolve) -> tuple[list[Listed], list[Finding]]:
    """Return each link once, its ends named by `resolve`, and all findings in the order of the text."""
    reader = LinksReader(document)
    first: dict[tuple[str, ...], Listed] = {}
    for written in reader.read():
        entry = resolve(reader, written)
        if entry is None:
            continue
        if entry.source == entry.target:
            reader.report("link.self", entry.target_path, "A workflow is not linked to itself.")
            continue
        earlier = first.setdefault(entry.key, entry)
        if earlier is not entry:
            reader.report("link.duplicate", ("links", entry.index), f"This is links[{earlier.index}] once more.")
    found = list(first.values())
    _rings(reader, found)
    return found, sorted(reader.findings)


def _rings(reader: LinksReader, entries: list[Listed]) -> None:
    edges = [
        Edge(str(entry.index), entry.source, entry.target, said.link_type, said.pattern, said.target_action)
        for entry in entries
        for said in (entry.fields,)
    ]
    rings, told = Rings(edges), set()
    for edge in edges:
        ring = rings.through(edge)
        members = frozenset(ring)
        if ring and members not in told:
            told.add(members)
            way = " -> ".join([each.source for each in ring] + [edge.source])
            reader.report("link.cycle", ("links", int(edge.name)), f"Links lead events round: {way}.")
