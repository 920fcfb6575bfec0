from django.apps import AppConfig


class RetentionConfig(AppConfig):
    name = "triage_site.retention"
    label = "retention"
