"""Importing a links document: all of it or nothing, and the same document again changes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from apps.core.scope import Actor
from apps.engine.document import DocumentPath, load
from apps.engine.findings import Finding, Severity
from apps.engine.links.listed import LinksReader, Listed
from apps.engine.links.record import MOST_LINKS, LinkFields
from apps.tenants.policy import require
from apps.workflows.errors import DocumentRefused, TooManyLinks
from apps.workflows.models import Workflow, WorkflowLink
from apps.workflows.operations.links import link_insert, link_remove, ring_findings
from apps.workflows.policy import EDIT
from apps.workflows.queries.links import LinkView, link_views, workflows_named

Key = tuple[UUID, UUID, str, str, str]  # what makes a link this one


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did; `findings` are warnings."""

    created: list[LinkView]
    unchanged: list[LinkView]
    removed: list[LinkView]
    findings: list[Finding]


@transaction.atomic
def links_import(*, text: str, replace: bool, actor: Actor) -> Imported:
    """Make the links that a document lists; with `replace`, remove others among the workflows that it names.

    A link that is there already is left as it is, its description too. Raises `DocumentRefused` with every fault at its
    place, and `TooManyLinks`.
    """
    require(actor, EDIT)
    wanted, findings = _read(text)
    ends = {end for key in wanted for end in key[:2]}
    list(Workflow.objects.select_for_update().filter(id__in=ends).order_by("id").values_list("id", flat=True))
    present = {_key(row): row for row in WorkflowLink.objects.filter(source_id__in=ends, target_id__in=ends)}
    gone = [row for key, row in present.items() if replace and key not in wanted]
    removed = link_views(gone)
    for row in gone:
        link_remove(row)
    made = [link_insert(key[0], key[1], fields, actor) for key, fields in wanted.items() if key not in present]
    created = [link for link in made if link is not None]
    _demand_few({link.source_id for link in created})
    unchanged = link_views(row for key, row in present.items() if key in wanted)
    return Imported(link_views(created), unchanged, removed, sorted([*findings, *ring_findings(created)]))


def _read(text: str) -> tuple[dict[Key, LinkFields], list[Finding]]:
    loaded = load(text)
    if loaded.document is None:
        raise DocumentRefused("The links document cannot be read.", list(loaded.findings))
    reader = LinksReader(loaded.document)
    listed = reader.read()
    wanted = _resolved(reader, listed)
    if any(each.severity is not Severity.WARNING for each in reader.findings):
        raise DocumentRefused("The links document has faults; nothing of it was imported.", sorted(reader.findings))
    return wanted, reader.findings


def _resolved(reader: LinksReader, listed: Sequence[Listed]) -> dict[Key, LinkFields]:
    known = workflows_named(name for entry in listed for name in (entry.source, entry.target))
    wanted: dict[Key, LinkFields] = {}
    first: dict[Key, int] = {}
    for entry in listed:
        source = _end(reader, known, entry.source, entry.source_path)
        target = _end(reader, known, entry.target, entry.target_path)
        if source is None or target is None:
            continue
        if source == target:
            reader.report("link.self", entry.target_path, "A workflow is not linked to itself.")
            continue
        fields = entry.fields
        key = (source, target, fields.link_type, fields.pattern, fields.target_action)
        if key in first:
            reader.report("link.duplicate", ("links", entry.index), f"This is links[{first[key]}] once more.")
            continue
        first[key], wanted[key] = entry.index, fields
    return wanted


def _end(reader: LinksReader, known: dict[str, list[UUID]], name: str, path: DocumentPath) -> UUID | None:
    found = known[name]
    if len(found) == 1:
        return found[0]
    if found:
        reader.report("link.workflow.ambiguous", path, f"Several workflows are called {name!r}; use the slug.")
    else:
        reader.report("link.workflow.unknown", path, f"There is no workflow {name!r}, or it is archived.")
    return None


def _key(row: WorkflowLink) -> Key:
    return row.source_id, row.target_id, row.link_type, row.event_pattern, row.target_action


def _demand_few(sources: set[UUID]) -> None:
    for source_id in sources:
        if WorkflowLink.objects.filter(source_id=source_id).count() > MOST_LINKS:
            raise TooManyLinks(f"A workflow has at most {MOST_LINKS} links to others; nothing was imported.")
