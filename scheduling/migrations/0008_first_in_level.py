from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0007_receipts_of_open_jobs")]

    operations = [
        migrations.AddField("job", "first_in_level", models.BooleanField(default=False)),
        migrations.AddField("job", "manual_first", models.BooleanField(default=False)),
    ]
