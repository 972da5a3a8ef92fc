"""Keep which brokers outside live deployments listen to as rows of their tenants, with a lease each."""

import django.db.models.deletion
from django.db import migrations, models

import apps.core.scope
import apps.engine.ids
from apps.core.tenant_table import TenantTable


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_tables"), ("runs", "0007_links")]

    operations = [
        migrations.CreateModel(
            name="Consumer",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=apps.engine.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("environment_id", models.UUIDField()),
                ("workflow_id", models.UUIDField()),
                ("version_id", models.UUIDField()),
                ("version_number", models.IntegerField()),
                ("broker", models.TextField()),
                ("owner", models.UUIDField(default=None, null=True)),
                ("lease_until", models.DateTimeField(default=None, null=True)),
                ("received_at", models.DateTimeField(default=None, null=True)),
                (
                    "tenant",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        default=apps.core.scope.current_tenant,
                        editable=False,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="+",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["tenant", "-id"], name="consumer_by_tenant")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("environment_id", "workflow_id", "broker"), name="consumer_once"
                    )
                ],
            },
        ),
        TenantTable("Consumer", relay="queue", relay_grants="select, update"),
    ]
