"""Name deliveries in plain words."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("runs", "0009_schedule_claims"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="delivery",
            options={"verbose_name_plural": "deliveries"},
        ),
    ]
