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

from tests.support.measuring import measuring_program

MEASURED = "WEFT_MEASURED"  # the folder; not set where nothing is measured


def measured_command(source: str, module: str, plain: Sequence[str]) -> list[str]:
    """Return the command that runs a module measured, or as `plain` where nothing is."""
    folder = os.environ.get(MEASURED)
    if folder is None:
        return [sys.executable, *plain]
    return [sys.executable, "-m", "tests.support.measured_child", folder, source, module]


def main(folder: Path, source: str, module: str, arguments: Sequence[str]) -> None:
    """Run the program, write what it ran."""
    cover = measuring_program(source)
    sys.argv = [module, *arguments]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        report = folder / f"{module}-{os.getpid()}.json"
        report.write_text(json.dumps(cover.get_coverage()), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4:])
