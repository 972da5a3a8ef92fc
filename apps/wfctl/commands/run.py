"""`wfctl run`: serve a document on this machine, with everything it needs in this one process."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from apps.wfctl.address import BadAddress, parse_address
from apps.wfctl.reading import Unreadable
from apps.wfctl.report import complain
from apps.wfctl.serving import CannotServe, Served, serve
from apps.wfctl.terminal import terminal

UNUSABLE, BAD_CALL = 1, 2
EXIT_CODES = "Exit codes: 0 stopped; 1 the document cannot run, or its address is taken; 2 a bad address or file."


def run(
    file: Annotated[Path, typer.Argument(help="The document to serve.")],
    address: Annotated[str, typer.Option(help="Listen here instead of where the document says; port 0 is any.")] = "",
    store: Annotated[str, typer.Option(help="Keep runs and data in this SQLite file instead of memory.")] = ":memory:",
    reload: Annotated[bool, typer.Option(help="Serve the new text when the file changes.")] = True,
    console: Annotated[bool, typer.Option(help="Answer /_weft/... to this machine.")] = True,
    allow_placeholders: Annotated[
        bool, typer.Option("--allow-placeholders", help="Serve placeholder types as services that do nothing.")
    ] = False,
) -> None:
    """Serve a document on the address it names; no database server, no tenant.

    Secrets (`${NAME}`) are environment variables. An address without a host, such as `:8080`, is this machine only.
    A changed file is served as soon as it is saved; while it has errors, what was served before goes on.
    """
    try:
        wanted = parse_address(address) if address else None
        asyncio.run(serve(Served(file, wanted, store, reload, console, allow_placeholders), terminal()))
    except (BadAddress, Unreadable) as error:
        complain(error)
        raise typer.Exit(BAD_CALL) from None
    except CannotServe as error:
        complain(error)
        raise typer.Exit(UNUSABLE) from None
