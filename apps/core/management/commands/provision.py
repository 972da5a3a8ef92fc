"""``manage.py provision``: the roles and the database on a real server."""

import argparse
from typing import Any

import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.core.management.local.roles import provision


class Command(BaseCommand):
    """Makes owner, app, relay and ops with fresh passwords, and prints the environment that uses them."""

    help = "Make the Postgres roles and the database; running it again renews the passwords."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Where the server is and what the database is called."""
        parser.add_argument("--admin-url", required=True, help="postgresql://user:password@host:port/postgres")
        parser.add_argument("--database", default="weft")
        parser.add_argument("--prefix", default=settings.WEFT_ROLE_PREFIX, help="roles are <prefix>_owner, ...")

    def handle(self, *args: Any, **options: Any) -> None:
        """Provision, then print one NAME=value line per variable."""
        try:
            made = provision(options["admin_url"], options["database"], prefix=options["prefix"])
        except psycopg.Error as problem:
            raise CommandError(str(problem).strip()) from None
        for name, value in made.environment().items():
            self.stdout.write(f"{name}={value}")
        self.stderr.write("DATABASE_OWNER_URL is for `manage.py migrate --database owner` only; do not serve with it.")
