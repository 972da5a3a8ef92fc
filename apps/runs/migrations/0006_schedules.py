"""Keep what live deployments do by the clock as rows of their tenants."""

import django.db.models.deletion
from django.db import migrations, models

import apps.core.scope
import apps.engine.ids
from apps.core.tenant_table import TenantTable


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_tables"), ("runs", "0005_events")]

    operations = [
        migrations.CreateModel(
            name="Schedule",
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
                ("name", models.TextField()),
                ("timetable", models.TextField()),
                ("workflow_name", models.TextField()),
                ("action", models.TextField(default="")),
                ("next_at", models.DateTimeField()),
                ("last_at", models.DateTimeField(default=None, null=True)),
                ("last_run_id", models.UUIDField(default=None, null=True)),
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
                "indexes": [
                    models.Index(fields=["next_at"], name="schedule_due"),
                    models.Index(fields=["tenant", "-id"], name="schedule_by_tenant"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("environment_id", "workflow_id", "name"), name="schedule_once"
                    )
                ],
            },
        ),
        TenantTable("Schedule", relay="queue", relay_grants="select, update"),
    ]
