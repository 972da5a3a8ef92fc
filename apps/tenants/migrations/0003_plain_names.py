"""Name API keys in plain words."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("tenants", "0002_secret_versions"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="apikey",
            options={"verbose_name": "API key"},
        ),
    ]
