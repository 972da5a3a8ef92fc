"""Links between workflows: subscriptions that hear one other workflow, in every environment."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("runs", "0006_schedules")]

    operations = [
        migrations.AddField("Subscription", "source_workflow_id", models.UUIDField(null=True, default=None)),
        migrations.AddField("Subscription", "link", models.TextField(null=True, default=None)),
        migrations.AddIndex(
            "Subscription",
            models.Index(
                fields=["source_workflow_id"],
                name="subscription_by_source",
                condition=models.Q(source_workflow_id__isnull=False),
            ),
        ),
    ]
