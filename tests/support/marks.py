"""The marks that tests bear, read from their text: also those of tests that are skipped or never collected."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MARKS = ("spec", "shows", "proven")


@cache
def marks_of(folder: Path = ROOT / "tests") -> dict[str, tuple[tuple[str, tuple[str, ...]], ...]]:
    """Return by file, as a test's id names it, every mark with its arguments, where all of these are literal texts."""
    found = {path: tuple(_marks(path)) for path in sorted(folder.rglob("test_*.py"))}
    return {path.relative_to(folder.parent).as_posix(): marks for path, marks in found.items() if marks}


def counterparts_by_file(folder: Path = ROOT / "tests") -> dict[str, list[tuple[str, str]]]:
    """Return by file the types that its tests drive against a real counterpart: pairs of kind and counterpart."""
    found = {
        file: sorted({(arguments[0], arguments[1]) for name, arguments in marks if name == "proven"})
        for file, marks in marks_of(folder).items()
    }
    return {file: pairs for file, pairs in found.items() if pairs}


def _marks(path: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    text = path.read_text(encoding="utf-8")
    if not any(f"mark.{name}(" in text for name in MARKS):
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in MARKS:
            arguments = tuple(each.value for each in node.args if isinstance(each, ast.Constant))
            if arguments and len(arguments) == len(node.args) and all(isinstance(each, str) for each in arguments):
                yield node.func.attr, tuple(map(str, arguments))
