from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "triage_site.audit"
    label = "audit"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from triage_site.audit import sign_ins

        sign_ins.connect()
