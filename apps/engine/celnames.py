"""What an expression means before CEL sees it: names made whole, guards checked, the values it needs listed.

CEL bounds iterations, nesting and regular expressions, but not what a macro may build out of long texts, nor a macro
inside a macro; those are refused here or priced for `celguard`. The same pass writes `total` as `data.total`,
`x.length` as a call, `request.body` as `input`, and `default(a.b, c)` as a look-up with a fall-back.
"""

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import NamedTuple

from apps.engine.celrender import Default, Pieces, mixing_arithmetic, render
from apps.engine.celsyntax import (
    BadExpression,
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
    parse,
)

ROOTS = frozenset({"data", "steps", "input", "request", "run", "error"})
# The whole payload goes by these names where it has no field of the name: `order.total` is `data.total` then.
PAYLOAD_NAMES = frozenset({"order", "event", "response", "message", "payload"})
MACROS = frozenset({"all", "exists", "exists_one", "map", "filter", "optMap", "optFlatMap"})
TYPE_NAMES = frozenset({"int", "uint", "double", "bool", "string", "bytes", "list", "map", "null_type", "type"})
GROWING_CALLS = frozenset({"lower", "upper", "trim", "slice", "split", "string", "bytes"})
MOST_MACROS = 3
MOST_DEFAULTS = 8


class Note(NamedTuple):
    """Something that is allowed and probably not meant."""

    code: str
    offset: int
    message: str


class Reference(NamedTuple):
    """A value that the expression needs, and whether a macro looks at it once per item."""

    root: str
    path: tuple[str, ...]
    in_macro: bool


@dataclass(slots=True)
class Prepared:
    """An expression ready for CEL and for the fast evaluator."""

    tree: Node
    source: str
    text: str
    references: tuple[Reference, ...]
    defaults: tuple[Default, ...]
    notes: tuple[Note, ...]
    macros: int
    mixing: bool  # arithmetic is written as our own functions
    growth: int  # how many times over a value may be joined to another inside macros
    _text_starts: list[int] = field(default_factory=list)
    _source_starts: list[int] = field(default_factory=list)

    def original(self, offset: int) -> int:
        """Return the place in the source of a place in `text`."""
        index = max(bisect_right(self._text_starts, offset) - 1, 0)
        return self._source_starts[index]


def prepare(source: str, *, mixing: bool = False) -> Prepared:
    """Parse, resolve and render; raise `BadExpression`. With `mixing`, arithmetic is written as our own functions."""
    resolver = _Resolver(source)
    tree = resolver.visit(parse(source))
    pieces: Pieces = []
    render(mixing_arithmetic(tree) if mixing else tree, pieces)
    starts, length = [], 0
    for text, _ in pieces:
        starts.append(length)
        length += len(text) + 1
    return Prepared(
        tree=tree,
        source=source,
        text=" ".join(text for text, _ in pieces),
        references=tuple(dict.fromkeys(resolver.references)),
        defaults=tuple(resolver.defaults),
        notes=tuple(resolver.notes),
        macros=resolver.macros,
        mixing=mixing,
        growth=resolver.growth,
        _text_starts=starts,
        _source_starts=[offset for _, offset in pieces],
    )


def chain_of(node: Node) -> tuple[Name, tuple[str, ...]] | None:
    """Return the name that a chain of members begins with, and the members, or None for anything else."""
    path: list[str] = []
    while True:
        if isinstance(node, Name):
            return node, tuple(reversed(path))
        if isinstance(node, Member):
            path.append(node.name)
            node = node.of
        elif isinstance(node, Index) and isinstance(node.key, Literal) and isinstance(node.key.value, str):
            path.append(node.key.value)
            node = node.of
        else:
            return None


class _Resolver:
    """One walk over the tree."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.references: list[Reference] = []
        self.defaults: list[Default] = []
        self.notes: list[Note] = []
        self.macros = 0
        self.growth = 1
        self.variable: str | None = None  # of the macro whose body is being walked
        self.additions = 0
        self.names_types = re.search(r"\btype\s*\(", source) is not None

    def visit(self, node: Node, *, keep_length: bool = False) -> Node:
        """Return the resolved form of a node."""
        chain = chain_of(node)
        if chain is not None:
            return self.chain(node, *chain, keep_length=keep_length)
        if isinstance(node, Member):
            node.of = self.visit(node.of)
            return self.length(node)
        if isinstance(node, Index):
            node.of, node.key = self.visit(node.of), self.visit(node.key)
        elif isinstance(node, Call):
            return self.call(node)
        elif isinstance(node, Binary):
            return self.operation(node)
        else:
            self.inside(node)
        return node

    def inside(self, node: Node) -> None:
        """Resolve the parts of a node that means nothing special itself."""
        if isinstance(node, Unary):
            node.operand = self.visit(node.operand)
        elif isinstance(node, Logic):
            node.terms = tuple(self.visit(term) for term in node.terms)
        elif isinstance(node, Choice):
            node.test, node.yes, node.no = self.visit(node.test), self.visit(node.yes), self.visit(node.no)
        elif isinstance(node, Bracket):
            node.parts = tuple((sign, self.visit(part)) for sign, part in node.parts)

    def chain(self, node: Node, name: Name, path: tuple[str, ...], *, keep_length: bool = False) -> Node:
        """Resolve `name.path...`, the only form in which values are reached."""
        has_length = bool(path) and path[-1] == "length" and isinstance(node, Member) and not node.optional
        if has_length and not keep_length and isinstance(node, Member):
            return self.length(Member(node.offset, of=self.visit(node.of), name="length"))
        if name.name == self.variable or (self.names_types and not path and name.name in TYPE_NAMES):
            return node
        root, rest = name.name, path
        if root == "request" and path[:1] == ("body",):
            root, rest = "input", path[1:]
            node = _replaced(node, len(path) - 1, Name(name.offset, name="input"))
        elif root not in ROOTS and root not in PAYLOAD_NAMES:
            root, rest = "data", (name.name, *path)
            whole = Member(name.offset, of=Name(name.offset, name="data"), name=name.name)
            node = _replaced(node, len(path), whole)
        self.references.append(Reference(root, rest, self.variable is not None))
        return node

    def length(self, node: Member) -> Node:
        """Write `.length` as a call, so that it counts texts, lists and maps."""
        if node.name != "length" or node.optional:
            return node
        return Call(node.offset, name="_length", of=node.of)

    def operation(self, node: Binary) -> Node:
        """Resolve both sides; price an addition, and wonder about a minus that may be part of a name."""
        node.left, node.right = self.visit(node.left), self.visit(node.right)
        if node.sign == "+":
            self.additions += 1
        around = self.source[node.offset - 1 : node.offset] + self.source[node.offset + 1 : node.offset + 2]
        if node.sign == "-" and re.fullmatch(r"\w[A-Za-z_]", around):
            message = 'This subtracts; a name with a dash is written steps["a-b"] here, a difference with spaces.'
            self.notes.append(Note("expression.dashed_name", node.offset, message))
        return node

    def call(self, node: Call) -> Node:
        """Resolve a call: a macro, `has`, `default`, or a function."""
        if node.of is not None and node.name in MACROS:
            return self.macro(node)
        if node.of is None and node.name == "default":
            return self.default(node)
        if node.name in GROWING_CALLS:
            self.additions += 1
        if node.name == "matches":
            self.pattern(node)
        keep_length = node.of is None and node.name == "has"
        node.of = None if node.of is None else self.visit(node.of)
        node.arguments = tuple(self.visit(item, keep_length=keep_length) for item in node.arguments)
        return node

    def macro(self, node: Call) -> Node:
        """Resolve a macro's receiver outside, its body inside the scope of its variable."""
        self.macros += 1
        if self.macros > MOST_MACROS:
            raise BadExpression(f"At most {MOST_MACROS} of map, filter, all, exists in one expression.", node.offset)
        if self.variable is not None:
            raise BadExpression(f"{node.name}() may not stand inside another macro.", node.offset)
        if node.of is not None:
            node.of = self.visit(node.of)
        first = node.arguments[0] if node.arguments else None
        outer = self.additions
        self.variable = first.name if isinstance(first, Name) else ""
        self.additions = 0
        node.arguments = node.arguments[:1] + tuple(self.visit(item) for item in node.arguments[1:])
        self.growth *= 1 + self.additions
        self.variable, self.additions = None, outer
        return node

    def pattern(self, node: Call) -> None:
        """Inside a macro a pattern is compiled once per item, so it must be short and written out."""
        pattern = node.arguments[-1] if node.arguments else None
        if self.variable is None:
            return
        text = pattern.text if isinstance(pattern, Literal) else None
        if text is None or len(text) > 100 or "{" in text:
            message = "Inside a macro the pattern of matches() must be a short text without { }."
            raise BadExpression(message, node.offset)

    def default(self, node: Call) -> Node:
        """Resolve `default(path, fallback)`."""
        chain = chain_of(node.arguments[0]) if len(node.arguments) == 2 else None
        if chain is None or chain[0].name == self.variable:
            message = (
                "default() takes a path and a value: default(data.note, ''); inside a macro use x.?note.orValue('')."
            )
            raise BadExpression(message, node.offset)
        if len(self.defaults) == MOST_DEFAULTS:
            raise BadExpression(f"At most {MOST_DEFAULTS} default() in one expression.", node.offset)
        path = node.arguments[0]
        self.chain(path, *chain, keep_length=True)
        reference = self.references.pop()
        variable = f"_{len(self.defaults)}"
        found = Default(node.offset, variable=variable, root=reference.root, path=reference.path)
        self.defaults.append(found)
        found.fallback = self.visit(node.arguments[1])
        return found


def _replaced(node: Node, depth: int, start: Node) -> Node:
    """Put `start` in place of what stands `depth` members below `node`."""
    if depth == 0:
        return start
    assert isinstance(node, Member | Index)
    node.of = _replaced(node.of, depth - 1, start)
    return node
