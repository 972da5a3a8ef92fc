"""Code of the product in a preloaded process: held as long as its files are as they were when it was loaded.

What has changed since, or cannot be loaded, is let go of as a whole: programs then load all of it themselves, as it is
on disk when they start, and while it is broken they say so.
"""

import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from pkgutil import walk_packages

Mark = tuple[int, int, int, int]


class Held:
    """Packages with everything below them. They load nothing of the product but each other."""

    def __init__(self, packages: Sequence[str]) -> None:
        self._packages = packages
        self._marks: dict[str, Mark] = {}

    def load(self) -> None:
        """Load them, noting first what the files are."""
        try:
            self._marks = self._look()
            for package in self._packages:
                _load(package)
        except Exception:
            self._let_go()

    def look_again(self) -> None:
        """Let go of them when a file was changed, added or removed."""
        if not self._is_unchanged():
            self._let_go()

    def _is_unchanged(self) -> bool:
        try:
            return self._look() == self._marks
        except OSError:  # a file that was there a moment ago
            return False

    def _look(self) -> dict[str, Mark]:
        return dict(found for package in self._packages for found in _files(package))

    def _let_go(self) -> None:
        for package in self._packages:
            for name in [name for name in sys.modules if name == package or name.startswith(f"{package}.")]:
                del sys.modules[name]
            above, _, last = package.rpartition(".")
            if above in sys.modules:
                vars(sys.modules[above]).pop(last, None)  # `from above import last` would find it there
        self._packages, self._marks = (), {}
        importlib.invalidate_caches()


def _load(package: str) -> None:
    top = importlib.import_module(package)
    for module in walk_packages(top.__path__, f"{package}."):
        importlib.import_module(module.name)


def _files(package: str) -> Iterator[tuple[str, Mark]]:
    spec = importlib.util.find_spec(package)
    for top in (spec and spec.submodule_search_locations) or ():
        for folder, inside, names in os.walk(top):
            inside[:] = [name for name in inside if name != "__pycache__"]
            for name in names:
                path = os.path.join(folder, name)
                found = os.stat(path)
                yield path, (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)
