"""`wfctl new-module`: the four files of a new module type, which pass every test of the catalogue as they are made."""

import json
from pathlib import Path
from typing import Annotated

import typer

from apps.engine.module import Category
from apps.wfctl.reading import registry
from apps.wfctl.report import complain
from apps.wfctl.scaffold import CannotMake, NewType, make, new_type
from apps.wfctl.terminal import terminal

TAKEN, BAD_CALL = 1, 2
EXIT_CODES = "Exit codes: 0 made; 1 the type or one of its files exists; 2 no such form of a name, or no checkout here."


def new_module(
    kind: Annotated[str, typer.Argument(help="What documents will write under `type:`, such as webhook.receiver.")],
    category: Annotated[
        Category | None, typer.Option(help="Its folder; follows from the kind's first word where left out.")
    ] = None,
    title: Annotated[str, typer.Option(help="Its name in the palette; made from the kind where left out.")] = "",
    into: Annotated[Path, typer.Option(help="The checkout to write into.")] = Path("."),
    is_json: Annotated[bool, typer.Option("--json", help="Print the written files as one JSON object.")] = False,
) -> None:
    """Make a module type: source, unit test, example, and its line in the frozen list of the contract tests.

    The type works as it is made, adding one field to what goes through it; nothing is written when anything is taken.
    """
    try:
        asked = new_type(kind, category, title)
        if kind in registry().names():
            raise CannotMake(f"there is a module type {kind!r} already", is_taken=True)
        files = make(asked, into)
    except CannotMake as problem:
        complain(problem)
        raise typer.Exit(TAKEN if problem.is_taken else BAD_CALL) from None
    if is_json:
        typer.echo(json.dumps({"kind": kind, "category": asked.category.value, "files": files}))
    else:
        _tell(asked, files)


def _tell(asked: NewType, files: list[str]) -> None:
    console = terminal()
    for name in files:
        console.print(f"  {name}", style="green", soft_wrap=True)
    tests = f"tests/contract/test_catalog.py {asked.test}"
    console.print(f"Try it: .venv/bin/python -m pytest -c pyproject.toml -q {tests}", soft_wrap=True)
