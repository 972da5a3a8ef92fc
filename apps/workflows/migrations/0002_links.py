"""Keep links between workflows as rows of their tenant."""

import django.db.models.deletion
from django.db import migrations, models

import apps.core.models
import apps.core.scope
import apps.engine.ids
from apps.core.tenant_table import TenantTable


def _workflow() -> apps.core.models.TenantForeignKey:
    return apps.core.models.TenantForeignKey(
        db_constraint=False,
        db_index=False,
        on_delete=django.db.models.deletion.RESTRICT,
        related_name="+",
        to="workflows.workflow",
    )


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_tables"), ("workflows", "0001_tables")]

    operations = [
        migrations.CreateModel(
            name="WorkflowLink",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=apps.engine.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("link_type", models.TextField()),
                ("event_pattern", models.TextField()),
                ("target_action", models.TextField(blank=True, default="")),
                ("description", models.TextField(blank=True, default="")),
                ("params", models.TextField(default="{}")),
                ("created_at", models.DateTimeField()),
                ("created_by", models.TextField()),
                ("source", _workflow()),
                ("target", _workflow()),
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
                "db_table": "workflows_link",
                "indexes": [models.Index(fields=["target", "-id"], name="workflows_link_target")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("source", "target", "link_type", "event_pattern", "target_action"),
                        name="workflows_link_once",
                    )
                ],
            },
        ),
        TenantTable(
            "WorkflowLink",
            app="select, insert, delete",
            references={"source": "workflows.Workflow", "target": "workflows.Workflow"},
        ),
    ]
