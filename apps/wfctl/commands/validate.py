"""`wfctl validate`: say everything that is wrong with a document, and whether it could be deployed."""

import json
from pathlib import Path
from typing import Annotated

import typer

from apps.engine.check import CheckOptions
from apps.engine.findings import Severity
from apps.wfctl.reading import Examined, Unreadable, examine_each, registry
from apps.wfctl.report import as_json, complain, print_report
from apps.wfctl.terminal import terminal

CLEAN, HAS_ERRORS, UNREADABLE, ONLY_BLOCKED = 0, 1, 2, 3
EXIT_CODES = "Exit codes: 0 clean or warnings only; 1 errors; 2 a file cannot be read; 3 blocked, and no errors."


def validate(
    files: Annotated[list[Path], typer.Argument(help="Documents to check; `-` reads standard input.")],
    as_json_lines: Annotated[bool, typer.Option("--json", help="Print one JSON object per document.")] = False,
    strict: Annotated[bool, typer.Option(help="Demand at least one module.")] = False,
    allow_placeholders: Annotated[
        bool, typer.Option("--allow-placeholders", help="Let placeholder types pass, as a deployment may.")
    ] = False,
) -> None:
    """Check documents and print all findings with their places, or with --json one JSON object per document.

    A document with errors is unusable; one that is blocked can be edited and drawn, and not deployed. A file that lists
    `links` between workflows, and is none itself, is checked as such. Of a text with a list of workflows, as a visual
    editor exports them, each is a document of its own, with its places in the whole text.
    """
    types = registry()
    options = CheckOptions(strict=strict, files=True, allow_placeholders=allow_placeholders)
    worst = CLEAN
    for path in files:
        try:
            found = examine_each(path, types, options, has_links=True)
        except Unreadable as error:
            complain(error)
            raise typer.Exit(UNREADABLE) from None
        for examined in found:
            _print(examined, as_json_lines)
            worst = _worse(worst, exit_code(examined))
    raise typer.Exit(worst)


def exit_code(examined: Examined) -> int:
    """Return what the process should answer for one document."""
    if examined.has(Severity.ERROR):
        return HAS_ERRORS
    return ONLY_BLOCKED if examined.has(Severity.BLOCKED) else CLEAN


def _print(examined: Examined, as_json_lines: bool) -> None:
    if as_json_lines:
        typer.echo(json.dumps(as_json(examined)))
    else:
        print_report(examined, terminal())


def _worse(first: int, second: int) -> int:
    return HAS_ERRORS if HAS_ERRORS in (first, second) else max(first, second)
