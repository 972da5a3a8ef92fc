"""The verbs of `wfctl`."""

import typer

from apps.wfctl.commands.inspect import inspect
from apps.wfctl.commands.run import run
from apps.wfctl.commands.schema import schema
from apps.wfctl.commands.validate import validate

app = typer.Typer(
    name="wfctl",
    help="Check, look into and run workflow documents, without a server or a database.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(validate)
app.command()(inspect)
app.command()(schema)
app.command()(run)
