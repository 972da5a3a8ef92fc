"""The verbs of `wfctl`."""

import typer

from apps.wfctl.commands import inspect, new_module, run, schema, validate
from apps.wfctl.terminal import has_no_colour

app = typer.Typer(
    name="wfctl",
    help="Check, look into and run workflow documents, without a server or a database.",
    epilog="Exit codes: 0 it went well; 1 the document or the request is at fault; 2 a bad call or file; "
    "3 blocked findings only. Each verb's --help tells its own.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None if has_no_colour() else "rich",
)
app.command(epilog=validate.EXIT_CODES)(validate.validate)
app.command(epilog=inspect.EXIT_CODES)(inspect.inspect)
app.command(epilog=run.EXIT_CODES)(run.run)
app.command(epilog=schema.EXIT_CODES)(schema.schema)
app.command("new-module", epilog=new_module.EXIT_CODES)(new_module.new_module)
