"""The graph of a document (`engine/graph.py`) as plain text, and as a Mermaid flowchart for other tools.

Names come from a document and are shown, never obeyed: what could end a label or move a cursor is written differently.
"""

from typing import Any

SHAPES = {"pipeline": ("([", "])"), "statemachine.definition": ("{{", "}}")}  # of Mermaid; others are boxes
TRIGGER = (">", "]")
BOX = ("[", "]")
LINES = {"dependency": "-.->", "conditional": "==>"}  # others are plain arrows
LONGEST_LABEL = 80
_ESCAPED = {each: f"#{ord(each)};" for each in '"#&<>`'}


def as_text(drawn: dict[str, Any]) -> str:
    """Return one paragraph per node: its name and type, then a line for each connection that leaves it."""
    leaving: dict[str, list[dict[str, str]]] = {}
    for edge in drawn["edges"]:
        leaving.setdefault(edge["from"], []).append(edge)
    lines: list[str] = []
    for node in drawn["nodes"]:
        lines.append(f"{_plain(node['id'])} ({_plain(node['kind'])})")
        for edge in leaving.get(node["id"], ()):
            label = f": {_plain(edge['label'])}" if edge["label"] else ""
            lines.append(f"  -> {_plain(edge['to'])} [{edge['kind']}{label}]")
    return "\n".join(lines)


def as_mermaid(drawn: dict[str, Any]) -> str:
    """Return a Mermaid flowchart with a node for each module, pipeline, state machine and trigger."""
    names = {node["id"]: f"n{number}" for number, node in enumerate(drawn["nodes"])}
    lines = ["flowchart LR"]
    for node in drawn["nodes"]:
        left, right = TRIGGER if node["category"] == "trigger" else SHAPES.get(node["kind"], BOX)
        lines.append(f'  {names[node["id"]]}{left}"{_label(node["title"])}<br/>{_label(node["kind"])}"{right}')
    for edge in drawn["edges"]:
        said = f'|"{_label(edge["label"])}"|' if edge["label"] else ""
        lines.append(f"  {names[edge['from']]} {LINES.get(edge['kind'], '-->')}{said} {names[edge['to']]}")
    return "\n".join(lines)


def _plain(text: str) -> str:
    shown = "".join(each if each.isprintable() else "·" for each in text[: LONGEST_LABEL + 1])
    return shown if len(text) <= LONGEST_LABEL else f"{shown[:-1]}…"


def _label(text: str) -> str:
    return "".join(_ESCAPED.get(each, each) for each in _plain(text)) or " "
