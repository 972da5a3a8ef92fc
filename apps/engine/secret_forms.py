"""How the value of a secret turns up in a text: as it is, escaped as JSON or HTML, in an address, in base64 or hex.

Every form keeps the value's letters and digits as they are, so its longest run of those (`anchor`) is looked for first;
only a text that holds it is searched with the whole pattern, which is compiled then. Patterns have no open repetition:
searching stays linear in the text, whatever value and text are made of.
"""

import base64
import re
from collections.abc import Callable, Iterator
from functools import cached_property, partial
from itertools import groupby
from urllib.parse import quote

import orjson

LONGEST_ANCHOR = 64
MOST_SPECIAL = 1024  # characters that have several spellings; a value with more is looked for in its common forms only
LONGEST_BACKSLASHES = 8  # in a row, likewise
SLASHES = r"\\{0,7}"  # JSON in JSON in JSON
PERCENT = "%(?:25){0,3}"
PLAIN_RUN = re.compile(r"[A-Za-z0-9_.-]+")
LETTERS_RUN = re.compile(r"[A-Za-z0-9]+")
PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-")
NAMED = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f"}
MARKUP = {"&": "&amp;|&#38;", "<": "&lt;|&#60;", ">": "&gt;|&#62;", '"': "&quot;|&#34;", "'": "&#39;|&#[xX]27;"}
OTHER_ALPHABET = {"+": "-", "/": "_"}
AROUND = 2  # characters of base64 beside a value that still hold bits of it
BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_")


class Form:
    """One form of one value."""

    def __init__(self, anchor: str, source: Callable[[], str], *, is_base64: bool = False) -> None:
        self.anchor = anchor[:LONGEST_ANCHOR].encode()
        self._source = source
        self._is_base64 = is_base64

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(self._source())

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where the form stands in a text."""
        for found in self._pattern.finditer(text):
            yield _widened(text, *found.span()) if self._is_base64 else found.span()


def forms_of(value: str) -> list[Form]:
    """Return the forms of a value of at least six characters."""
    if _has_too_many_spellings(value):
        forms = [Form("", partial(_any_of, value))]
    else:
        forms = [Form(_longest(PLAIN_RUN, value), partial(_loose, value))]
    data = value.encode("utf-8", "surrogatepass")
    for lead in range(3):
        core = _core(data, lead)
        forms.append(Form(_longest(LETTERS_RUN, core), partial(_loose, core, OTHER_ALPHABET), is_base64=True))
    forms += (Form(digits, partial(re.escape, digits)) for digits in dict.fromkeys((data.hex(), data.hex().upper())))
    return forms


def _any_of(value: str) -> str:
    return "|".join(re.escape(each) for each in _common(value))


def _core(data: bytes, lead: int) -> str:
    """Return the part of base64 that depends on `data` alone when it begins `lead` bytes into a group of three."""
    whole = base64.b64encode(b"\0" * lead + data).decode()
    return whole[(0, 2, 3)[lead] : (lead + len(data)) * 8 // 6]


def _longest(run: re.Pattern[str], text: str) -> str:
    return max(run.findall(text), key=len, default="")


def _has_too_many_spellings(value: str) -> bool:
    if sum(char not in PLAIN for char in value) > MOST_SPECIAL:
        return True
    return "\\" * (LONGEST_BACKSLASHES + 1) in value


def _common(value: str) -> list[str]:
    """Return a value as it is, escaped once and twice as JSON, and as in an address; the longest first."""
    once = orjson.dumps(value).decode()[1:-1]
    forms = {value, once, orjson.dumps(once).decode()[1:-1], quote(value, safe=""), quote(value)}
    return sorted(forms, key=len, reverse=True)


def _loose(value: str, other: dict[str, str] | None = None) -> str:
    """Return the pattern of a value in all its spellings; `other` maps characters to those of another alphabet."""
    parts = []
    for char, run in groupby(value):
        length = len(list(run))
        if char == "\\":
            parts.append(rf"(?:\\{{{length},{8 * length}}}|(?:{_encoded(char)}){{{length}}})")
        elif char in PLAIN:
            parts.append(re.escape(char * length))
        else:
            also = f"|{re.escape(other[char])}" if other and char in other else ""
            parts.append(f"(?:{_spellings(char)}{also})" + (f"{{{length}}}" if length > 1 else ""))
    return "".join(parts)


def _spellings(char: str) -> str:
    ways = [re.escape(char), _encoded(char)]
    if char in NAMED:
        ways.append(rf"\\{{1,7}}{NAMED[char]}")
    if char in "\"'/":
        ways.append(SLASHES + char)
    if char == " ":
        ways.append(r"\+")
    if char in MARKUP:
        ways.append(MARKUP[char])
    return "|".join(ways)


def _encoded(char: str) -> str:
    """Return the pattern of a character as in an address and as `\\uXXXX`."""
    data = char.encode("utf-8", "surrogatepass")
    units = char.encode("utf-16-be", "surrogatepass")
    address = "".join(PERCENT + _any_case(f"{byte:02x}") for byte in data)
    escaped = "".join(r"\\{1,7}u" + _any_case(units[place : place + 2].hex()) for place in range(0, len(units), 2))
    return f"{address}|{escaped}"


def _any_case(digits: str) -> str:
    return "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in digits)


def _widened(text: str, begin: int, end: int) -> tuple[int, int]:
    """Take in the characters beside a value's base64 that it shares with its neighbours."""
    for _ in range(AROUND):
        begin -= begin > 0 and text[begin - 1] in BASE64
        end += end < len(text) and text[end] in BASE64
    return begin, end
