from datetime import timedelta

from django.db import migrations, models
from django.utils import timezone


def end_old_tokens(apps, schema_editor):
    """Tokens of before have no end; they get 90 days. Demo tokens end with demo mode."""
    tokens = apps.get_model("cases", "ApiToken").objects.filter(demo=False, expires_at=None)
    tokens.update(expires_at=timezone.now() + timedelta(days=90))


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0009_person_reasons"),
    ]

    operations = [
        migrations.AddField(
            model_name="apitoken",
            name="expires_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="last_used_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="name",
            field=models.CharField(blank=True, max_length=60),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="password_hash",
            field=models.CharField(blank=True, max_length=128),
        ),
        migrations.RunPython(end_old_tokens, migrations.RunPython.noop),
    ]
