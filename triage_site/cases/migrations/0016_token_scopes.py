from django.db import migrations, models


def keep_what_cases_need(apps, schema_editor):
    """Tokens of before enter and change cases as they did, and operate nothing any more. Demo
    tokens keep everything. Those of accounts that need a second factor open nothing from now on:
    nobody knows whether they were made with one."""
    tokens = apps.get_model("cases", "ApiToken").objects
    tokens.filter(demo=False).update(scope="submit")
    tokens.filter(demo=True).update(scope="operate")


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0015_second_factor_rows"),
    ]

    operations = [
        migrations.AddField(
            model_name="apitoken",
            name="factor",
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="scope",
            field=models.CharField(
                choices=[
                    ("read", "Read cases and figures"),
                    ("submit", "Also enter and change cases"),
                    ("operate", "Everything that the account may do"),
                ],
                default="read",
                max_length=12,
            ),
        ),
        migrations.RunPython(keep_what_cases_need, migrations.RunPython.noop),
    ]
