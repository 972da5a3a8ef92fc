"""`wfctl schema`: the JSON Schema of documents, or of one module type's config."""

import json
from typing import Annotated

import typer

from apps.engine.schema import document_schema
from apps.engine.standard_schema import StandardSchema
from apps.wfctl.reading import registry
from apps.wfctl.report import complain

UNKNOWN = 2
EXIT_CODES = "Exit codes: 0 printed; 2 there is no such module type."


def schema(
    kind: Annotated[str, typer.Argument(help="A module type, such as webhook.sender; without it, all.")] = "",
) -> None:
    """Print the JSON Schema (draft 2020-12) of documents, for editors and other tools."""
    types = registry()
    if not kind:
        typer.echo(json.dumps(document_schema(types), indent=2))
        return
    found = types.get(kind)
    if found is None:
        complain(f"there is no module type {kind!r}")
        raise typer.Exit(UNKNOWN)
    typer.echo(json.dumps(found.Config.model_json_schema(schema_generator=StandardSchema), indent=2))
