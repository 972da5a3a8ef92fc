"""Findings for people (place, message, the line with a caret) and for programs (JSON)."""

import re
from typing import Any

from rich.console import Console
from rich.text import Text

from apps.engine.findings import Finding, Severity, counts
from apps.wfctl.reading import Examined
from apps.wfctl.terminal import terminal

COLOURS = {Severity.ERROR: "bold red", Severity.BLOCKED: "magenta", Severity.WARNING: "yellow"}
_NOUNS = {Severity.ERROR: "error", Severity.BLOCKED: "blocked", Severity.WARNING: "warning"}
_WIDEST_LINE = 160
# A text of a document from its first character on: quoted, else plain up to what ends it.
_TEXT = r""""(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s,\[\]{}:#][^,\[\]{}]*?(?=\s*(?::\s|:$|[,\]}]|\s\#|$))"""
_KEY = re.compile(_TEXT)
_KEY_AND_VALUE = re.compile(rf"(?:{_TEXT})(?:\s*:\s+(?:{_TEXT}))?")


def complain(problem: object) -> None:
    """Say on standard error, in one line, why a verb cannot do what it was asked."""
    terminal(stderr=True).print(Text(f"wfctl: {problem}", style="red"), soft_wrap=True)


def as_json(examined: Examined) -> dict[str, Any]:
    """Return the machine form: `{document, findings, counts}`."""
    return {
        "document": examined.name,
        "findings": [finding.as_dict() for finding in examined.findings],
        "counts": counts(examined.findings),
    }


def print_report(examined: Examined, console: Console) -> None:
    """Print every finding with its line, then one line that sums up."""
    lines = examined.text.splitlines()
    for finding in examined.findings:
        console.print(_headline(examined.name, finding), soft_wrap=True)
        if 0 < finding.line <= len(lines):
            for line in _excerpt(lines[finding.line - 1], finding):
                console.print(line, soft_wrap=True)
    console.print(_summary(examined), soft_wrap=True)


def _headline(name: str, finding: Finding) -> Text:
    place = f"{name}:{finding.line}:{finding.column}" if finding.line else name
    severity = (_NOUNS[finding.severity], COLOURS[finding.severity])
    where = (f" {finding.path}" if finding.path else "", "dim")
    return Text.assemble((place, "bold"), ": ", severity, f" {finding.message} ", (f"[{finding.code}]", "dim"), where)


def _excerpt(source: str, finding: Finding) -> list[Text]:
    """Return the source line and carets under what is meant; tabs keep their width, long lines are cut.

    A character that would move the cursor or the colours of a terminal is shown as a dot.
    """
    gutter = f"{finding.line:>5} | "
    column = max(finding.column, 1) - 1
    start = max(column - _WIDEST_LINE // 2, 0) if len(source) > _WIDEST_LINE else 0
    shown = "".join(
        each if each == "\t" or each.isprintable() else "·" for each in source[start : start + _WIDEST_LINE]
    )
    padding = "".join("\t" if character == "\t" else " " for character in shown[: column - start])
    pattern = _KEY if finding.code.startswith("key.") else _KEY_AND_VALUE  # a place is that of the key
    fault = pattern.match(shown, column - start)
    carets = "^" * max(1, len(fault[0]) if fault else 1)
    return [
        Text.assemble((gutter, "dim"), shown),
        Text.assemble((" " * 6 + "| ", "dim"), padding, (carets, COLOURS[finding.severity])),
    ]


def _summary(examined: Examined) -> Text:
    number = counts(examined.findings)
    if not examined.findings:
        return Text.assemble((examined.name, "bold"), ": ", ("no findings", "green"))
    words = [
        f"{number[severity.value]} {_plural(severity, number[severity.value])}"
        for severity in Severity
        if number[severity.value]
    ]
    return Text.assemble((examined.name, "bold"), ": ", ", ".join(words))


def _plural(severity: Severity, number: int) -> str:
    noun = _NOUNS[severity]
    return noun if number == 1 or severity is Severity.BLOCKED else f"{noun}s"
