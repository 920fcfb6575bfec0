import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from triage_site.cases.department_models import DEFAULT_CODE, DEFAULT_NAME, default_department


def make_default(apps, schema_editor):
    """Old cases belong to this department: the next operation fills the column with it."""
    apps.get_model("cases", "Department").objects.create(code=DEFAULT_CODE, name=DEFAULT_NAME)


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0011_anonymised_cases"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Department",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.CharField(max_length=16, unique=True)),
                ("name", models.CharField(max_length=80, unique=True)),
                (
                    "people",
                    models.ManyToManyField(related_name="departments", to=settings.AUTH_USER_MODEL),
                ),
            ],
            options={"ordering": ["id"]},
        ),
        migrations.RunPython(make_default, migrations.RunPython.noop),
        migrations.AddField(
            model_name="case",
            name="department",
            field=models.ForeignKey(
                default=default_department,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="cases",
                to="cases.department",
            ),
        ),
        migrations.CreateModel(
            name="Opening",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(db_index=True)),
                ("until", models.DateTimeField()),
                ("reason", models.CharField(max_length=500)),
                (
                    "actor",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="openings",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="openings",
                        to="cases.case",
                    ),
                ),
            ],
            options={
                "verbose_name": "case of another department opened",
                "ordering": ["-at", "-id"],
                "indexes": [models.Index(fields=["actor", "until"], name="opening_by_actor")],
            },
        ),
        migrations.CreateModel(
            name="OpeningNote",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("seen", "opening acknowledged"),
                            ("reviewed", "opening reviewed"),
                        ],
                        max_length=12,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("text", models.CharField(blank=True, max_length=500)),
                (
                    "actor",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "opening",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="notes",
                        to="cases.opening",
                    ),
                ),
            ],
            options={"ordering": ["at", "id"]},
        ),
    ]
