from django.apps import AppConfig


class CasesConfig(AppConfig):
    name = "triage_site.cases"
    label = "cases"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from triage_site.cases import first_passwords, lockout, services

        first_passwords.connect()
        lockout.connect()
        services.follow_jobs()
