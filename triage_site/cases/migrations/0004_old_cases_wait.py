"""Cases of before: those that a person cancelled are closed, all others wait to be seen.

Nobody recorded whether a patient had been seen, so nothing else is closed here: people close
what is over.
"""

from django.db import migrations
from django.db.models import F


def carry_over(apps, schema_editor):
    cases = apps.get_model("cases", "Case").objects.all()
    cases.update(assessed_at=F("arrived_at"))
    cases.filter(status="cancelled").update(
        clinical_status="closed", disposition="entered_in_error", closed_at=F("ended_at")
    )


class Migration(migrations.Migration):
    dependencies = [("cases", "0003_two_lives")]

    operations = [migrations.RunPython(carry_over, migrations.RunPython.noop)]
