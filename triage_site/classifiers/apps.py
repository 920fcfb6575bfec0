from django.apps import AppConfig


class ClassifiersConfig(AppConfig):
    name = "triage_site.classifiers"
    label = "classifiers"

    def ready(self) -> None:
        from django.conf import settings

        from triage_site.triage import length

        length.prefer_weights(settings.LENGTH_WEIGHTS_FILE)
