"""CEL's operations on plain values, where its answer is certain; `Doubtful` everywhere else.

One thing is wider than CEL: a whole number and a decimal may be added, subtracted, multiplied and divided, because JSON
does not tell 100 from 100.0; `celguard` does the same when CEL refuses the mixture.
"""

import math
import operator
from collections.abc import Callable
from typing import Any

from apps.engine.celguard import LONGEST_TEXT
from apps.engine.celsyntax import INT64
from apps.engine.fields import MISSING, length_of

EXACT = 2**53  # beyond it a whole number and a decimal are compared differently here and there
SCALARS = frozenset({str, int, float, bool, type(None)})


class Doubtful(Exception):
    """CEL must decide."""


def add(left: Any, right: Any) -> Any:
    """`+` on numbers and texts."""
    kind, other = type(left), type(right)
    if kind is int and other is int:
        return _whole(left + right)
    if (kind is float or kind is int) and (other is float or other is int):
        return left + right
    if kind is str and other is str:
        return left + right
    raise Doubtful


def subtract(left: Any, right: Any) -> Any:
    """`-` on numbers."""
    kind, other = type(left), type(right)
    if kind is int and other is int:
        return _whole(left - right)
    if (kind is float or kind is int) and (other is float or other is int):
        return left - right
    raise Doubtful


def multiply(left: Any, right: Any) -> Any:
    """`*` on numbers."""
    kind, other = type(left), type(right)
    if kind is int and other is int:
        return _whole(left * right)
    if (kind is float or kind is int) and (other is float or other is int):
        return left * right
    raise Doubtful


def divide(left: Any, right: Any) -> Any:
    """`/`: whole numbers are cut towards zero."""
    kind, other = type(left), type(right)
    if not right:
        raise Doubtful
    if kind is int and other is int:
        quotient = abs(left) // abs(right)
        return _whole(quotient if (left < 0) == (right < 0) else -quotient)
    if (kind is float or kind is int) and (other is float or other is int):
        return left / right
    raise Doubtful


def remainder(left: Any, right: Any) -> Any:
    """`%` of whole numbers: the sign is the left side's."""
    if type(left) is not int or type(right) is not int or right in (0, -1):
        raise Doubtful
    return int(math.copysign(1, left)) * (abs(left) % abs(right))


def _whole(number: int) -> int:
    if -INT64 <= number < INT64:
        return number
    raise Doubtful


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
