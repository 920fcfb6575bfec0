from django.apps import AppConfig


class ClassifiersConfig(AppConfig):
    name = "triage_site.classifiers"
    label = "classifiers"
