"""Finding values by name: dotted paths, and logical field names over the names that data really uses."""

from collections.abc import Mapping, Sequence
from typing import Any

DEFAULT_FIELDS: dict[str, tuple[str, ...]] = {"body": ("body", "Body", "content", "message")}


class Missing:
    """The type of `MISSING`."""

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING = Missing()


def length_of(value: Any) -> Any:
    """Return the `.length` of a value: its own key of that name, else its size, else MISSING."""
    if isinstance(value, dict) and "length" in value:
        return value["length"]
    return len(value) if isinstance(value, str | list | dict) else MISSING


LONGEST_KEY = 8  # dotted names that one key may hold
Steps = tuple[tuple[tuple[str, int], ...], ...]


def steps_of(names: Sequence[str]) -> Steps:
    """Return, for each position, the keys to try there with the position each leads to: the longest first."""
    last = len(names)
    return tuple(
        tuple((".".join(names[start:end]), end) for end in range(min(last, start + LONGEST_KEY), start, -1))
        for start in range(last)
    )


def follow(value: Any, names: Sequence[str], steps: Steps) -> Any:
    """Follow dotted names from `value`; the longest known key wins, so keys may hold dots; MISSING when there is none.

    A number indexes a list and `length`, at the end, is the size of a text, list or map that has no such key.
    """
    position, last = 0, len(names)
    while position < last:
        if isinstance(value, dict):
            for key, end in steps[position]:
                if key in value:
                    value, position = value[key], end
                    break
            else:
                return _size(value, names, position)
        elif isinstance(value, list) and names[position].isdecimal():
            index = int(names[position][:9])
            if index >= len(value):
                return MISSING
            value, position = value[index], position + 1
        else:
            return _size(value, names, position)
    return value


def _size(value: Any, names: Sequence[str], position: int) -> Any:
    return length_of(value) if position == len(names) - 1 and names[position] == "length" else MISSING


def find(value: Any, names: Sequence[str]) -> Any:
    """Return what `follow` finds, for names that are used once."""
    return follow(value, names, steps_of(names))


def lookup(value: Any, path: str) -> Any:
    """Return the value at a dotted path, or MISSING."""
    return find(value, path.split("."))


class FieldMapping:
    """Logical names over the names that data really uses: the first present one is read, the primary one written."""

    def __init__(self, mapping: Mapping[str, Any] | None = None) -> None:
        self._names = dict(DEFAULT_FIELDS)
        for logical, actual in (mapping or {}).items():
            names = [actual] if isinstance(actual, str) else actual if isinstance(actual, list) else []
            kept = tuple(name for name in names if isinstance(name, str))
            if kept:
                self._names[logical] = kept

    def names(self, logical: str) -> tuple[str, ...]:
        """Return the actual names, primary first; a name that is not mapped stands for itself."""
        return self._names.get(logical, (logical,))

    def primary(self, logical: str) -> str:
        """Return the name to write."""
        return self.names(logical)[0]

    def read(self, data: Mapping[str, Any], logical: str, default: Any = None) -> Any:
        """Return the value of the first actual name that is present, even when it is null."""
        for name in self._names.get(logical) or (logical,):
            if name in data:
                return data[name]
        return default

    def read_text(self, data: Mapping[str, Any], logical: str) -> str:
        """Return a text; anything else reads as empty."""
        value = self.read(data, logical)
        return value if isinstance(value, str) else ""

    def read_list(self, data: Mapping[str, Any], logical: str) -> list[Any]:
        """Return a list; anything else reads as empty."""
        value = self.read(data, logical)
        return value if isinstance(value, list) else []

    def write(self, data: dict[str, Any], logical: str, value: Any) -> None:
        """Set the primary name."""
        data[self.primary(logical)] = value
