"""Runs a program that a test starts, and measures the part of the product that is the program itself.

``python -m tests.support.measured_child FOLDER SOURCE MODULE [arguments]`` leaves SlipCover's JSON in FOLDER at its
end, and ends as it would without. Only modules below SOURCE are measured: taking the whole product apart takes seconds.
"""

import json
import os
import runpy
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

MEASURED = "WEFT_MEASURED"  # the folder; not set where nothing is measured
NOT_RUN = ["if TYPE_CHECKING:", "@overload", r"\.\.\.$"]  # lines that exist for readers and checkers of types


class Below:
    """Says which modules are measured, by the text of their path: SlipCover's own matcher looks each up on disk."""

    def __init__(self, *folders: str, left_out: str = "") -> None:
        self._folders = tuple(f"{Path(folder).resolve()}/" for folder in folders)
        self._left_out = left_out

    def matches(self, filename: Path | str) -> bool:
        """Say it of one file; what is no Python source cannot be measured."""
        path = str(filename)
        wanted = path.startswith(self._folders) and path.endswith(".py")
        return wanted and not (self._left_out and self._left_out in path)


def measured_command(source: str, module: str, plain: Sequence[str]) -> list[str]:
    """Return the command that runs a module measured, or as `plain` where nothing is."""
    folder = os.environ.get(MEASURED)
    if folder is None:
        return [sys.executable, *plain]
    return [sys.executable, "-m", "tests.support.measured_child", folder, source, module]


@cache
def measuring(source: str) -> Any:
    """Measure what is imported from now on below a folder; return what measures it."""
    from slipcover import ImportManager, Slipcover  # noqa: PLC0415 - tests without coverage need none

    cover = Slipcover(branch=True, exclude_also=NOT_RUN)
    ImportManager(cover, Below(source)).__enter__()
    return cover


def main(folder: Path, source: str, module: str, arguments: Sequence[str]) -> None:
    """Run the program, write what it ran."""
    cover = measuring(source)
    sys.argv = [module, *arguments]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        report = folder / f"{module}-{os.getpid()}.json"
        report.write_text(json.dumps(cover.get_coverage()), encoding="utf-8")


if __name__ == "__main__":
    from tests.support.measured_child import main  # a preloaded process may be measuring in that one already

    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4:])
