"""Expressions and templates: what `if:`, `condition:` and `${...}` mean.

A text that is wholly a path is a look-up (`lookups`): a missing path is null. Anything else is CEL (`celnames`,
`celguard`): a missing path is an error, bare names mean fields of `data`, and the common part runs as closures
(`celfast`). Values seen are `data`, `steps`, `input`, `request`, `run` and `error`; `order`, `event`, `response`,
`message` and `payload` stand for the whole payload where it has no field of that name, as documents of the reference
system write it. `${UPPER_SNAKE}` is a secret; `$${` writes `${`.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import orjson

from apps.engine.celfast import Closure, compile_fast
from apps.engine.celguard import Program
from apps.engine.celnames import PAYLOAD_NAMES, ROOTS, Note, prepare
from apps.engine.celsyntax import BadExpression
from apps.engine.celvalues import Doubtful
from apps.engine.lookups import doubts, lookup_closure, parse_lookup
from apps.engine.outcome import ExpressionFailed, StepFailed
from apps.engine.placeholders import Part, is_template, split

__all__ = [
    "ROOTS",
    "BadExpression",
    "Expression",
    "Note",
    "Template",
    "compile_condition",
    "compile_expression",
    "compile_template",
    "text_of",
]

Names = Mapping[str, Any]
Values = Mapping[str, str]
Maker = Callable[[Names], Any]
SECRETS = "${}"  # among the names while a template with secrets is filled in; no expression can say it
LARGEST_WHOLE_DECIMAL = 1e15
WRAPPED = re.compile(r"\s*\$\{([\s\S]*)\}\s*")


class Expression:
    """One compiled expression; `evaluate(names)` gives its value or raises `ExpressionFailed`."""

    __slots__ = ("evaluate", "is_lookup", "notes", "roots", "source")

    def __init__(
        self,
        source: str,
        evaluate: Callable[[Names], Any],
        *,
        roots: frozenset[str],
        is_lookup: bool = False,
        notes: tuple[Note, ...] = (),
    ) -> None:
        self.source = source
        self.evaluate = evaluate
        self.roots = roots
        self.is_lookup = is_lookup
        self.notes = notes

    def test(self, names: Names) -> bool:
        """Return the value as a condition, null being false; raise `ExpressionFailed` for anything else."""
        value = self.evaluate(names)
        if value is True:
            return True
        if value is False or value is None:
            return False
        message = f"{self.source!r} is a condition but gives {type(value).__name__}, not true or false."
        raise ExpressionFailed(message, code="expression.not_boolean")

    def __repr__(self) -> str:
        return f"Expression({self.source!r})"


@lru_cache(maxsize=4096)
def compile_expression(text: str) -> Expression:
    """Compile one expression, without `${}` around it; raise `BadExpression` with the place of the fault."""
    source = text.strip()
    path = parse_lookup(source)
    if path is not None:
        root = frozenset({_root(path[0])})
        return Expression(source, lookup_closure(*path), roots=root, is_lookup=True, notes=tuple(doubts(source)))
    prepared = prepare(text)
    program = Program(prepared)
    roots = {reference.root for reference in prepared.references} | {default.root for default in prepared.defaults}
    return Expression(
        source,
        _evaluator(compile_fast(prepared.tree), program),
        roots=frozenset(map(_root, roots)),
        notes=prepared.notes,
    )


def compile_condition(text: str) -> Expression:
    """Compile a condition; it may be written with `${}` around the whole of it."""
    try:
        return compile_expression(text)
    except BadExpression:
        wrapped = WRAPPED.fullmatch(text)
        if wrapped is None:
            raise
    try:
        return compile_expression(wrapped[1])
    except BadExpression as bad:
        raise BadExpression(bad.message, bad.offset + wrapped.start(1)) from None


def _root(root: str) -> str:
    return "data" if root in PAYLOAD_NAMES else root


def _evaluator(fast: Closure | None, program: Program) -> Callable[[Names], Any]:
    slow = program.evaluate
    if fast is None:
        return slow

    def evaluate(names: Names) -> Any:
        try:
            value = fast(names)
        except (Doubtful, OverflowError):
            return slow(names)
        if type(value) is float and value - value != 0.0:  # infinite, or not a number
            return slow(names)
        return value

    return evaluate


class Template:
    """A compiled JSON tree; `evaluate` gives a new tree, or the very same object where nothing is to fill in."""

    __slots__ = ("_make", "_value", "is_constant", "notes", "roots", "secrets")

    def __init__(self, value: Any, make: Maker | None, parts: list[Expression], secrets: frozenset[str]) -> None:
        self._value = value
        self._make = make
        self.is_constant = make is None
        self.secrets = secrets
        self.roots: frozenset[str] = frozenset().union(*(part.roots for part in parts))
        self.notes = tuple(note for part in parts for note in part.notes)

    def evaluate(self, names: Names, secrets: Values | None = None) -> Any:
        """Return the tree filled in; `secrets` holds the values of `self.secrets`."""
        if self._make is None:
            return self._value
        return self._make({**names, SECRETS: secrets or {}} if self.secrets else names)

    @property
    def fill(self) -> Maker:
        """`evaluate` of a template without secrets, as the plain function that steps call."""
        return self.evaluate if self._make is None or self.secrets else self._make


def compile_template(value: Any) -> Template:
    """Compile a JSON tree with `${...}` in its texts; raise `BadExpression` with the path of the text at fault."""
    compiler = _TemplateCompiler()
    make = compiler.compile(value, ())
    return Template(value, make, compiler.expressions, frozenset(compiler.secrets))


def text_of(value: Any) -> str:
    """Write a value into a text."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < LARGEST_WHOLE_DECIMAL else repr(value)
    return str(value) if isinstance(value, int) else orjson.dumps(value, default=str).decode()


class _TemplateCompiler:
    """Turns a tree into closures; None stands for a part with nothing to fill in."""

    def __init__(self) -> None:
        self.expressions: list[Expression] = []
        self.secrets: set[str] = set()

    def compile(self, value: Any, path: tuple[str | int, ...]) -> Maker | None:
        """Return the closure of one value."""
        if isinstance(value, str):
            return self.text(value, path) if is_template(value) else None
        if isinstance(value, dict):
            makers = {key: self.compile(item, (*path, key)) for key, item in value.items()}
            changing = tuple((key, make) for key, make in makers.items() if make is not None)
            return _map_maker(value, changing) if changing else None
        if isinstance(value, list):
            made = [self.compile(item, (*path, index)) for index, item in enumerate(value)]
            places = tuple((index, make) for index, make in enumerate(made) if make is not None)
            return _list_maker(value, places) if places else None
        return None

    def text(self, value: str, path: tuple[str | int, ...]) -> Maker:
        """Return the closure of a text that has `${...}` in it."""
        try:
            parts = [self.part(part) for part in split(value)]
        except BadExpression as bad:
            bad.path = path
            raise
        if len(parts) == 1:
            return parts[0]
        return lambda names: "".join([text_of(part(names)) for part in parts])

    def part(self, part: Part) -> Maker:
        """Return the closure of one piece of a text."""
        text = part.text
        if part.kind == "text":
            return lambda names: text
        if part.kind == "secret":
            self.secrets.add(text)
            return _secret_maker(text)
        try:
            expression = compile_expression(text)
        except BadExpression as bad:
            raise BadExpression(bad.message, bad.offset + part.offset) from None
        self.expressions.append(expression)
        return expression.evaluate


def _secret_maker(name: str) -> Maker:
    def look(names: Names) -> Any:
        try:
            return names[SECRETS][name]
        except KeyError:
            raise StepFailed(f"The secret {name} is not set.", code="secret.missing") from None

    return look


def _map_maker(value: dict[str, Any], changing: tuple[tuple[str, Maker], ...]) -> Maker:
    if len(changing) == 1:
        only, make_only = changing[0]
        return lambda names: {**value, only: make_only(names)}

    def fill(names: Names) -> dict[str, Any]:
        result = value.copy()
        for key, make in changing:
            result[key] = make(names)
        return result

    return fill


def _list_maker(value: list[Any], places: tuple[tuple[int, Maker], ...]) -> Maker:
    def fill(names: Names) -> list[Any]:
        result = value.copy()
        for index, make in places:
            result[index] = make(names)
        return result

    return fill
