from django.conf import settings
from django.db import migrations


def join_default(apps, schema_editor):
    """Everybody with an account works in the one department of the site."""
    department = apps.get_model("cases", "Department").objects.order_by("id").first()
    app, _, model = settings.AUTH_USER_MODEL.partition(".")
    people = apps.get_model(app, model).objects.all()
    if department is not None:
        department.people.add(*people)


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0012_departments"),
    ]

    operations = [
        migrations.RunPython(join_default, migrations.RunPython.noop),
    ]
