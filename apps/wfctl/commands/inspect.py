"""`wfctl inspect`: what a document holds, and in which order its modules are built."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.tree import Tree

from apps.engine.graph import graph
from apps.wfctl.commands.validate import HAS_ERRORS, UNREADABLE
from apps.wfctl.outline import Outline, outline
from apps.wfctl.reading import Unreadable, examine, registry
from apps.wfctl.report import complain, print_report

WIDTH_OF_A_FILE = 160


def inspect(
    file: Annotated[Path, typer.Argument(help="The document to look into; `-` reads standard input.")],
    deps: Annotated[bool, typer.Option("--deps", help="Show what each module depends on.")] = False,
    as_graph: Annotated[bool, typer.Option("--graph", help="Show every connection of the document.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print all of it as one JSON object.")] = False,
) -> None:
    """Show modules in the order they are built, routes, subscriptions, state machines and pipelines.

    Works on documents that cannot run, too, as long as they can be read. Exits 1 when the text does not parse.
    """
    types = registry()
    try:
        examined = examine(file, types)
    except Unreadable as error:
        complain(error)
        raise typer.Exit(UNREADABLE) from None
    if examined.document is None:
        print_report(examined, Console(stderr=True))
        raise typer.Exit(HAS_ERRORS)
    found = outline(examined.document, types)
    edges = graph(examined.document, types)
    if as_json:
        typer.echo(json.dumps({"document": examined.name, **found.as_dict(), "graph": edges}))
        return
    terminal = Console(highlight=False)
    if not terminal.is_terminal:
        terminal = Console(highlight=False, width=max(terminal.width, WIDTH_OF_A_FILE))
    _print_outline(found, terminal)
    if deps:
        terminal.print(_dependencies(found))
    if as_graph:
        _print_edges(edges, terminal)


def _print_outline(found: Outline, terminal: Console) -> None:
    modules = _table("Modules, in the order they are built", "#", "name", "type", "category")
    for number, module in enumerate(found.modules, 1):
        modules.add_row(str(number), module["name"], module["type"], module["category"])
    terminal.print(modules)
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
            terminal.print(table)


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


def _print_edges(edges: dict[str, Any], terminal: Console) -> None:
    table = _table("Connections", "from", "to", "kind", "label")
    for edge in edges["edges"]:
        table.add_row(edge["from"], edge["to"], edge["kind"], edge.get("label") or "")
    terminal.print(table)
