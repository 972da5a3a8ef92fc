"""Say in the queue by when a try must have ended, so that anyone may take a run from a worker that hangs."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("runs", "0002_crashes")]

    operations = [migrations.AddField("Work", "try_until", models.DateTimeField(null=True, default=None))]
