"""The table of ``manage.py test --spec``: each numbered line, the tests that name it, and whether they passed."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

PROVEN, FAILING, UNPROVEN = "proven", "FAILING", "NO TEST"


def trace(tests: Mapping[str, Mapping[str, Any]], promised: Sequence[str], write: Callable[[str], Any]) -> bool:
    """Write the table; false when a line of a finished part has no passing test."""
    by_id: dict[str, list[str]] = {}
    for node, ended in tests.items():
        for identity in ended["spec"]:
            by_id.setdefault(identity, []).append(node)
    missing = [line for line in promised if not _proven(line, by_id, tests)]
    for identity in sorted({*by_id, *missing}, key=_order):
        nodes = by_id.get(identity, [])
        write(f"{identity:<14} {_result(identity, nodes, tests, missing):<8} {len(nodes)} tests")
        for node in nodes:
            write(f"    {tests[node]['outcome']:<8} {node}")
    return not missing


def covers(marked: str, promised: str) -> bool:
    """A test marked with a line, or with a numbered part of it, speaks for the line."""
    return marked == promised or marked.startswith(f"{promised}.")


def _proven(line: str, by_id: Mapping[str, list[str]], tests: Mapping[str, Mapping[str, Any]]) -> bool:
    nodes = [node for identity, named in by_id.items() if covers(identity, line) for node in named]
    outcomes = {tests[node]["outcome"] for node in nodes}
    return "passed" in outcomes and "failed" not in outcomes


def _result(identity: str, nodes: list[str], tests: Mapping[str, Mapping[str, Any]], missing: list[str]) -> str:
    if not nodes:
        return UNPROVEN
    outcomes = {tests[node]["outcome"] for node in nodes}
    return FAILING if "failed" in outcomes or identity in missing else PROVEN


def _order(identity: str) -> tuple[str, list[int], str]:
    head, _, tail = identity.partition("-")
    numbers = [int(part) for part in tail.lstrip("B").split(".") if part.isdigit()]
    return (head, [0 if tail.startswith("B") else 1, *numbers], tail)
