"""The `Memory` port: short-lived values in the memory of one process, such as what a circuit breaker has counted.

A process keeps one `ProcessMemory`; each unit of work gets `memory.scoped("<tenant>/<environment>/<workflow>")`. What
is too much is forgotten, the least recently used first: of one scope before that scope can push out the others.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

MOST_BYTES = 64 * 1024 * 1024
MOST_BYTES_OF_SCOPE = 4 * 1024 * 1024
BYTES_OF_ENTRY = 512  # what an entry takes beside its content


@dataclass(frozen=True, slots=True)
class _Entry:
    value: Any
    ends: float
    size: int


class ProcessMemory:
    """All values of a process, by scope."""

    def __init__(
        self, monotonic: Callable[[], float], *, most: int = MOST_BYTES, most_of_scope: int = MOST_BYTES_OF_SCOPE
    ) -> None:
        self._monotonic = monotonic
        self._most = most
        self._most_of_scope = most_of_scope
        self._scopes: OrderedDict[str, OrderedDict[str, _Entry]] = OrderedDict()
        self._sizes: dict[str, int] = {}
        self._size = 0

    def scoped(self, scope: str) -> "ScopedMemory":
        """Return the view of one scope."""
        return ScopedMemory(self, scope)

    def get(self, scope: str, key: str) -> Any:
        """Return a value; None when there is none, or no more."""
        entries = self._scopes.get(scope)
        entry = None if entries is None else entries.get(key)
        if entries is None or entry is None:
            return None
        if entry.ends <= self._monotonic():
            self._drop(scope, entries, key)
            return None
        entries.move_to_end(key)
        self._scopes.move_to_end(scope)
        return entry.value

    def put(self, scope: str, key: str, value: Any, seconds: float, size: int) -> None:
        """Keep a value; one that is too large for its scope is not kept."""
        before = self._scopes.get(scope)
        if before is not None and key in before:
            self._drop(scope, before, key)
        entry = _Entry(value, self._monotonic() + seconds, size + len(key) + BYTES_OF_ENTRY)
        if entry.size > self._most_of_scope:
            return
        entries = self._scopes.setdefault(scope, OrderedDict())
        entries[key] = entry
        self._scopes.move_to_end(scope)
        self._sizes[scope] = self._sizes.get(scope, 0) + entry.size
        self._size += entry.size
        while self._sizes[scope] > self._most_of_scope:
            self._drop(scope, entries, next(iter(entries)))
        while self._size > self._most:
            oldest, of_oldest = next(iter(self._scopes.items()))
            self._drop(oldest, of_oldest, next(iter(of_oldest)))

    def _drop(self, scope: str, entries: OrderedDict[str, _Entry], key: str) -> None:
        size = entries.pop(key).size
        self._size -= size
        self._sizes[scope] -= size
        if not entries:
            del self._scopes[scope], self._sizes[scope]


class ScopedMemory:
    """The `Memory` port of one scope."""

    __slots__ = ("_memory", "_scope")

    def __init__(self, memory: ProcessMemory, scope: str) -> None:
        self._memory = memory
        self._scope = scope

    def get(self, key: str) -> Any:
        """Return the value; None when there is none, or no more."""
        return self._memory.get(self._scope, key)

    def put(self, key: str, value: Any, *, seconds: float, size: int = 0) -> None:
        """Keep a value for so long at most."""
        self._memory.put(self._scope, key, value, seconds, size)
