"""Look-ups: text that is wholly a path, such as `steps.check-customer.id`, followed without CEL.

A name may hold dashes, the longest known name comes first (a key may hold dots), a number indexes a list, `length` is a
size, and a missing path is null.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from apps.engine.celguard import base_of
from apps.engine.celnames import PAYLOAD_NAMES, ROOTS, Note
from apps.engine.celsyntax import MOST_CHARACTERS, MOST_LEVELS, BadExpression
from apps.engine.fields import MISSING, follow, steps_of

LOOKUP = re.compile(r"[^\W\d][\w-]*(?:\.[\w-]+)*")
NOT_NAMES = frozenset({"true", "false", "null"})
Names = Mapping[str, Any]


def parse_lookup(text: str) -> tuple[str, tuple[str, ...]] | None:
    """Return root and path of a text that is wholly a path, else None; raise `BadExpression` for a far too long one."""
    if not LOOKUP.fullmatch(text) or text in NOT_NAMES:
        return None
    root, *path = text.split(".")
    if len(text) > MOST_CHARACTERS or len(path) > MOST_LEVELS:
        raise BadExpression(f"A path has at most {MOST_LEVELS} names and {MOST_CHARACTERS} characters.")
    if root == "request" and path[:1] == ["body"]:
        return "input", tuple(path[1:])
    if root in ROOTS or root in PAYLOAD_NAMES:
        return root, tuple(path)
    return "data", (root, *path)


def doubts(text: str) -> list[Note]:
    """Return the notes on dashes that look like a subtraction without spaces."""
    found = []
    for match in re.finditer(r"-([A-Za-z_]\w*|\d+)(?=[.-]|$)", text):
        if match[1] in ROOTS or (match[1].isdecimal() and match.end() == len(text)):
            message = f"{text!r} is read as one name; write spaces around the minus to subtract."
            found.append(Note("expression.dashed_name", match.start(), message))
    return found


def lookup_closure(root: str, path: tuple[str, ...]) -> Callable[[Names], Any]:
    """Return a closure that follows the path; the short forms are the hot path of the whole engine."""
    if root in PAYLOAD_NAMES or len(path) > 2:
        return _general(root, path)
    if not path:
        return lambda names: names.get(root)
    return _one(root, path[0]) if len(path) == 1 else _two(root, *path)


def _general(root: str, path: tuple[str, ...]) -> Callable[[Names], Any]:
    steps = steps_of(path)

    def look(names: Names) -> Any:
        found = follow(base_of(names, root), path, steps)
        return None if found is MISSING else found

    return look


def _one(root: str, step: str) -> Callable[[Names], Any]:
    general = _general(root, (step,))

    def look(names: Names) -> Any:
        try:
            return names[root][step]
        except (KeyError, TypeError):
            return general(names)

    return look


def _two(root: str, first: str, second: str) -> Callable[[Names], Any]:
    general = _general(root, (first, second))
    joined = f"{first}.{second}"

    def look(names: Names) -> Any:
        try:
            value = names[root]
            return value[joined] if joined in value else value[first][second]
        except (KeyError, TypeError):
            return general(names)

    return look
