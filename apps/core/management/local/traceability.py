"""The table of ``manage.py test --spec``: each numbered line, whether its tests passed, where they are."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

PROVEN, FAILING, UNPROVEN, OPEN = "proven", "FAILING", "NO TEST", "open"
MOST_FILES = 3
Tests = Mapping[str, Mapping[str, Any]]


def trace(tests: Tests, promised: Sequence[str], words: Mapping[str, str], write: Callable[[str], Any]) -> bool:
    """Write one line for each id that is promised, numbered or marked; false when a promised one has no passing test.

    Below a line that fails stand the tests to blame.
    """
    by_id: dict[str, list[str]] = {}
    for node, ended in tests.items():
        for identity in ended["spec"]:
            by_id.setdefault(identity, []).append(node)
    missing = [line for line in promised if not _proven(line, by_id, tests)]
    for identity in sorted({*by_id, *promised, *words}, key=_order):
        nodes = _nodes(identity, by_id)
        result = _result(identity, nodes, tests, missing)
        write(f"{identity:<12} {result:<8} {len(nodes):>4} tests  {words.get(identity, '')}  [{_files(nodes)}]")
        for node in nodes if result == FAILING else []:
            if tests[node]["outcome"] != "passed":
                write(f"    {tests[node]['outcome']:<8} {node}")
    return not missing


def covers(marked: str, promised: str) -> bool:
    """A test marked with a line, or with a numbered part of it, speaks for the line; never the other way round."""
    return marked == promised or marked.startswith(f"{promised}.")


def _nodes(line: str, by_id: Mapping[str, list[str]]) -> list[str]:
    return list(dict.fromkeys(node for identity, named in by_id.items() if covers(identity, line) for node in named))


def _proven(line: str, by_id: Mapping[str, list[str]], tests: Tests) -> bool:
    outcomes = {tests[node]["outcome"] for node in _nodes(line, by_id)}
    return "passed" in outcomes and "failed" not in outcomes


def _result(identity: str, nodes: Sequence[str], tests: Tests, missing: Sequence[str]) -> str:
    if not nodes:
        return UNPROVEN if identity in missing else OPEN
    outcomes = {tests[node]["outcome"] for node in nodes}
    return FAILING if "failed" in outcomes or identity in missing else PROVEN


def _files(nodes: Sequence[str]) -> str:
    """The test files by their names, the first few."""
    names = sorted({PurePosixPath(node.partition("::")[0]).stem.removeprefix("test_") for node in nodes})
    more = f", {len(names) - MOST_FILES} more" if len(names) > MOST_FILES else ""
    return ", ".join(names[:MOST_FILES]) + more


def _order(identity: str) -> tuple[int, str, list[int], str]:
    """Issues first, part by part; then the defects by number; then the types by name."""
    head, dash, tail = identity.partition("-")
    if dash and head.isupper():
        numbers = [int(part) for part in tail.lstrip("B").split(".") if part.isdigit()]
        return (0, head, [0 if tail.startswith("B") else 1, *numbers], tail)
    if head[:1] == "D" and head[1:].isdigit():
        return (1, "", [int(head[1:])], "")
    return (2, identity, [], "")
