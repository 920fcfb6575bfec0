from django.apps import AppConfig


class TriageSiteConfig(AppConfig):
    name = "triage_site"

    def ready(self) -> None:
        # Every process that uses Django then sends its tasks to this project's broker.
        from triage_site import celery, deploy_checks  # noqa: F401
        from triage_site.silent_database import bound_waits

        bound_waits()
