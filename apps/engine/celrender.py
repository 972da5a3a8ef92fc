"""A resolved expression back to CEL text, piece by piece with the place of each in the source."""

import re
from dataclasses import dataclass
from typing import Any

from apps.engine.celsyntax import (
    CLOSING,
    Binary,
    Bracket,
    Call,
    Choice,
    Index,
    Literal,
    Logic,
    Member,
    Name,
    Node,
    Unary,
)

ARITHMETIC = {"+": "_add", "-": "_subtract", "*": "_multiply", "/": "_divide"}
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
Pieces = list[tuple[str, int]]


@dataclass(slots=True)
class Default(Node):
    """`default(root.path, fallback)`; CEL sees the looked-up value as `variable`."""

    variable: str = ""
    root: str = ""
    path: tuple[str, ...] = ()
    fallback: Node = None  # type: ignore[assignment]


def mixing_arithmetic(node: Node) -> Node:
    """Write arithmetic as calls of functions that take whole numbers and decimals alike."""
    for name in getattr(node, "__slots__", ()):
        part = getattr(node, name)
        if isinstance(part, Node):
            setattr(node, name, mixing_arithmetic(part))
        elif isinstance(part, tuple):
            setattr(node, name, tuple(_part(item) for item in part))
    if isinstance(node, Binary) and node.sign in ARITHMETIC:
        return Call(node.offset, name=ARITHMETIC[node.sign], arguments=(node.left, node.right))
    return node


def _part(item: Any) -> Any:
    if isinstance(item, Node):
        return mixing_arithmetic(item)
    return (item[0], mixing_arithmetic(item[1])) if isinstance(item, tuple) else item


def render(node: Node, out: Pieces) -> None:
    """Append the pieces of CEL text, each with its place in the source."""
    _RENDER[type(node)](node, out)


def _render_member(node: Member, out: Pieces) -> None:
    render(node.of, out)
    name = node.name if IDENTIFIER.fullmatch(node.name) else f"`{node.name}`"
    out.append((".?" if node.optional else ".", node.offset))
    out.append((name, node.offset))


def _render_index(node: Index, out: Pieces) -> None:
    render(node.of, out)
    out.append(("[?" if node.optional else "[", node.offset))
    render(node.key, out)
    out.append(("]", node.offset))


def _render_call(node: Call, out: Pieces) -> None:
    if node.of is not None:
        render(node.of, out)
        out.append((".", node.offset))
    out.append((node.name, node.offset))
    _render_list("(", node.arguments, ")", node.offset, out)


def _render_list(opening: str, items: tuple[Node, ...], closing: str, offset: int, out: Pieces) -> None:
    out.append((opening, offset))
    for index, item in enumerate(items):
        if index:
            out.append((",", item.offset))
        render(item, out)
    out.append((closing, offset))


def _render_unary(node: Unary, out: Pieces) -> None:
    out.extend((sign, node.offset) for sign in node.signs)
    render(node.operand, out)


def _render_binary(node: Binary, out: Pieces) -> None:
    render(node.left, out)
    out.append((node.sign, node.offset))
    render(node.right, out)


def _render_logic(node: Logic, out: Pieces) -> None:
    for index, term in enumerate(node.terms):
        if index:
            out.append((node.sign, term.offset))
        render(term, out)


def _render_choice(node: Choice, out: Pieces) -> None:
    render(node.test, out)
    out.append(("?", node.offset))
    render(node.yes, out)
    out.append((":", node.offset))
    render(node.no, out)


def _render_bracket(node: Bracket, out: Pieces) -> None:
    out.append((node.opening, node.offset))
    for index, (sign, part) in enumerate(node.parts):
        if sign == ":":
            out.append((":", part.offset))
        elif index:
            out.append((",", part.offset))
        if sign == "?":
            out.append(("?", part.offset))
        render(part, out)
    out.append((CLOSING[node.opening], node.offset))


def _render_default(node: Default, out: Pieces) -> None:
    out.extend((text, node.offset) for text in ("(", node.variable, "!=", "null", "?", node.variable, ":", "dyn", "("))
    render(node.fallback, out)
    out.extend((text, node.offset) for text in (")", ")"))


_RENDER = {
    Literal: lambda node, out: out.append((node.text, node.offset)),
    Name: lambda node, out: out.append((node.name, node.offset)),
    Member: _render_member,
    Index: _render_index,
    Call: _render_call,
    Unary: _render_unary,
    Binary: _render_binary,
    Logic: _render_logic,
    Choice: _render_choice,
    Bracket: _render_bracket,
    Default: _render_default,
}
