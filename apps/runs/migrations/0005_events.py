"""One queue over several topics, and stored objects that end by themselves: what events and their buffers need."""

from django.db import migrations, models

from apps.core.tenant_table import role

EXPIRED = """
create function runs_expired_delete() returns integer
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    removed integer;
begin
    delete from public.runs_storedresource where id in (
        select id from public.runs_storedresource where expires_at <= public.weft_now()
        limit 10000 for update skip locked
    );
    get diagnostics removed = row_count;
    return removed;
end $$
"""


class Migration(migrations.Migration):
    dependencies = [("runs", "0004_sealed_errors")]

    operations = [
        migrations.RemoveConstraint("Subscription", "subscription_once"),
        migrations.AddConstraint(
            "Subscription",
            models.UniqueConstraint(
                fields=["environment_id", "workflow_id", "name", "topic"], name="subscription_once"
            ),
        ),
        migrations.AddField("StoredResource", "expires_at", models.DateTimeField(null=True, default=None)),
        migrations.AddIndex(
            "StoredResource",
            models.Index(fields=["expires_at"], name="resource_expiry", condition=models.Q(expires_at__isnull=False)),
        ),
        migrations.RunSQL(
            [
                EXPIRED,
                "revoke all on function runs_expired_delete() from public",
                f"grant execute on function runs_expired_delete() to {role('relay')}",
            ],
            ["drop function runs_expired_delete()"],
        ),
    ]
