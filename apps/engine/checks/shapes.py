"""The shape of sections and triggers: which keys there are, which are needed, what they hold."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from apps.engine.checks.scope import Scope
from apps.engine.document import DocumentPath
from apps.engine.durations import BadDuration, duration_seconds

MOST_ATTEMPTS = 10_000  # of one step: with the usual pauses half a week


@dataclass(frozen=True, slots=True)
class Kind:
    """One sort of value; `fits` says whether a value is one."""

    wanted: str
    fits: Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Key:
    """One key: what it holds, whether it must be there, whether anything reads it."""

    kind: "Kind | Shape | ListOf | MapOf"
    required: bool = False
    ignored: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """A map with known keys."""

    keys: dict[str, Key] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of maps of one shape."""

    shape: Shape


@dataclass(frozen=True, slots=True)
class MapOf:
    """A map of maps of one shape under free keys; an entry may be empty."""

    shape: Shape


def _is_duration(value: Any) -> bool:
    try:
        duration_seconds(value)
    except BadDuration:
        return False
    return True


def _is_number(value: Any, least: float) -> bool:
    if isinstance(value, bool):
        return False
    try:
        return float(value) >= least
    except (TypeError, ValueError):
        return False


def _is_whole(value: Any, least: int) -> bool:
    return _is_number(value, least) and float(value).is_integer()


def one_of(*words: str) -> Kind:
    """Return the sort of value that is one of these words."""
    return Kind(f"one of {', '.join(words)}", lambda value: isinstance(value, str) and value in words)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and all(_is_name(item) for item in value)


NAME = Kind("a text that is not empty", _is_name)
NAMES = Kind("a list of names", _are_names)
NAME_OR_NAMES = Kind("a name or a list of names", lambda value: _is_name(value) or _are_names(value))
TEXT = Kind("a text", lambda value: isinstance(value, str))
SCALAR = Kind("a text, number, true or false", lambda value: isinstance(value, str | int | float))
FLAG = Kind("true or false", lambda value: isinstance(value, bool))
WHOLE = Kind("a whole number of 1 or more", lambda value: _is_whole(value, 1))
ATTEMPTS = Kind(
    f"a whole number from 1 to {MOST_ATTEMPTS}",
    lambda value: _is_whole(value, 1) and float(value) <= MOST_ATTEMPTS,
)
FACTOR = Kind("a number of 1 or more", lambda value: _is_number(value, 1))
DURATION = Kind("a duration such as 30s or 1h30m", _is_duration)
MAP = Kind("a map", lambda value: isinstance(value, dict))
LIST = Kind("a list", lambda value: isinstance(value, list))
ANY = Kind("any value", lambda value: True)
IGNORED = Key(ANY, ignored=True)


def check_shape(scope: Scope, value: Any, path: DocumentPath, shape: Shape) -> bool:
    """Report everything about a map that does not fit its shape; say whether it does."""
    if not isinstance(value, dict):
        scope.report("section.invalid", path, f"This must be a map, not {_named(value)}.")
        return False
    good = True
    for name, key in shape.keys.items():
        if key.required and value.get(name) is None:
            scope.report("section.required", (*path, name), f"{name!r} is missing.")
            good = False
    for name, item in value.items():
        if item is not None or name not in shape.keys or not shape.keys[name].required:
            good &= _check_key(scope, name, item, (*path, name), shape)
    return good


def _check_key(scope: Scope, name: str, value: Any, path: DocumentPath, shape: Shape) -> bool:
    key = shape.keys.get(name)
    if key is None:
        unknown_key(scope, name, path, shape.keys)
        return name.startswith("x-")
    if key.ignored:
        scope.report("key.ignored", path, f"{name!r} has no effect.")
        return True
    if value is None and may_be_empty(key.kind):
        return True
    return check_value(scope, value, path, key.kind)


def may_be_empty(kind: "Kind | Shape | ListOf | MapOf") -> bool:
    """Whether a key with nothing behind it stands for an empty map or list, or for no text."""
    return not isinstance(kind, Kind) or kind in (MAP, LIST, NAMES, TEXT, ANY)


def check_value(scope: Scope, value: Any, path: DocumentPath, kind: "Kind | Shape | ListOf | MapOf") -> bool:
    """Report a value that is not of its kind; say whether it is."""
    if isinstance(kind, Shape):
        return check_shape(scope, value, path, kind)
    if isinstance(kind, ListOf):
        if not check_value(scope, value, path, LIST):
            return False
        return all([check_shape(scope, item, (*path, index), kind.shape) for index, item in enumerate(value)])
    if isinstance(kind, MapOf):
        if not check_value(scope, value, path, MAP):
            return False
        inside = ((name, {} if item is None else item) for name, item in value.items())
        return all([check_shape(scope, item, (*path, name), kind.shape) for name, item in inside])
    if kind.fits(value):
        return True
    scope.report("section.invalid", path, f"This must be {kind.wanted}, not {_named(value)}.")
    return False


def unknown_key(scope: Scope, name: str, path: DocumentPath, known: Any) -> None:
    """Report a key that nothing reads, unless it begins with `x-`; a description is one for readers."""
    if name == "description":
        scope.report("key.ignored", path, f"{name!r} has no effect.")
    elif not name.startswith("x-"):
        scope.report("key.unknown", path, f"There is no key {name!r} here.{scope.nearest(name, known)}")


def _named(value: Any) -> str:
    names = {dict: "a map", list: "a list", bool: "true or false", type(None): "nothing"}
    if isinstance(value, str):
        return repr(value) if len(value) <= 40 else "this text"
    return names.get(type(value)) or repr(value)
