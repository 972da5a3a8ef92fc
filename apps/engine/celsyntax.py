"""The syntax of expressions: text to tokens to a small tree in which every part knows where it stands.

The grammar is CEL's without message literals and leading dots. CEL itself parses and type-checks the text again, so
this tree decides nothing about validity: it is what guards, name resolution and the fast evaluator look at.
"""

import re
from dataclasses import dataclass
from typing import Any, NamedTuple

MOST_CHARACTERS = 1_000
MOST_LEVELS = 32  # CEL's own limit

TOKEN = re.compile(
    r"""
      (?P<space>\s+|//[^\n]*)
    | (?P<raw>(?:[rR][bB]?|[bB][rR])(?:\"{3}[\s\S]*?\"{3}|'{3}[\s\S]*?'{3}|"[^"\n]*"|'[^'\n]*'))
    | (?P<text>[bB]?(?:\"{3}(?:\\[\s\S]|[^\\])*?\"{3}|'{3}(?:\\[\s\S]|[^\\])*?'{3}
                     |"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
    | (?P<number>0[xX][0-9a-fA-F]+[uU]?|(?:[0-9]+\.[0-9]+|\.[0-9]+|[0-9]+)(?:[eE][+-]?[0-9]+)?[uU]?)
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<quoted>`[^`\n]+`)
    | (?P<sign>&&|\|\||==|!=|<=|>=|\.\?|[-+*/%<>=!?:.,()\[\]{}])
    """,
    re.VERBOSE,
)
NUL_ESCAPE = re.compile(r"\\(?:[xX]00|000|u0000|U00000000)")
CONSTANTS: dict[str, Any] = {"true": True, "false": False, "null": None}
BINARY = {"*": 5, "/": 5, "%": 5, "+": 4, "-": 4, **dict.fromkeys(("==", "!=", "<", "<=", ">", ">=", "in"), 3)}
UNKNOWN = object()  # the value of a literal that only CEL decodes
INT64 = 2**63


class BadExpression(Exception):
    """The text is not an expression; `offset` counts characters from 0, `column` from 1."""

    def __init__(self, message: str, offset: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.path: tuple[str | int, ...] = ()  # of the text, inside a template's tree

    @property
    def column(self) -> int:
        """Where it goes wrong, counted from 1."""
        return self.offset + 1


class Token(NamedTuple):
    """One word."""

    kind: str
    text: str
    offset: int


@dataclass(slots=True)
class Node:
    """A part of an expression; `height` is the length of the longest way down."""

    offset: int
    height: int = 1


@dataclass(slots=True)
class Literal(Node):
    """A constant as written; `value` is UNKNOWN where only CEL decodes it."""

    text: str = ""
    value: Any = UNKNOWN


@dataclass(slots=True)
class Name(Node):
    """A name standing alone."""

    name: str = ""


@dataclass(slots=True)
class Member(Node):
    """`of.name`, or `of.?name`."""

    of: Node = None  # type: ignore[assignment]
    name: str = ""
    optional: bool = False


@dataclass(slots=True)
class Index(Node):
    """`of[key]`, or `of[?key]`."""

    of: Node = None  # type: ignore[assignment]
    key: Node = None  # type: ignore[assignment]
    optional: bool = False


@dataclass(slots=True)
class Call(Node):
    """`name(arguments)` or `of.name(arguments)`."""

    name: str = ""
    arguments: tuple[Node, ...] = ()
    of: Node | None = None


@dataclass(slots=True)
class Unary(Node):
    """`-`, `!` or a run of one of them."""

    signs: str = ""
    operand: Node = None  # type: ignore[assignment]


@dataclass(slots=True)
class Binary(Node):
    """Arithmetic, comparison or membership."""

    sign: str = ""
    left: Node = None  # type: ignore[assignment]
    right: Node = None  # type: ignore[assignment]


@dataclass(slots=True)
class Logic(Node):
    """A chain of `&&` or of `||`."""

    sign: str = ""
    terms: tuple[Node, ...] = ()


@dataclass(slots=True)
class Choice(Node):
    """`test ? yes : no`."""

    test: Node = None  # type: ignore[assignment]
    yes: Node = None  # type: ignore[assignment]
    no: Node = None  # type: ignore[assignment]


@dataclass(slots=True)
class Bracket(Node):
    """`(inner)`, a list or a map: `open`, parts with the signs before them, and the closing sign."""

    opening: str = "("
    parts: tuple[tuple[str, Node], ...] = ()


CLOSING = {"(": ")", "[": "]", "{": "}"}


def tokenize(source: str) -> list[Token]:
    """Split an expression; raise `BadExpression` at the first thing that is no word of the language."""
    if len(source) > MOST_CHARACTERS:
        raise BadExpression(f"An expression may have at most {MOST_CHARACTERS} characters.", MOST_CHARACTERS)
    tokens: list[Token] = []
    position = 0
    while position < len(source):
        match = TOKEN.match(source, position)
        if match is None:
            raise BadExpression(_unreadable(source[position]), position)
        kind = str(match.lastgroup)
        if kind == "text" and NUL_ESCAPE.search(match[0]):
            raise BadExpression("A text may not hold the character NUL.", position)
        if kind != "space":
            tokens.append(Token(kind, match[0], position))
        position = match.end()
    return tokens


def _unreadable(character: str) -> str:
    if character in "\"'`":
        return f"The text that {character} opens is never closed."
    return f"The character {character!r} does not belong in an expression."


def parse(source: str) -> Node:
    """Return the tree of an expression; raise `BadExpression`."""
    return _Parser(source).whole()


class _Parser:
    """Precedence climbing over the tokens."""

    def __init__(self, source: str) -> None:
        self.tokens = tokenize(source)
        self.end = Token("end", "", len(source))
        self.position = 0
        self.levels = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.position] if self.position < len(self.tokens) else self.end

    def take(self) -> Token:
        token = self.token
        self.position += 1
        return token

    def accept(self, text: str) -> bool:
        token = self.token
        if token.text == text and token.kind in ("sign", "name"):
            self.position += 1
            return True
        return False

    def expect(self, text: str) -> None:
        if not self.accept(text):
            raise self.unexpected(f"{text!r} is missing here")

    def unexpected(self, wanted: str) -> BadExpression:
        token = self.token
        found = "the expression ends here" if token is self.end else f"found {token.text!r}"
        return BadExpression(f"{wanted[:1].upper()}{wanted[1:]}; {found}.", token.offset)

    def whole(self) -> Node:
        if not self.tokens:
            raise BadExpression("The expression is empty.")
        node = self.expression()
        if self.token is not self.end:
            raise self.unexpected("the expression should end here")
        return node

    def expression(self) -> Node:
        self.levels += 1
        if self.levels > MOST_LEVELS:
            raise BadExpression(f"Nested deeper than {MOST_LEVELS} levels.", self.token.offset)
        node = self.logic("||")
        asked = self.token.offset
        if self.accept("?"):
            yes = self.logic("||")
            self.expect(":")
            no = self.expression()
            node = self.sized(Choice(asked, test=node, yes=yes, no=no), node, yes, no)
        self.levels -= 1
        return node

    def sized(self, node: Node, *parts: Node) -> Node:
        node.height = 1 + max((part.height for part in parts), default=0)
        if node.height > 2 * MOST_LEVELS:
            raise BadExpression("Too many operations in a row; group them with parentheses.", node.offset)
        return node

    def logic(self, sign: str) -> Node:
        terms = [self.logic("&&") if sign == "||" else self.binary(3)]
        while self.accept(sign):
            terms.append(self.logic("&&") if sign == "||" else self.binary(3))
        if len(terms) == 1:
            return terms[0]
        return self.sized(Logic(terms[0].offset, sign=sign, terms=tuple(terms)), *terms)

    def binary(self, lowest: int) -> Node:
        left = self.unary()
        while (power := BINARY.get(self.token.text, 0)) >= lowest and self.token.kind in ("sign", "name"):
            sign = self.take()
            right = self.binary(power + 1)
            left = self.sized(Binary(sign.offset, sign=sign.text, left=left, right=right), left, right)
        return left

    def unary(self) -> Node:
        first = self.token
        if first.text not in ("-", "!") or first.kind != "sign":
            return self.postfix()
        signs = ""
        while self.token.text == first.text and self.token.kind == "sign":
            signs += self.take().text
        operand = self.postfix()
        return self.sized(Unary(first.offset, signs=signs, operand=operand), operand)

    def postfix(self) -> Node:
        node = self.primary()
        while True:
            if self.accept("."):
                node = self.member(node, optional=False)
            elif self.accept(".?"):
                node = self.member(node, optional=True)
            elif self.accept("["):
                optional = self.accept("?")
                key = self.expression()
                self.expect("]")
                node = self.sized(Index(key.offset, of=node, key=key, optional=optional), node, key)
            else:
                return node

    def member(self, of: Node, *, optional: bool) -> Node:
        token = self.take()
        if token.kind not in ("name", "quoted") or (token.text in (*CONSTANTS, "in") and token.kind == "name"):
            self.position -= 1
            raise self.unexpected("a name must follow the dot")
        if token.kind == "name" and not optional and self.accept("("):
            arguments = self.arguments()
            node: Node = Call(token.offset, name=token.text, arguments=arguments, of=of)
            return self.sized(node, of, *arguments)
        return self.sized(Member(token.offset, of=of, name=token.text.strip("`"), optional=optional), of)

    def arguments(self) -> tuple[Node, ...]:
        found: list[Node] = []
        while not self.accept(")"):
            if found:
                self.expect(",")
            found.append(self.expression())
        return tuple(found)

    def primary(self) -> Node:
        token = self.take()
        if token.kind in ("number", "text", "raw"):
            return Literal(token.offset, text=token.text, value=_value_of(token))
        if token.kind == "name" and token.text in CONSTANTS:
            return Literal(token.offset, text=token.text, value=CONSTANTS[token.text])
        if token.kind == "name" and token.text != "in":
            if not self.accept("("):
                return Name(token.offset, name=token.text)
            arguments = self.arguments()
            return self.sized(Call(token.offset, name=token.text, arguments=arguments), *arguments)
        if token.kind == "sign" and token.text in CLOSING:
            return self.bracket(token)
        self.position -= 1
        raise self.unexpected("a value is missing here")

    def bracket(self, token: Token) -> Node:
        parts: list[tuple[str, Node]] = []
        closing = CLOSING[token.text]
        while not self.accept(closing):
            if parts:
                self.expect(",")
                if token.text != "(" and self.accept(closing):
                    break
            before = "?" if token.text != "(" and self.accept("?") else ""
            parts.append((before, self.expression()))
            if token.text == "{":
                self.expect(":")
                parts.append((":", self.expression()))
        if token.text == "(" and len(parts) != 1:
            raise BadExpression("Parentheses hold exactly one expression.", token.offset)
        inner = (part for _, part in parts)
        return self.sized(Bracket(token.offset, opening=token.text, parts=tuple(parts)), *inner)


def _value_of(token: Token) -> Any:
    """Decode the literals that cannot be read in two ways; CEL alone decodes the rest."""
    text = token.text
    if token.kind == "number":
        if text[-1] in "uU" or text[:2] in ("0x", "0X"):
            return UNKNOWN
        if text.isdecimal():
            return int(text) if len(text) < 20 and int(text) < INT64 else UNKNOWN
        return float(text)
    plain = token.kind == "text" and "\\" not in text and text[0] in "\"'" and text[:3] not in ('"""', "'''")
    return text[1:-1] if plain else UNKNOWN
