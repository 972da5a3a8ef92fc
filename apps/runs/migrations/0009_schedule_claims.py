"""Let a sweep claim schedules while it reads their documents, so that no transaction is open meanwhile."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("runs", "0008_consumers")]

    operations = [
        migrations.AddField("Schedule", "claimed_until", models.DateTimeField(null=True, default=None))
    ]
