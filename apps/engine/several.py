"""Several workflows in one text, as a visual editor exports them (spec/modules.md 1.1): told apart, one text each.

Such a text has a list under `workflows`, `{name, description, modules, workflows, triggers}` each, and no `modules`
beside it. Any other document is one workflow. Comments are not kept of a text that is taken apart.
"""

from dataclasses import dataclass
from typing import Any

import yaml

from apps.engine.codes import finding
from apps.engine.document import Document, DocumentPath, path_text
from apps.engine.findings import DocumentRefused, Finding

MOST_WORKFLOWS = 100
LONGEST_NAME = 120
LONGEST_DESCRIPTION = 2000


@dataclass(frozen=True, slots=True)
class OneWorkflow:
    """One workflow of a text: what it is called, and a text of its own."""

    name: str
    description: str
    text: str


def workflows_of(document: Document) -> list[OneWorkflow]:
    """Return the workflows of a document; raise `DocumentRefused` with every fault at its place."""
    listed = document.data.get("workflows")
    if not isinstance(listed, list):
        return [_whole(document)]
    found = [_found(document, ("workflows",), fault) for fault in _faults_of_list(document, listed)]
    for index, entry in enumerate(listed[:MOST_WORKFLOWS]):
        found += _faults_of_entry(document, ("workflows", index), entry)
    if found:
        raise DocumentRefused(found)
    return [_one(entry, index) for index, entry in enumerate(listed)]


def _faults_of_list(document: Document, listed: list[Any]) -> list[str]:
    faults = []
    if document.data.get("modules"):
        faults.append("A list of workflows stands without `modules` beside it; each has modules of its own.")
    if not listed:
        faults.append("The list of workflows is empty.")
    if len(listed) > MOST_WORKFLOWS:
        faults.append(f"At most {MOST_WORKFLOWS} workflows are taken at once; these are {len(listed)}.")
    return faults


def _faults_of_entry(document: Document, path: DocumentPath, entry: Any) -> list[Finding]:
    if not isinstance(entry, dict):
        return [_found(document, path, "A workflow is a map with `name`, `modules`, `workflows` and `triggers`.")]
    found = []
    for key, longest in (("name", LONGEST_NAME), ("description", LONGEST_DESCRIPTION)):
        said = entry.get(key)
        if said is not None and (not isinstance(said, str) or len(said) > longest):
            found.append(_found(document, (*path, key), f"`{key}` is a text of at most {longest} characters."))
    return found


def _found(document: Document, path: DocumentPath, message: str) -> Finding:
    mark = document.mark_of(path)
    return finding("section.shape", path_text(path), message, mark.line, mark.column)


def _one(entry: dict[str, Any], index: int) -> OneWorkflow:
    name = str(entry.get("name") or "").strip() or f"Workflow {index + 1}"
    text = yaml.safe_dump(entry, sort_keys=False, allow_unicode=True, width=120)
    return OneWorkflow(name, entry.get("description") or "", text)


def _whole(document: Document) -> OneWorkflow:
    name, description = document.data.get("name"), document.data.get("description")
    return OneWorkflow(
        (name.strip() if isinstance(name, str) else "")[:LONGEST_NAME] or "Workflow 1",
        description[:LONGEST_DESCRIPTION] if isinstance(description, str) else "",
        document.text,
    )
