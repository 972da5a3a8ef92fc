"""`manage.py openapi`: write `deploy/openapi.yaml` from the routes there are."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.core.api.openapi import openapi_path, openapi_text


class Command(BaseCommand):
    """Keep the checked-in OpenAPI file and the code the same."""

    help = "Write the OpenAPI file; with --check only say whether it is fresh."

    def add_arguments(self, parser: CommandParser) -> None:
        """Read the options."""
        parser.add_argument("--check", action="store_true", help="write nothing, fail when the file is stale")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write or compare."""
        path, text = openapi_path(), openapi_text()
        if not options["check"]:
            path.write_text(text)
            self.stdout.write(f"Wrote {path}")
        elif not path.exists() or path.read_text() != text:
            raise CommandError(f"{path} is stale: run manage.py openapi and commit it.")
