"""Code of the product in a preloaded process: held as long as its files are as they were when it was loaded.

What has changed since, or cannot be loaded, is let go of as a whole: programs then load all of it themselves, as it is
on disk when they start, and while it is broken they say so.
"""

import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from pkgutil import walk_packages

Mark = tuple[int, int, int, int]


class Held:
    """Modules, and packages with everything below them; of the same top package also what these import."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._tops = frozenset(name.partition(".")[0] for name in names)
        self._before = frozenset(sys.modules)
        self._folders: list[str] = []  # no file may be added to these
        self._marks: dict[str, Mark] = {}

    def load(self) -> None:
        """Load them, noting first what the files are."""
        try:
            noted = dict(_below(_folder_of(top) for top in self._tops))
            for name in self._names:
                self._folders += _load(name)
            files = [str(sys.modules[name].__file__) for name in self._loaded()]
            self._marks = {path: noted[path] for path in files} | {
                path: noted[path] for path, _ in _below(self._folders)
            }
        except Exception:
            self._let_go()

    def look_again(self) -> None:
        """Let go of them when a file was changed, added or removed."""
        if not self._is_unchanged():
            self._let_go()

    def _is_unchanged(self) -> bool:
        try:
            found = dict(_below(self._folders))
            return {path: found.get(path) or _mark(path) for path in self._marks.keys() | found} == self._marks
        except OSError:  # a file that was there before
            return False

    def _loaded(self) -> list[str]:
        """Return the names of all that was loaded here of the product."""
        return [name for name in sys.modules if name.partition(".")[0] in self._tops and name not in self._before]

    def _let_go(self) -> None:
        for name in self._loaded():
            above, _, last = name.rpartition(".")
            if above in self._before:
                vars(sys.modules[above]).pop(last, None)  # `from above import last` would find it there
            del sys.modules[name]
        self._folders, self._marks = [], {}
        importlib.invalidate_caches()


def _load(name: str) -> Sequence[str]:
    """Return the folders of a package."""
    module = importlib.import_module(name)
    folders = list(getattr(module, "__path__", ()))
    for below in walk_packages(folders, f"{name}."):
        importlib.import_module(below.name)
    return folders


def _folder_of(top: str) -> str:
    spec = importlib.util.find_spec(top)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(top)
    return str(Path(spec.origin).parent)


def _below(folders: Iterator[str] | Sequence[str]) -> Iterator[tuple[str, Mark]]:
    for top in folders:
        for folder, inside, names in os.walk(top):
            inside[:] = [name for name in inside if name != "__pycache__"]
            for name in names:
                path = os.path.join(folder, name)
                yield path, _mark(path)


def _mark(path: str) -> Mark:
    found = os.stat(path)
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino
