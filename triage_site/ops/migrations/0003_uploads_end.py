import django.utils.timezone
from django.db import migrations, models
from django.db.models.functions import Length


def count_bytes(apps, schema_editor):
    """Characters, which are bytes in nearly every file of numbers."""
    apps.get_model("ops", "Upload").objects.update(num_bytes=Length("content"))


class Migration(migrations.Migration):
    dependencies = [
        ("ops", "0002_measured_model_of_a_comparison"),
    ]

    operations = [
        migrations.AddField(
            model_name="upload",
            name="num_bytes",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="upload",
            name="used_at",
            field=models.DateTimeField(default=django.utils.timezone.now),
        ),
        migrations.RunPython(count_bytes, migrations.RunPython.noop),
    ]
