"""``manage.py doctor``: what is wrong with this machine; with ``--env``, every setting there is."""

import argparse
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.core.management.local.diagnosis import diagnose


class Command(BaseCommand):
    """Looks, says what it saw, and fails when something needed is missing."""

    help = "Say what is wrong with this machine, or print the table of settings."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """One switch."""
        parser.add_argument("--env", action="store_true", help="print every setting as an environment variable")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print one of the two tables."""
        if options["env"]:
            self._environment()
        else:
            self._machine()

    def _machine(self) -> None:
        findings = diagnose(settings.BASE_DIR, settings.ENV.web_port, settings.GIVEN)
        for found in findings:
            mark = "ok" if found.fine else ("WRONG" if found.needed else "note")
            self.stdout.write(f"{mark:<6} {found.name:<10} {found.text}")
        if any(found.needed and not found.fine for found in findings):
            raise CommandError("this machine cannot run the product as it is")

    def _environment(self) -> None:
        """A secret's value is never shown, only whether there is one."""
        for row in settings.ENV.table():
            value = getattr(settings.ENV, row.field)
            shown = ",".join(value) if isinstance(value, list) else str(value)
            if row.secret:
                shown = "(set)" if value else "(not set)"
            origin = "environment" if row.name in settings.GIVEN else "default"
            self.stdout.write(
                f"{row.name}\n    {row.description}\n    {row.type}; now: {shown or '(empty)'} ({origin})"
            )
