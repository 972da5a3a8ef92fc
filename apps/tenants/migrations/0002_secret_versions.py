"""Earlier values of secrets: to be named by their number, and to be recognised for as long as rows may hold them."""

import django.db.models.deletion
from django.db import migrations, models

import apps.core.clock
import apps.core.models
import apps.core.scope
import apps.engine.ids
from apps.core.tenant_table import TenantTable, role

# Retired values are kept a day longer than the journal's rows, which may hold them.
FORGET = """
create function tenants_secrets_forget() returns integer
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    removed integer;
begin
    delete from public.tenants_secret_version where retired_at < public.weft_now() - interval '31 days';
    get diagnostics removed = row_count;
    return removed;
end $$
"""


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_tables")]

    operations = [
        migrations.AddField("Secret", "version", models.IntegerField(db_default=1)),
        migrations.RunSQL(
            [f'grant select ("version") on "tenants_secret" to {role("ops")}'],
            [f'revoke select ("version") on "tenants_secret" from {role("ops")}'],
        ),
        migrations.CreateModel(
            name="SecretVersion",
            fields=[
                ("id", models.UUIDField(default=apps.engine.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("name", models.TextField()),
                ("number", models.IntegerField()),
                ("ciphertext", models.BinaryField()),
                ("key_id", models.TextField()),
                ("set_at", models.DateTimeField()),
                ("set_by", models.TextField()),
                ("retired_at", models.DateTimeField(null=True)),
                ("environment", apps.core.models.TenantForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="tenants.environment")),
                ("tenant", models.ForeignKey(db_constraint=False, db_index=False, default=apps.core.scope.current_tenant, editable=False, on_delete=django.db.models.deletion.RESTRICT, related_name="+", to="tenants.tenant")),
            ],
            options={
                "db_table": "tenants_secret_version",
                "constraints": [models.UniqueConstraint(fields=("tenant", "environment", "name", "number"), name="tenants_secret_version_number")],
                "indexes": [models.Index(fields=["retired_at"], name="tenants_secret_version_retired", condition=models.Q(retired_at__isnull=False))],
            },
        ),
        TenantTable("SecretVersion", references={"environment": "tenants.Environment"}, ops_hidden=("ciphertext",)),
        migrations.RunSQL(
            [
                FORGET,
                "revoke all on function tenants_secrets_forget() from public",
                f"grant execute on function tenants_secrets_forget() to {role('relay')}",
            ],
            ["drop function tenants_secrets_forget()"],
        ),
    ]  # fmt: skip
