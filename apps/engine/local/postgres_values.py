"""Values to and from a Postgres server, in its text form: what a document sees is the same here as hosted.

The hosted product asks by psycopg, which tells the server the types of numbers and truth values and leaves texts for it
to make out, and which reads what comes back by its type; so does this. A value that has no form in Python (a date
before Christ, an endless time) is an error in both.
"""

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from ipaddress import ip_address, ip_interface, ip_network
from typing import Any
from uuid import UUID

import orjson

UNKNOWN, BOOLEAN, FLOAT, NUMERIC = 0, 16, 701, 1700
INTEGERS = ((15, 21), (31, 23), (63, 20))  # bits, oid
ARRAYS = {UNKNOWN: UNKNOWN, BOOLEAN: 1000, FLOAT: 1022, NUMERIC: 1231, 21: 1005, 23: 1007, 20: 1016}
PIECE = re.compile(r'[{},]|"((?:[^"\\]|\\.)*)"|[^{},"]+', re.DOTALL)
FIELD = re.compile(r'"((?:[^"\\]|\\.|"")*)"(?:,|\Z)|([^,"]*)(?:,|\Z)', re.DOTALL)
RANGE = re.compile(r'([\[(])(?:"([^"]*)"|([^,"]*)),(?:"([^"]*)"|([^\])"]*))([\])])')
INTERVAL = re.compile(
    r"(?:([-+]?\d+) years? ?)?(?:([-+]?\d+) mons? ?)?(?:([-+]?\d+) days? ?)?(?:([-+])?(\d+):(\d+):(\d+(?:\.\d+)?))?"
)
Read = Callable[[str], Any]


def sent(value: Any) -> tuple[int, str | None]:
    """Return the type, as an oid (0 leaves it to the server), and the text of an argument.

    Raises `ValueError` for what has no form in a statement: a map, a list of unlike things.
    """
    if isinstance(value, list | tuple):
        leaves = [leaf for leaf in _leaves(value) if leaf is not None]
        kinds = {type(leaf) for leaf in leaves}
        if len(kinds) > 1:
            raise ValueError("a list of unlike values cannot be sent")
        return ARRAYS[max((_oid(leaf) for leaf in leaves), default=UNKNOWN, key=_width)], _array(value)
    return _oid(value), None if value is None else _text(value)


def _leaves(values: Sequence[Any]) -> list[Any]:
    return [leaf for each in values for leaf in (_leaves(each) if isinstance(each, list | tuple) else [each])]


def _width(oid: int) -> int:
    return [UNKNOWN, BOOLEAN, FLOAT, *(oid for _, oid in INTEGERS), NUMERIC].index(oid)


def _oid(value: Any) -> int:
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, int):
        return next((oid for bits, oid in INTEGERS if -(2**bits) <= value < 2**bits), NUMERIC)
    if isinstance(value, float):
        return FLOAT
    if value is None or isinstance(value, str):
        return UNKNOWN
    raise ValueError(f"a value of the type {type(value).__name__} cannot be sent")


def _text(value: Any) -> str:
    return ("f", "t")[value] if isinstance(value, bool) else str(value)


def _array(values: Sequence[Any]) -> str:
    return "{" + ",".join(_array(each) if isinstance(each, list | tuple) else _element(each) for each in values) + "}"


def _element(value: Any) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return "NULL" if value is None else _text(value)


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def _interval(text: str) -> timedelta:
    found = INTERVAL.fullmatch(text)
    if found is None:
        raise ValueError(f"{text} is no interval")
    years, months, days, sign, hours, minutes, seconds = found.groups()
    whole = timedelta(days=365 * int(years or 0) + 30 * int(months or 0) + int(days or 0))
    part = timedelta(hours=int(hours or 0), minutes=int(minutes or 0), microseconds=round(float(seconds or 0) * 1e6))
    return whole - part if sign == "-" else whole + part


def _time_of_zone(text: str) -> str:
    """Return the text of a time with its zone, which JSON has no other form for."""
    return time.fromisoformat(text).isoformat()


def _inet(text: str) -> Any:
    return ip_interface(text) if "/" in text else ip_address(text)


def _record(text: str) -> tuple[str | None, ...]:
    inner, at, fields = text[1:-1], 0, []
    while found := FIELD.match(inner, at) if inner else None:
        quoted, plain = found.groups()
        fields.append(plain or None if quoted is None else _unescaped(quoted.replace('""', '"')))
        at = found.end()
        if not found[0].endswith(","):
            break
    return tuple(fields)


def _bounds(read: Read, text: str) -> str:
    """Return a range as the hosted product shows it: `[1, 5)`, `[1, None)`, `empty`."""
    return "empty" if text == "empty" else RANGE.sub(partial(_bound, read), text)


def _bound(read: Read, found: re.Match[str]) -> str:
    low, high = found[2] or found[3], found[4] or found[5]
    return f"{found[1]}{read(low) if low else None}, {read(high) if high else None}{found[6]}"


def _ranges(read: Read, text: str) -> str:
    return "{" + ", ".join(_bounds(read, found[0]) for found in RANGE.finditer(text)) + "}"


def _elements(read: Read, text: str) -> list[Any]:
    """Read an array: lists in lists, one for each dimension."""
    whole: list[Any] = []
    stack = [whole]
    for piece in PIECE.finditer(text[text.index("{") :]):
        if piece[0] == "{":
            inner: list[Any] = []
            stack[-1].append(inner)
            stack.append(inner)
        elif piece[0] == "}":
            stack.pop()
        elif piece[0] != ",":
            quoted = piece[1]
            bare = None if piece[0].upper() == "NULL" else piece[0]
            value = bare if quoted is None else _unescaped(quoted)
            stack[-1].append(None if value is None else read(value))
    return list(whole[0])


def _hex(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def _truth(text: str) -> bool:
    return text == "t"


# Types by their oid, with the oid of their arrays; the server has the same numbers everywhere.
TYPES: tuple[tuple[int, int, Read], ...] = (
    (16, 1000, _truth),
    (17, 1001, _hex),
    (18, 1002, str),
    (19, 1003, str),
    (20, 1016, int),
    (21, 1005, int),
    (23, 1007, int),
    (25, 1009, str),
    (26, 1028, int),
    (114, 199, orjson.loads),
    (142, 143, str),
    (600, 1017, str),
    (650, 651, ip_network),
    (700, 1021, float),
    (701, 1022, float),
    (790, 791, str),
    (829, 1040, str),
    (869, 1041, _inet),
    (1042, 1014, str),
    (1043, 1015, str),
    (1082, 1182, date.fromisoformat),
    (1083, 1183, time.fromisoformat),
    (1114, 1115, datetime.fromisoformat),
    (1184, 1185, datetime.fromisoformat),
    (1186, 1187, _interval),
    (1266, 1270, _time_of_zone),
    (1560, 1561, str),
    (1562, 1563, str),
    (1700, 1231, Decimal),
    (2249, 2287, _record),
    (2950, 2951, UUID),
    (3802, 3807, orjson.loads),
)
RANGES: tuple[tuple[int, int, int, int, Read], ...] = (  # a range, its arrays, ranges of it, their arrays
    (3904, 3905, 4451, 6150, int),
    (3906, 3907, 4532, 6151, Decimal),
    (3908, 3909, 4533, 6152, datetime.fromisoformat),
    (3910, 3911, 4534, 6153, datetime.fromisoformat),
    (3912, 3913, 4535, 6155, date.fromisoformat),
    (3926, 3927, 4536, 6157, int),
)


def readers() -> dict[int, Read]:
    """Return how the text of each type is read, by its oid; what is not here is a text. A bad text: `ValueError`."""
    known = list(TYPES)
    for one, ones, several, severals, read in RANGES:
        known += [(one, ones, partial(_bounds, read)), (several, severals, partial(_ranges, read))]
    return {oid: reader for plain, array, read in known for oid, reader in ((plain, read), (array, _array_of(read)))}


def _array_of(read: Read) -> Read:
    return partial(_elements, read)


READERS = readers()
