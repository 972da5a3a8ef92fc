"""CEL itself, behind guards: what it is given is capped, what it may build is priced, its errors are step errors.

A value that is too large is refused, never cut: half a list gives wrong answers. Only the values that an expression
names are handed over, so one large field does not stop an expression about another.
"""

import datetime
import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from cel_expr_python import cel
from cel_expr_python.ext import ext_optional

from apps.engine.celnames import MOST_DEFAULTS, PAYLOAD_NAMES, ROOTS, Prepared, prepare
from apps.engine.celsyntax import INT64, BadExpression
from apps.engine.fields import MISSING, find, length_of
from apps.engine.outcome import ExpressionFailed, pointer_of

LONGEST_TEXT = 16 * 1024
LONGEST_LIST = 1_000
LARGEST_CONTEXT = 256 * 1024
LARGEST_RESULT = 32 * 1024 * 1024  # what the macros of one evaluation may build
DEEPEST = 64
COMPILE_ERROR = re.compile(r"ERROR: <input>:(-?\d+):(-?\d+): ([^\n]*)")
# CEL refuses to mix whole numbers and decimals; JSON does not tell 100 from 100.0, so we do the sum ourselves.
MIXED = re.compile(r"_[-+*/]_(?:' applied to '|)\((?:int, double|double, int|int64, double|double, int64)\)")

T = cel.Type


def _both_forms(name: str, *signatures: tuple[Any, list[Any], Callable[..., Any]]) -> cel.FunctionDecl:
    """Declare a function that may be called as `f(x)` and as `x.f()`."""
    overloads = [
        cel.Overload(id=f"{name}_{number}_{form}", return_type=result, parameters=kinds, impl=run, is_member=form)
        for number, (result, kinds, run) in enumerate(signatures)
        for form in (False, True)
    ]
    return cel.FunctionDecl(name, overloads)


def _split(text: str, separator: str) -> list[str]:
    parts = text.split(separator) if separator else list(text)
    if len(parts) > LONGEST_LIST:
        raise RuntimeError(f"split() gives more than {LONGEST_LIST} parts")
    return parts


def _slice(value: Any, start: int, end: int) -> Any:
    return value[max(start, 0) : max(end, 0)]


def _sum(numbers: list[Any]) -> float:
    """Add up; an int as long as every number is one and the sum fits, else a double."""
    if any(isinstance(number, bool) or not isinstance(number, int | float) for number in numbers):
        raise ValueError("sum() takes a list of numbers")
    total = sum(numbers) if all(isinstance(number, int) for number in numbers) else math.fsum(numbers)
    if isinstance(total, int) and not -INT64 <= total < INT64:
        raise ValueError("integer overflow")
    return total


def _quotient(left: float, right: float) -> float:
    if type(left) is int and type(right) is int:
        if right == 0:
            raise ValueError("divide by zero")
        quotient = abs(left) // abs(right)
        return quotient if (left < 0) == (right < 0) else -quotient
    if right == 0:
        return math.nan if left == 0 or math.isnan(left) else math.copysign(math.inf, left) * math.copysign(1, right)
    return left / right


def _arithmetic(name: str, apply: Callable[..., Any], *others: Any) -> cel.FunctionDecl:
    """Declare an operation that takes whole numbers and decimals alike, and two values of each other kind."""

    def whole(left: int, right: int) -> int:
        result = int(apply(left, right))
        if not -INT64 <= result < INT64:
            raise ValueError("integer overflow")
        return result

    def decimal(left: float, right: float) -> float:
        return float(apply(left, right))

    signatures: list[tuple[Any, list[Any], Callable[..., Any]]] = [(T.INT, [T.INT, T.INT], whole)]
    signatures += [(T.DOUBLE, [a, b], decimal) for a, b in _DECIMALS]
    signatures += [(kind, [kind, kind], apply) for kind in others]
    overloads = [
        cel.Overload(id=f"{name}_{number}", return_type=result, parameters=kinds, impl=run, is_member=False)
        for number, (result, kinds, run) in enumerate(signatures)
    ]
    return cel.FunctionDecl(name, overloads)


_DECIMALS = [(T.DOUBLE, T.DOUBLE), (T.INT, T.DOUBLE), (T.DOUBLE, T.INT)]

FUNCTIONS = [
    _arithmetic("_add", operator.add, T.STRING, T.List(T.DYN)),
    _arithmetic("_subtract", operator.sub),
    _arithmetic("_multiply", operator.mul),
    _arithmetic("_divide", _quotient),
    _both_forms("lower", (T.STRING, [T.STRING], str.lower)),
    _both_forms("upper", (T.STRING, [T.STRING], str.upper)),
    _both_forms("trim", (T.STRING, [T.STRING], str.strip)),
    _both_forms("split", (T.List(T.STRING), [T.STRING, T.STRING], _split)),
    _both_forms(
        "slice", (T.STRING, [T.STRING, T.INT, T.INT], _slice), (T.List(T.DYN), [T.List(T.DYN), T.INT, T.INT], _slice)
    ),
    _both_forms("sum", (T.DYN, [T.List(T.DYN)], _sum)),
    _both_forms(
        "_length",
        (T.DYN, [T.STRING], len),
        (T.DYN, [T.List(T.DYN)], len),
        (T.DYN, [T.Map(T.DYN, T.DYN)], length_of),
    ),
]
ENVIRONMENT = cel.NewEnv(
    variables=dict.fromkeys([*ROOTS, *PAYLOAD_NAMES, *(f"_{n}" for n in range(MOST_DEFAULTS))], T.DYN),
    extensions=[ext_optional.ExtOptional()],
    functions=FUNCTIONS,
)

Names = Mapping[str, Any]


def base_of(names: Names, root: str) -> Any:
    """Return the value of a root; a payload name stands for the payload where that has no field of the name."""
    if root not in PAYLOAD_NAMES:
        return names.get(root)
    data = names.get("data")
    return data[root] if isinstance(data, dict) and root in data else data


class Program:
    """One expression compiled by CEL."""

    __slots__ = ("_defaults", "_growth", "_macros", "_mixing", "_program", "_references", "_shape", "_source")

    def __init__(self, prepared: Prepared) -> None:
        self._source = prepared.source
        self._mixing: Any = None  # the same with arithmetic of our own, made when it is first needed
        self._program = _compiled(prepared)
        self._references = prepared.references
        self._defaults = prepared.defaults
        self._macros = prepared.macros
        self._growth = prepared.growth
        self._shape: dict[str, Any] = {}
        for reference in prepared.references:
            _note(self._shape, (reference.root, *reference.path))

    def evaluate(self, names: Names) -> Any:
        """Return the value as JSON; raise `ExpressionFailed`, located where the value is known."""
        try:
            return self._evaluate(names)
        except ExpressionFailed as failure:
            if not failure.errors:
                for pointer in self._doubted(failure, names):
                    failure.locate(pointer)
            raise

    def _evaluate(self, names: Names) -> Any:
        context = {root: _project(base_of(names, root), inside) for root, inside in self._shape.items()}
        for default in self._defaults:
            found = find(base_of(names, default.root), default.path)
            context[default.variable] = None if found is MISSING else found
        size = sum(self._weigh(root, value, names) for root, value in context.items())
        if size > LARGEST_CONTEXT:
            raise too_large(f"The values of this expression weigh {size} bytes; {LARGEST_CONTEXT} are allowed.")
        if self._macros:
            self._price(names, size, context)
        return self._run(context)

    def _weigh(self, root: str, value: Any, names: Names) -> int:
        try:
            return weigh(value, root)
        except ExpressionFailed as failure:
            within: tuple[str, ...] = (root,)
            for default in self._defaults:
                if default.variable == root:
                    within = (default.root, *default.path)
            if (pointer := _pointer(names, within[0], (*within[1:], *reversed(failure.place)))) is not None:
                failure.locate(pointer)
            raise

    def _doubted(self, failure: ExpressionFailed, names: Names) -> list[str]:
        """Return the pointers of the values that may be at fault: those that are missing, or the only one there is."""
        looked_at = {(reference.root, reference.path) for reference in self._references}
        if failure.code == "expression.unknown_key":
            looked_at = {(root, path) for root, path in looked_at if find(base_of(names, root), path) is MISSING}
        elif len(looked_at) > 1:
            return []
        found = (_pointer(names, root, path) for root, path in sorted(looked_at))
        return [pointer for pointer in found if pointer is not None]

    def _price(self, names: Names, size: int, context: dict[str, Any]) -> None:
        """Refuse what the macros could build beyond `LARGEST_RESULT`."""
        items = max(_longest(value) for value in context.values()) if context else 0
        outside = sum(
            weigh(found, reference.root)
            for reference in self._references
            if reference.in_macro and (found := find(base_of(names, reference.root), reference.path)) is not MISSING
        )
        price = (size + items * (outside + 1_000)) * self._growth
        if price > LARGEST_RESULT:
            raise too_large("The macros of this expression could build too large a value out of these values.")

    def _run(self, context: dict[str, Any]) -> Any:
        try:
            value = self._program.eval(data=context)
            if value.type() == T.ERROR and MIXED.search(str(value.plain_value())):
                if self._mixing is None:
                    self._mixing = _compiled(prepare(self._source, mixing=True))
                value = self._mixing.eval(data=context)
            if value.type() == T.ERROR:
                raise _step_error(str(value.plain_value()))
            return _as_json(value.plain_value())
        except (RuntimeError, TypeError, ValueError, OverflowError) as error:
            raise ExpressionFailed(f"The expression failed: {error}", code="expression.failed") from None


def _compiled(prepared: Prepared) -> Any:
    try:
        return ENVIRONMENT.compile(prepared.text)
    except RuntimeError as error:
        text = str(error)
        if MIXED.search(text) and not prepared.mixing:
            return _compiled(prepare(prepared.source, mixing=True))
        raise _compile_error(text, prepared) from None


def too_large(message: str) -> ExpressionFailed:
    """Return the error of a value that CEL is not given."""
    return ExpressionFailed(message, code="expression.too_large")


def _pointer(names: Names, root: str, path: tuple[str | int, ...]) -> str | None:
    """Return the pointer of a value of the payload or the input; None for what the caller did not send."""
    if root not in (*PAYLOAD_NAMES, "data", "input"):
        return None
    data = names.get("data")
    is_field = root in PAYLOAD_NAMES and isinstance(data, dict) and root in data
    return pointer_of((root, *path) if is_field else path)


def weigh(value: Any, where: str, depth: int = 0) -> int:
    """Return about how many bytes a value takes; raise `ExpressionFailed` for what CEL must not get."""
    if isinstance(value, str):
        return _weigh_text(value, where)
    if isinstance(value, dict | list):
        if depth == DEEPEST:
            raise too_large(f"{where} is nested deeper than {DEEPEST} levels.")
        return _weigh_inside(value, where, depth)
    if isinstance(value, int) and not -INT64 <= value < INT64:
        raise ExpressionFailed(f"{where} holds a number of more than 64 bits.", code="expression.arithmetic")
    return 8


def _weigh_inside(value: dict[str, Any] | list[Any], where: str, depth: int) -> int:
    size = 16
    if isinstance(value, list):
        if len(value) > LONGEST_LIST:
            raise too_large(f"{where} has {len(value)} items; an expression may use {LONGEST_LIST}.")
        items: Iterable[tuple[str | int, Any]] = enumerate(value)
    else:
        size += sum(_weigh_text(key, where) for key in value)
        items = value.items()
    for place, item in items:
        try:
            size += weigh(item, where, depth + 1)
        except ExpressionFailed as failure:
            failure.place.append(place)
            raise
    return size


def _weigh_text(text: str, where: str) -> int:
    if len(text) > LONGEST_TEXT:
        raise too_large(f"{where} holds a text of {len(text)} characters; an expression may use {LONGEST_TEXT}.")
    if "\x00" in text:
        raise ExpressionFailed(f"{where} holds a text with the character NUL.", code="expression.type")
    if text.isascii():
        return len(text) + 8
    try:
        return len(text.encode()) + 8
    except UnicodeEncodeError:
        raise ExpressionFailed(f"{where} holds a text that is not Unicode.", code="expression.type") from None


def _note(shape: dict[str, Any], path: tuple[str, ...]) -> None:
    """Enter a path into the tree of needed values; None means all of what is there."""
    for step in path[:-1]:
        inside = shape.setdefault(step, {})
        if inside is None:
            return
        shape = inside
    shape[path[-1]] = None


def _project(value: Any, shape: dict[str, Any] | None) -> Any:
    if shape is None or not isinstance(value, dict):
        return value
    return {key: _project(value[key], inside) for key, inside in shape.items() if key in value}


def _longest(value: Any) -> int:
    if isinstance(value, list):
        return max(len(value), max(map(_longest, value), default=0))
    if isinstance(value, dict):
        return max(len(value), max(map(_longest, value.values()), default=0))
    return len(value) if isinstance(value, str) else 0


def _as_json(value: Any) -> Any:
    """Return a CEL value as JSON; times become texts."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ExpressionFailed("The result is not a number.", code="expression.arithmetic")
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, dict):
        return {_key(key): _as_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_json(item) for item in value]
    if isinstance(value, datetime.datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, datetime.timedelta):
        return f"{value.total_seconds():g}s"
    raise ExpressionFailed(f"The result is no JSON value but {type(value).__name__}.", code="expression.type")


def _key(key: Any) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)


def _step_error(text: str) -> ExpressionFailed:
    """Turn CEL's error value into a step error with a stable code."""
    message = text.partition(": ")[2] or text
    code = next(code for code, pattern in _ERRORS if re.search(pattern, text))
    return ExpressionFailed(f"The expression failed: {message}", code=code)


_ERRORS = [
    ("expression.too_large", r"split\(\) gives more"),
    ("expression.unknown_key", "Key not found"),
    ("expression.index", "Index error"),
    ("expression.arithmetic", "overflow|divide by zero|modulus by zero|out of range|OUT_OF_RANGE"),
    ("expression.type", "No matching overloads|Applying SELECT|Invalid container|expected"),
    ("expression.budget", "budget|RESOURCE_EXHAUSTED"),
    ("expression.failed", ""),
]


def _compile_error(text: str, prepared: Prepared) -> BadExpression:
    """Turn the first of CEL's complaints into one about the text as it was written."""
    found = COMPILE_ERROR.search(text)
    if found is None or int(found[1]) < 1:
        return BadExpression("The expression is nested too deeply or has too many operations in a row.")
    line, column, message = int(found[1]), int(found[2]), found[3]
    lines = prepared.text.split("\n")
    offset = sum(len(before) + 1 for before in lines[: line - 1]) + column - 1
    return BadExpression(_plain_message(message), prepared.original(offset))


def _plain_message(message: str) -> str:
    unknown = re.match(r"undeclared reference to '([^']*)'", message)
    if unknown:
        return f"There is no function {unknown[1]}()."
    mixed = re.match(r"found no matching overload for '([^']*)' applied to '(.*)'", message)
    if mixed:
        advice = "; write double(x) for the whole number" if "double" in mixed[2] and "int" in mixed[2] else ""
        return f"{mixed[1].strip('_')} does not work on {mixed[2]}{advice}."
    return f"{message.partition(' expecting {')[0]}."
