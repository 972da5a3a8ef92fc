"""`wfctl inspect`: what a document holds, in which order its modules are built, and how its parts are connected."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.tree import Tree

from apps.engine.graph import graph
from apps.wfctl.commands.validate import HAS_ERRORS, UNREADABLE
from apps.wfctl.drawing import as_mermaid, as_text
from apps.wfctl.outline import Outline, outline
from apps.wfctl.reading import Examined, Unreadable, examine, registry
from apps.wfctl.report import as_json, complain, print_report
from apps.wfctl.terminal import WIDTH_OF_A_FILE, terminal

EXIT_CODES = "Exit codes: 0 shown; 1 the text does not parse; 2 the file cannot be read."


class GraphForm(StrEnum):
    """How the graph of a document is printed."""

    TEXT = "text"
    MERMAID = "mermaid"


def inspect(
    file: Annotated[Path, typer.Argument(help="The document to look into; `-` reads standard input.")],
    deps: Annotated[bool, typer.Option("--deps", help="Show what each module depends on.")] = False,
    form: Annotated[
        GraphForm | None, typer.Option("--graph", help="Print the graph of modules, pipelines and machines instead.")
    ] = None,
    is_json: Annotated[bool, typer.Option("--json", help="Print all of it as one JSON object.")] = False,
) -> None:
    """Show modules in the order they are built, routes, subscriptions, state machines and pipelines.

    Works on documents that cannot run, too, as long as they can be read.
    """
    types = registry()
    try:
        examined = examine(file, types)
    except Unreadable as error:
        complain(error)
        raise typer.Exit(UNREADABLE) from None
    if examined.document is None:
        _refuse(examined, is_json=is_json)
        raise typer.Exit(HAS_ERRORS)
    found = outline(examined.document, types)
    drawn = graph(examined.document, types)
    if is_json:
        typer.echo(json.dumps({"document": examined.name, **found.as_dict(), "graph": drawn}))
    elif form is not None:
        typer.echo(as_mermaid(drawn) if form is GraphForm.MERMAID else as_text(drawn))
    else:
        _print_outline(found, terminal(at_least=WIDTH_OF_A_FILE), deps=deps)


def _refuse(examined: Examined, *, is_json: bool) -> None:
    if is_json:
        typer.echo(json.dumps(as_json(examined)))
    else:
        print_report(examined, terminal(stderr=True))


def _print_outline(found: Outline, console: Console, *, deps: bool) -> None:
    modules = _table("Modules, in the order they are built", "#", "name", "type", "category")
    for number, module in enumerate(found.modules, 1):
        modules.add_row(str(number), module["name"], module["type"], module["category"])
    console.print(modules)
    for title, columns, rows in (
        ("Routes", ("method", "path", "handler"), found.routes),
        ("Subscriptions", ("topic", "handler"), found.subscriptions),
        ("State machines", ("name", "initial", "states", "transitions"), found.machines),
        ("Pipelines", ("name", "steps"), found.pipelines),
        ("Triggers", ("type", "starts"), found.triggers),
    ):
        if rows:
            table = _table(title, *columns)
            for row in rows:
                table.add_row(*(str(row[column]) for column in columns))
            console.print(table)
    if deps:
        console.print(_dependencies(found))


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="dim")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _dependencies(found: Outline) -> Tree:
    tree = Tree("Dependencies")
    for module in found.modules:
        branch = tree.add(module["name"])
        for name in module["depends_on"]:
            branch.add(name)
    return tree
