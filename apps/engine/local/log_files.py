"""A log file of `wfctl run`: lines are added until it is full, then it is put beside, and the oldest go."""

import gzip
import os
import shutil
import threading
import time
from collections import defaultdict
from pathlib import Path

from apps.engine.log_targets import FileTarget

MIB = 1_048_576
DAY_SECONDS = 86_400


class LogFiles:
    """Files that are written to from threads, each by one at a time."""

    def __init__(self) -> None:
        self._locks: defaultdict[Path, threading.Lock] = defaultdict(threading.Lock)

    def add(self, file: Path, target: FileTarget, line: str) -> None:
        """Add one line; raise `OSError` when the file cannot be written."""
        content = f"{line}\n".encode()
        with self._locks[file]:
            file.parent.mkdir(parents=True, exist_ok=True)
            if file.exists() and file.stat().st_size + len(content) > target.max_size * MIB:
                _rotate(file, target)
            with file.open("ab") as opened:
                opened.write(content)


def _rotate(file: Path, target: FileTarget) -> None:
    """Put the file beside as number 1, the others one number up; forget those that are too many or too old."""
    oldest = time.time() - target.max_age * DAY_SECONDS
    for number, kept in sorted(_kept(file), reverse=True):
        if number >= target.max_backups or (target.max_age and kept.stat().st_mtime < oldest):
            kept.unlink()
        else:
            kept.rename(file.with_name(f"{file.name}.{number + 1}{'.gz' if kept.suffix == '.gz' else ''}"))
    if target.max_backups == 0:
        file.unlink()
        return
    first = file.with_name(f"{file.name}.1")
    file.rename(first)
    if target.compress:
        _compress(first)


def _kept(file: Path) -> list[tuple[int, Path]]:
    """Return the files beside a log file that were it once, with their numbers."""
    found = []
    for path in file.parent.iterdir():
        number = path.name.removeprefix(f"{file.name}.").removesuffix(".gz")
        if path.name != file.name and number.isascii() and number.isdigit():
            found.append((int(number), path))
    return found


def _compress(path: Path) -> None:
    made = path.with_name(f"{path.name}.gz")
    with path.open("rb") as whole, gzip.open(made, "wb") as packed:
        shutil.copyfileobj(whole, packed)
    os.utime(made, (path.stat().st_atime, path.stat().st_mtime))
    path.unlink()
