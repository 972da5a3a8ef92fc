"""Name audit entries and the outbox in plain words."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("core", "0004_default_rows"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="auditentry",
            options={"verbose_name_plural": "audit entries"},
        ),
        migrations.AlterModelOptions(
            name="outbox",
            options={"verbose_name_plural": "outbox"},
        ),
    ]
