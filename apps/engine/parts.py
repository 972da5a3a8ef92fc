"""The workflows of a text that holds several (`several.py`), each as a text of its own in which nothing has moved.

What does not belong to a workflow is blank, so that findings, and whoever shows them, have the lines and columns of the
whole text. Where a workflow leans on an anchor outside of it, its text is written anew and has lines of its own.
"""

from collections import Counter
from dataclasses import dataclass

import yaml

from apps.engine.document import Document, load
from apps.engine.several import OneWorkflow, workflows_of

LIST = "workflows"


@dataclass(frozen=True, slots=True)
class Part:
    """One workflow; `key` is its name, with a number where several have it. `line` is where it begins."""

    key: str
    text: str
    line: int
    column: int
    has_moved: bool  # its text has other lines than the whole


def holds_several(document: Document) -> bool:
    """Whether a document is a list of workflows rather than one."""
    return isinstance(document.data.get(LIST), list)


def parts_of(document: Document) -> list[Part]:
    """Return the workflows of a text that holds several; raise `DocumentRefused` with every fault at its place."""
    listed = workflows_of(document)
    nodes = _nodes(document.text)
    seen: Counter[str] = Counter()
    found = []
    for index, one in enumerate(listed):
        seen[one.name] += 1
        key = one.name if seen[one.name] == 1 else f"{one.name} {seen[one.name]}"
        found.append(_part(document, index, one, key, nodes[index] if index < len(nodes) else None))
    return found


def _part(document: Document, index: int, one: OneWorkflow, key: str, node: yaml.Node | None) -> Part:
    mark = document.mark_of((LIST, index))
    text = None if node is None else _alone(document.text, node)
    loaded = None if text is None else load(text).document
    if text is not None and loaded is not None and loaded.data == document.data[LIST][index]:
        return Part(key, text, mark.line, mark.column, has_moved=False)
    return Part(key, one.text, mark.line, mark.column, has_moved=True)


def _nodes(text: str) -> list[yaml.Node]:
    """Return the nodes of the listed workflows."""
    root = yaml.compose(text, Loader=yaml.CSafeLoader)
    pairs = root.value if isinstance(root, yaml.MappingNode) else ()
    lists = [value for key, value in pairs if key.value == LIST and isinstance(value, yaml.SequenceNode)]
    return list(lists[-1].value) if lists else []


def _alone(text: str, node: yaml.Node) -> str:
    """Return a text in which everything but a node is blank."""
    lines = text.split("\n")
    begin, end = node.start_mark, node.end_mark
    kept = lines[begin.line : end.line + 1]
    if end.line < len(lines):
        kept[-1] = kept[-1][: end.column]
    kept[0] = " " * begin.column + kept[0][begin.column :]
    return "\n" * begin.line + "\n".join(kept) + "\n"
