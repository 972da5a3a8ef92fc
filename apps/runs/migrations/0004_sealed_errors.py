"""Make room for the sealed error of an instance: it may quote data. Errors of before stay readable as they are."""

from django.db import migrations, models

TO_BYTES = "alter table runs_instance alter column error type bytea using convert_to(error, 'UTF8')"
TO_TEXT = "alter table runs_instance alter column error type text using null"


class Migration(migrations.Migration):
    dependencies = [("runs", "0003_try_until")]

    operations = [
        migrations.SeparateDatabaseAndState(
            [migrations.RunSQL(TO_BYTES, TO_TEXT)],
            [migrations.AlterField("Instance", "error", models.BinaryField(null=True, default=None))],
        )
    ]
