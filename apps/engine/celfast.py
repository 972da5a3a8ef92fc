"""The common part of CEL as plain closures, for the hot path; anything doubtful is left to CEL itself.

A closure answers only where CEL's answer is certain: both sides whole numbers in 64 bits, both decimals, both texts,
both true or false. In every other case it raises `Doubtful`, and the expression is evaluated by CEL from the start. One
thing is wider than CEL: a whole number and a decimal may be added, subtracted, multiplied and divided, because JSON
does not tell 100 from 100.0; `celguard` does the same when CEL refuses the mixture.
"""

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from apps.engine.celguard import LONGEST_TEXT, base_of
from apps.engine.celnames import PAYLOAD_NAMES, Default, chain_of
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
from apps.engine.fields import MISSING, find, length_of

Names = Mapping[str, Any]
Closure = Callable[[Names], Any]
EXACT = 2**53  # beyond it a whole number and a decimal are compared differently here and there
SCALARS = frozenset({str, int, float, bool, type(None)})


class Doubtful(Exception):
    """CEL must decide."""


class Unsupported(Exception):
    """The expression uses a part of CEL that has no closure."""


def compile_fast(tree: Node) -> Closure | None:
    """Return the expression as one closure, or None when a part of it is CEL's alone."""
    try:
        return _compile(tree)
    except Unsupported:
        return None


def add(left: Any, right: Any) -> Any:
    """`+` on numbers and texts."""
    kind = type(left)
    if kind is type(right):
        if kind is int:
            return _whole(left + right)
        if kind is float or kind is str:
            return left + right
    return _mixed(left, right, operator.add)


def subtract(left: Any, right: Any) -> Any:
    """`-` on numbers."""
    kind = type(left)
    if kind is type(right):
        if kind is int:
            return _whole(left - right)
        if kind is float:
            return left - right
    return _mixed(left, right, operator.sub)


def multiply(left: Any, right: Any) -> Any:
    """`*` on numbers."""
    kind = type(left)
    if kind is type(right):
        if kind is int:
            return _whole(left * right)
        if kind is float:
            return left * right
    return _mixed(left, right, operator.mul)


def divide(left: Any, right: Any) -> Any:
    """`/`: whole numbers are cut towards zero."""
    if not right:
        raise Doubtful
    kind = type(left)
    if kind is type(right):
        if kind is int:
            quotient = abs(left) // abs(right)
            return _whole(quotient if (left < 0) == (right < 0) else -quotient)
        if kind is float:
            return left / right
    return _mixed(left, right, operator.truediv)


def remainder(left: Any, right: Any) -> Any:
    """`%` of whole numbers: the sign is the left side's."""
    if type(left) is not int or type(right) is not int or right in (0, -1):
        raise Doubtful
    return int(math.copysign(1, left)) * (abs(left) % abs(right))


def _whole(number: int) -> int:
    if -INT64 <= number < INT64:
        return number
    raise Doubtful


def _mixed(left: Any, right: Any, apply: Callable[[float, float], float]) -> float:
    if {type(left), type(right)} != {int, float}:
        raise Doubtful
    return apply(float(left), float(right))


def equal(left: Any, right: Any) -> bool:
    """`==` of simple values: values of different kinds differ, numbers are compared as numbers."""
    kind, other = type(left), type(right)
    if kind not in SCALARS or other not in SCALARS:
        raise Doubtful
    if kind is other:
        return bool(left == right)
    if {kind, other} == {int, float}:
        _comparable(left, right)
        return bool(left == right)
    return False


def unequal(left: Any, right: Any) -> bool:
    """`!=`."""
    return not equal(left, right)


def _ordering(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def ordered(left: Any, right: Any) -> bool:
        kind, other = type(left), type(right)
        if kind is other:
            if kind is int or kind is float or kind is str or kind is bool:
                return compare(left, right)
        elif {kind, other} == {int, float}:
            _comparable(left, right)
            return compare(left, right)
        raise Doubtful

    return ordered


def _comparable(left: float, right: float) -> None:
    if not (-EXACT <= left <= EXACT and -EXACT <= right <= EXACT):
        raise Doubtful


def contains(item: Any, container: Any) -> bool:
    """`in`: a key of a map, or an item of a list."""
    if type(container) is dict and type(item) is str:
        return item in container
    if type(container) is list:
        return any(equal(item, other) for other in container)
    raise Doubtful


OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
    "%": remainder,
    "==": equal,
    "!=": unequal,
    "<": _ordering(operator.lt),
    "<=": _ordering(operator.le),
    ">": _ordering(operator.gt),
    ">=": _ordering(operator.ge),
    "in": contains,
}


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
            value = term(names)
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


def _text_function(apply: Callable[..., Any]) -> Callable[..., Any]:
    def call(*values: Any) -> Any:
        for value in values:
            if type(value) is not str or len(value) > LONGEST_TEXT or "\x00" in value:
                raise Doubtful
        return apply(*values)

    return call


def _size(value: Any) -> int:
    if type(value) in (str, list, dict):
        return len(value)
    raise Doubtful


def _length(value: Any) -> Any:
    found = length_of(value)
    if found is MISSING:
        raise Doubtful
    return found


# Functions by name and number of arguments, the receiver counted as the first.
CALLS: dict[tuple[str, int], Callable[..., Any]] = {
    ("size", 1): _size,
    ("_length", 1): _length,
    ("lower", 1): _text_function(str.lower),
    ("upper", 1): _text_function(str.upper),
    ("trim", 1): _text_function(str.strip),
    ("startsWith", 2): _text_function(str.startswith),
    ("endsWith", 2): _text_function(str.endswith),
    ("contains", 2): _text_function(operator.contains),
}


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
        return step in value

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
