from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0003_preview")]

    operations = [
        migrations.AddField("job", "first_in_level", models.BooleanField(default=False)),
    ]
