"""`wfctl run`: serve a document on this machine, with everything it needs in this one process."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from apps.wfctl.address import BadAddress, parse_address
from apps.wfctl.reading import Unreadable
from apps.wfctl.report import complain
from apps.wfctl.terminal import terminal

UNUSABLE, BAD_CALL = 1, 2
EXIT_CODES = (
    "Exit codes: 0 stopped; 1 a document cannot run, the links cannot be used, or an address is taken; "
    "2 a bad call, address or file."
)


def run(  # noqa: PLR0913, PLR0917 - each is an option of the command line
    files: Annotated[list[Path], typer.Argument(help="The documents to serve.")],
    address: Annotated[
        list[str] | None,
        typer.Option(help="Listen here instead of where the document says; port 0 is any. Once for each document."),
    ] = None,
    links: Annotated[Path | None, typer.Option(help="Links between the documents, as a file that lists them.")] = None,
    store: Annotated[str, typer.Option(help="Keep runs and data in this SQLite file instead of memory.")] = ":memory:",
    reload: Annotated[bool, typer.Option(help="Serve the new text when the file changes.")] = True,
    console: Annotated[bool, typer.Option(help="Answer /_weft/... to this machine.")] = True,
    allow_placeholders: Annotated[
        bool, typer.Option("--allow-placeholders", help="Serve placeholder types as services that do nothing.")
    ] = False,
    local_brokers: Annotated[
        bool, typer.Option("--local-brokers", help="Let this process stand in for Kafka and NATS.")
    ] = False,
    seed: Annotated[
        int | None, typer.Option(help="Have what components leave to chance fall out the same each time.")
    ] = None,
) -> None:
    """Serve documents on the addresses they name; no database server, no tenant.

    Secrets (`${NAME}`) are environment variables. An address without a host, such as `:8080`, is this machine only.
    A changed file is served as soon as it is saved; while it has errors, what was served before goes on.

    Several documents are joined like the workflows of one environment: they hear one another's topics, and with
    `--links` events of one start runs, or are published, at another. Links name a document by its `name` or its file.

    A broker outside that is away is waited for. With `--local-brokers` none is needed: what a document publishes to an
    address is heard by all documents that listen there, and forgotten when this ends.
    """
    # Servers, brokers and their clients take as long to load as everything else: the other verbs do without.
    from apps.wfctl.served import BadCall, CannotServe, Wanted  # noqa: PLC0415
    from apps.wfctl.serving import serve  # noqa: PLC0415

    try:
        addresses = tuple(map(parse_address, address or ()))
        wanted = Wanted(tuple(files), addresses, links, store, reload, console, allow_placeholders, local_brokers, seed)
        asyncio.run(serve(wanted, terminal()))
    except (BadAddress, BadCall, Unreadable) as error:
        complain(error)
        raise typer.Exit(BAD_CALL) from None
    except CannotServe as error:
        complain(error)
        raise typer.Exit(UNUSABLE) from None
