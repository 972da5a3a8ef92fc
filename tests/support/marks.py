"""The marks that tests bear, read from their text: also those of tests that are skipped or never collected."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"
Mark = tuple[str, tuple[str, ...]]  # name and arguments


def marks_of(*names: str, folder: Path = TESTS) -> dict[str, list[Mark]]:
    """Return by file, as a test's id names it, the marks of these names whose arguments are literal texts."""
    found = {path: list(_marks(path, names)) for path in sorted(folder.rglob("test_*.py"))}
    return {path.relative_to(folder.parent).as_posix(): marks for path, marks in found.items() if marks}


def counterparts_by_file(folder: Path = TESTS) -> dict[str, list[tuple[str, ...]]]:
    """Return by file the types that its tests drive against a real counterpart: pairs of kind and counterpart."""
    found = marks_of("proven", folder=folder)
    return {file: sorted({arguments for _, arguments in marks}) for file, marks in found.items()}


def _marks(path: Path, names: tuple[str, ...]) -> Iterator[Mark]:
    text = path.read_text(encoding="utf-8")
    if not any(f"mark.{name}(" in text for name in names):  # most files need no parsing
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in names:
            arguments = tuple(each.value for each in node.args if isinstance(each, ast.Constant))
            if arguments and len(arguments) == len(node.args) and all(isinstance(each, str) for each in arguments):
                yield node.func.attr, tuple(map(str, arguments))
