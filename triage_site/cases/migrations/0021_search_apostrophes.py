"""The words that a search looks through are kept without apostrophes within words."""

from importlib import import_module

from django.db import migrations

fill = import_module("triage_site.cases.migrations.0020_search_columns").fill


class Migration(migrations.Migration):
    dependencies = [("cases", "0020_search_columns")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
