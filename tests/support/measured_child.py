"""Runs a program that a test starts, and measures the part of the product that is the program itself.

``python -m tests.support.measured_child FOLDER SOURCE MODULE [arguments]`` leaves SlipCover's JSON in FOLDER at its
end, and ends as it would without. Only modules below SOURCE are measured: taking the whole product apart takes seconds.
"""

import json
import os
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path

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


def main(folder: Path, source: str, module: str, arguments: Sequence[str]) -> None:
    """Run the program, write what it ran."""
    from slipcover import ImportManager, Slipcover  # noqa: PLC0415 - tests without coverage need none

    cover = Slipcover(branch=True, exclude_also=NOT_RUN)
    sys.argv = [module, *arguments]
    try:
        with ImportManager(cover, Below(source)):
            runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        report = folder / f"{module}-{os.getpid()}.json"
        report.write_text(json.dumps(cover.get_coverage()), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4:])
