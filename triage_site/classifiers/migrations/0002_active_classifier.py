from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("classifiers", "0001_initial")]

    operations = [
        migrations.RenameField("shadowanswer", "live_version", "active_version"),
        migrations.RenameField("shadowanswer", "live_priority", "active_priority"),
    ]
