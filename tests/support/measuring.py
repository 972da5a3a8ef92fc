"""What measures the product while it is imported, for a run of the tests and for the programs that tests start.

One in a process: a preloaded process measures already when a program comes out of it.
"""

from functools import cache
from pathlib import Path
from typing import Any

NOT_RUN = ["if TYPE_CHECKING:", "@overload", r"\.\.\.$"]  # lines that exist for readers and checkers of types
SOURCES = ["apps", "config"]
LEFT_OUT = "/migrations/"


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


@cache
def measuring_product() -> Any:
    """Measure the product as far as it is imported from now on; return what measures it."""
    from slipcover import ImportManager  # noqa: PLC0415 - tests without coverage need none

    from tests.support.probes import Probes  # noqa: PLC0415

    cover = Probes(branch=True, source=SOURCES, omit=[f"*{LEFT_OUT}*"], exclude_also=NOT_RUN)
    ImportManager(cover, Below(*SOURCES, left_out=LEFT_OUT)).__enter__()
    return cover


@cache
def measuring_program(source: str) -> Any:
    """Measure what is imported from now on below a folder; return what measures it."""
    from slipcover import ImportManager, Slipcover  # noqa: PLC0415

    cover = Slipcover(branch=True, exclude_also=NOT_RUN)
    ImportManager(cover, Below(source)).__enter__()
    return cover
