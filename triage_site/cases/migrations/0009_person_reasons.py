"""Cases keep the codes of why a person should decide; open cases take them from their answer."""

from django.db import migrations, models


def carry_over(apps, schema_editor):
    cases = apps.get_model("cases", "Case").objects.filter(needs_person=True)
    for case in cases.exclude(clinical_status="closed").iterator():
        reasons = case.classification.get("person_reasons")
        if reasons:
            case.person_reasons = reasons
            case.save(update_fields=["person_reasons"])


class Migration(migrations.Migration):
    dependencies = [("cases", "0008_moved_event")]

    operations = [
        migrations.AddField("case", "person_reasons", models.JSONField(default=list)),
        migrations.RunPython(carry_over, migrations.RunPython.noop),
    ]
