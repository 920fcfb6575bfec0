import secrets

from django.db import migrations

from triage_site.cases.account_models import hash_of_code
from triage_site.cases.encryption import encrypt

APPS = "otp_totp_totpdevice"
CODES = "otp_static_statictoken"
CODE_DEVICES = "otp_static_staticdevice"


def take_over(apps, schema_editor):
    """Keys and recovery codes of django-otp's plugins lay in clear. They are encrypted and hashed
    here, and their tables end: the plugins are no part of the site any more."""
    connection = schema_editor.connection
    tables = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        if APPS in tables:
            cursor.execute(f"SELECT user_id, name, confirmed, key, drift, last_t FROM {APPS}")
            keep_apps(apps.get_model("cases", "AuthenticatorApp"), cursor.fetchall())
        if CODES in tables:
            cursor.execute(
                f"SELECT d.user_id, c.token FROM {CODES} c JOIN {CODE_DEVICES} d ON c.device_id = d.id"
            )
            keep_codes(apps.get_model("cases", "RecoveryCodes"), cursor.fetchall())
        for table in (CODES, CODE_DEVICES, APPS):
            if table in tables:
                cursor.execute(f"DROP TABLE {table}")
        cursor.execute("DELETE FROM django_migrations WHERE app IN ('otp_totp', 'otp_static')")


def keep_apps(model, rows):
    for user_id, name, confirmed, key, drift, last_t in rows:
        model.objects.create(
            user_id=user_id,
            name=name,
            confirmed=confirmed,
            encrypted_key=encrypt(key),
            drift=drift,
            last_t=last_t,
        )


def keep_codes(model, rows):
    codes = {}
    for user_id, code in rows:
        codes.setdefault(user_id, []).append(code)
    for user_id, of_user in codes.items():
        salt = secrets.token_hex(16)
        hashes = [hash_of_code(code, salt) for code in of_user]
        model.objects.create(user_id=user_id, name="recovery codes", salt=salt, hashes=hashes)


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0014_second_factor"),
    ]

    operations = [
        migrations.RunPython(take_over, migrations.RunPython.noop),
    ]
