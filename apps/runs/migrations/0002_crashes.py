"""Count how often a run's driver fell silent, so that one that can never be driven ends."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("runs", "0001_tables")]

    operations = [migrations.AddField("Work", "crashes", models.SmallIntegerField(db_default=0))]
