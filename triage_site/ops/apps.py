from django.apps import AppConfig


class OpsConfig(AppConfig):
    name = "triage_site.ops"
    label = "ops"
