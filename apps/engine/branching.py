"""Expressions of branch nodes: the small part of the language that spec/modules.md 3.8 lists, and never a failure.

Field paths (as in `lookups`, `.length` included), texts, numbers, `true`, `false`, `null`, `== != < <= > >=`, `&&`,
`||`, `!` and parentheses. A path that is missing is null; values of different kinds are unequal and neither is less;
only `true` counts as true. So every message finds its way, whatever it holds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from operator import ge, gt, le, lt
from typing import Any

from apps.engine.celnames import PAYLOAD_NAMES, ROOTS, chain_of
from apps.engine.celsyntax import (
    UNKNOWN,
    BadExpression,
    Binary,
    Bracket,
    Call,
    Literal,
    Logic,
    Name,
    Node,
    Unary,
    parse,
)
from apps.engine.expressions import WRAPPED
from apps.engine.lookups import lookup_closure, parse_lookup

Names = Mapping[str, Any]
Evaluate = Callable[[Names], Any]
ORDERS: dict[str, Callable[[Any, Any], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge}
ALLOWED = "paths, texts, numbers, true, false, null, == != < <= > >= && || ! and parentheses"


@dataclass(frozen=True, slots=True)
class BranchExpression:
    """A compiled expression; `evaluate(names)` gives its value and raises nothing."""

    evaluate: Evaluate
    roots: frozenset[str]


@lru_cache(maxsize=1024)
def compile_branch(text: str) -> BranchExpression:
    """Compile an expression, `${...}` around it or not; raise `BadExpression` with the place of what is not allowed."""
    wrapped = WRAPPED.fullmatch(text)
    source = wrapped[1] if wrapped else text
    path = parse_lookup(source.strip())
    if path is not None:
        return BranchExpression(lookup_closure(*path), frozenset({_root(path[0])}))
    compiler = _Compiler()
    try:
        evaluate = compiler.visit(parse(source))
    except BadExpression as bad:
        raise BadExpression(bad.message, bad.offset + (wrapped.start(1) if wrapped else 0)) from None
    return BranchExpression(evaluate, frozenset(compiler.roots))


def _root(root: str) -> str:
    return "data" if root in PAYLOAD_NAMES else root


class _Compiler:
    """Turns a tree into closures."""

    def __init__(self) -> None:
        self.roots: set[str] = set()

    def visit(self, node: Node) -> Evaluate:
        """Return the closure of a node."""
        chain = chain_of(node)
        if chain is not None:
            return self.path(*chain)
        if isinstance(node, Literal) and node.value is not UNKNOWN:
            value = node.value
            return lambda names: value
        if isinstance(node, Bracket) and node.opening == "(":
            return self.visit(node.parts[0][1])
        if isinstance(node, Logic):
            return _logic(node.sign, [self.visit(term) for term in node.terms])
        if isinstance(node, Unary):
            return self.unary(node)
        if isinstance(node, Binary):
            return self.comparison(node)
        if isinstance(node, Call):
            raise BadExpression(f"There is no function {_called(node)}() here.", node.offset)
        raise BadExpression(f"A branch knows {ALLOWED}; nothing else.", node.offset)

    def path(self, name: Name, path: tuple[str, ...]) -> Evaluate:
        """Return the look-up of a dotted path."""
        root, rest = name.name, path
        if root == "request" and path[:1] == ("body",):
            root, rest = "input", path[1:]
        elif root not in ROOTS and root not in PAYLOAD_NAMES:
            root, rest = "data", (root, *path)
        self.roots.add(_root(root))
        return lookup_closure(root, rest)

    def unary(self, node: Unary) -> Evaluate:
        """Return a negation, or a negative number."""
        odd = len(node.signs) % 2 == 1
        if node.signs[0] == "!":
            inner = self.visit(node.operand)
            return (lambda names: inner(names) is not True) if odd else (lambda names: inner(names) is True)
        operand = node.operand
        if not isinstance(operand, Literal) or not _is_number(operand.value):
            raise BadExpression("A minus stands before a number only.", node.offset)
        value = -operand.value if odd else operand.value
        return lambda names: value

    def comparison(self, node: Binary) -> Evaluate:
        """Return one of the six comparisons."""
        left, right = self.visit(node.left), self.visit(node.right)
        if node.sign == "==":
            return lambda names: _equal(left(names), right(names))
        if node.sign == "!=":
            return lambda names: not _equal(left(names), right(names))
        order = ORDERS.get(node.sign)
        if order is None:
            raise BadExpression(f"{node.sign!r} is not known here: a branch knows {ALLOWED}.", node.offset)
        return lambda names: _ordered(order, left(names), right(names))


def _logic(sign: str, terms: list[Evaluate]) -> Evaluate:
    if sign == "&&":
        return lambda names: all(term(names) is True for term in terms)
    return lambda names: any(term(names) is True for term in terms)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _equal(left: Any, right: Any) -> bool:
    if _is_number(left) and _is_number(right):
        return bool(left == right)
    return type(left) is type(right) and bool(left == right)


def _ordered(order: Callable[[Any, Any], bool], left: Any, right: Any) -> bool:
    comparable = (_is_number(left) and _is_number(right)) or (isinstance(left, str) and isinstance(right, str))
    return comparable and order(left, right)


def _called(node: Call) -> str:
    chain = None if node.of is None else chain_of(node.of)
    return ".".join((chain[0].name, *chain[1], node.name)) if chain else node.name
