from django.apps import AppConfig


class TriageSiteConfig(AppConfig):
    name = "triage_site"

    def ready(self) -> None:
        # So that every process that has Django sends its tasks to our broker.
        from triage_site import celery  # noqa: F401
