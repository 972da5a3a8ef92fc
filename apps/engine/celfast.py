"""The common part of CEL as plain closures, for the hot path; anything doubtful is left to CEL itself.

A closure answers only where CEL's answer is certain (`celvalues`). In every other case it raises `Doubtful`, and the
expression is evaluated by CEL from the start.
"""

from collections.abc import Callable, Mapping
from typing import Any

from apps.engine.celguard import base_of
from apps.engine.celnames import PAYLOAD_NAMES, chain_of
from apps.engine.celrender import Default
from apps.engine.celsyntax import (
    INT64,
    UNKNOWN,
    Binary,
    Bracket,
    Call,
    Choice,
    Index,
    Literal,
    Logic,
    Member,
    Node,
    Unary,
)
from apps.engine.celvalues import CALLS, OPERATIONS, Doubtful
from apps.engine.fields import MISSING, find

Names = Mapping[str, Any]
Closure = Callable[[Names], Any]


class Unsupported(Exception):
    """The expression uses a part of CEL that has no closure."""


def compile_fast(tree: Node) -> Closure | None:
    """Return the expression as one closure, or None when a part of it is CEL's alone."""
    try:
        return _compile(tree)
    except Unsupported:
        return None


def _compile(node: Node) -> Closure:
    chain = chain_of(node)
    if chain is not None:
        if _has_optional(node):
            raise Unsupported
        return path_closure(chain[0].name, chain[1])
    compiler = _COMPILERS.get(type(node))
    if compiler is None:
        raise Unsupported
    return compiler(node)


def _has_optional(node: Node) -> bool:
    while isinstance(node, Member | Index):
        if node.optional:
            return True
        node = node.of
    return False


def path_closure(root: str, path: tuple[str, ...]) -> Closure:
    """Return a closure that follows members as CEL does: every one must be there."""
    if root in PAYLOAD_NAMES:
        return _payload_closure(root, path)
    if len(path) == 1:
        return _one_step(root, path[0])
    if len(path) == 2:
        return _two_steps(root, *path)

    def follow(names: Names) -> Any:
        try:
            value = names[root]
            for step in path:
                value = value[step]
        except (KeyError, TypeError):
            raise Doubtful from None
        return value

    return follow


def _one_step(root: str, step: str) -> Closure:
    def follow(names: Names) -> Any:
        try:
            return names[root][step]
        except (KeyError, TypeError):
            raise Doubtful from None

    return follow


def _two_steps(root: str, first: str, second: str) -> Closure:
    def follow(names: Names) -> Any:
        try:
            return names[root][first][second]
        except (KeyError, TypeError):
            raise Doubtful from None

    return follow


def _payload_closure(root: str, path: tuple[str, ...]) -> Closure:
    def follow(names: Names) -> Any:
        value = base_of(names, root)
        try:
            for step in path:
                value = value[step]
        except (KeyError, TypeError):
            raise Doubtful from None
        return value

    return follow


def _literal(node: Literal) -> Closure:
    value = node.value
    if value is UNKNOWN:
        raise Unsupported
    return lambda names: value


def _index(node: Index) -> Closure:
    position = node.key.value if isinstance(node.key, Literal) else None
    if type(position) is not int or node.optional:
        raise Unsupported
    of = _compile(node.of)

    def at(names: Names) -> Any:
        value = of(names)
        if type(value) is list and position < len(value):
            return value[position]
        raise Doubtful

    return at


def _member(node: Member) -> Closure:
    if node.optional:
        raise Unsupported
    of, step = _compile(node.of), node.name

    def follow(names: Names) -> Any:
        value = of(names)
        if type(value) is dict and step in value:
            return value[step]
        raise Doubtful

    return follow


def _binary(node: Binary) -> Closure:
    apply = OPERATIONS[node.sign]
    left = _compile(node.left)
    if isinstance(node.right, Literal) and node.right.value is not UNKNOWN:
        constant = node.right.value
        return lambda names: apply(left(names), constant)
    right = _compile(node.right)
    return lambda names: apply(left(names), right(names))


def _logic(node: Logic) -> Closure:
    terms = tuple(_compile(term) for term in node.terms)
    ends = node.sign == "||"

    def decide(names: Names) -> bool:
        for term in terms:
            value: object = term(names)
            if value is ends:
                return ends
            if value is not (not ends):
                raise Doubtful
        return not ends

    return decide


def _unary(node: Unary) -> Closure:
    operand, times = _compile(node.operand), len(node.signs)
    if node.signs[0] == "!":
        return lambda names: _negate(operand(names), times)

    def minus(names: Names) -> Any:
        value = operand(names)
        if type(value) is float or (type(value) is int and value > -INT64):
            return -value if times % 2 else value
        raise Doubtful

    return minus


def _negate(value: Any, times: int) -> bool:
    if type(value) is not bool:
        raise Doubtful
    return value is not bool(times % 2)


def _choice(node: Choice) -> Closure:
    test, yes, no = _compile(node.test), _compile(node.yes), _compile(node.no)

    def choose(names: Names) -> Any:
        value = test(names)
        if value is True:
            return yes(names)
        if value is False:
            return no(names)
        raise Doubtful

    return choose


def _bracket(node: Bracket) -> Closure:
    if node.opening == "(":
        return _compile(node.parts[0][1])
    if node.opening != "[" or any(sign for sign, _ in node.parts):
        raise Unsupported
    items = [_compile(part) for _, part in node.parts]
    return lambda names: [item(names) for item in items]


def _default(node: Default) -> Closure:
    root, path, fallback = node.root, node.path, _compile(node.fallback)

    def look(names: Names) -> Any:
        value = find(base_of(names, root), path)
        return fallback(names) if value is None or value is MISSING else value

    return look


def _call(node: Call) -> Closure:
    if node.name == "has" and node.of is None:
        return _has(node)
    parts = (*(() if node.of is None else (node.of,)), *node.arguments)
    apply = CALLS.get((node.name, len(parts)))
    if apply is None:
        raise Unsupported
    values = [_compile(part) for part in parts]
    if len(values) == 1:
        only = values[0]
        return lambda names: apply(only(names))
    first, second = values
    return lambda names: apply(first(names), second(names))


def _has(node: Call) -> Closure:
    select = node.arguments[0]
    if not isinstance(select, Member) or select.optional:
        raise Unsupported
    of, step = _compile(select.of), select.name

    def present(names: Names) -> bool:
        value = of(names)
        if type(value) is not dict:
            raise Doubtful
        known: bool = step in value
        return known

    return present


_COMPILERS: dict[type[Node], Callable[[Any], Closure]] = {
    Literal: _literal,
    Index: _index,
    Member: _member,
    Binary: _binary,
    Logic: _logic,
    Unary: _unary,
    Choice: _choice,
    Bracket: _bracket,
    Default: _default,
    Call: _call,
}
