"""``manage.py rotate_keys``: everything that is kept, sealed again with the first of ENCRYPTION_KEYS."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.runs.operations.rotation import keys_rotate
from apps.tenants.queries import tenant_ids

HOW = "Give every process the new key behind the old one first, then in front of it, and then run this."


class Command(BaseCommand):
    """Says what it does as it goes, and at the end when an older key may be removed."""

    help = f"Seal all kept rows again with the first of ENCRYPTION_KEYS, while traffic goes on. {HOW}"

    def handle(self, *args: Any, **options: Any) -> None:
        """Rotate; fail when something still needs an older key."""
        if not settings.ENCRYPTION_KEYS:
            raise CommandError("ENCRYPTION_KEYS is not configured: there is nothing to rotate to.")

        def told(tenant_id: UUID, table: str, count: int) -> None:
            self.stdout.write(f"{tenant_id} {table}: {count} sealed again")

        rotation = keys_rotate(tenant_ids(), told)
        for table, count in rotation.sealed.items():
            self.stdout.write(f"{table}: {count} in all, {rotation.left[table]} left")
        if not rotation.is_complete:
            raise CommandError(
                "Some rows still need an older key, or one that is not configured; the log tells which tables. Keep "
                "all keys, and run this again."
            )
        self.stdout.write(
            "Nothing that is kept needs an older key. The journal still does: remove older keys from ENCRYPTION_KEYS "
            f"on {rotation.removable_on} or later, if every process has the new key in front since today."
        )
