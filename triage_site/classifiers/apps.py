from django.apps import AppConfig


class ClassifiersConfig(AppConfig):
    name = "triage_site.classifiers"
    label = "classifiers"

    def ready(self) -> None:
        from django.conf import settings

        from llm_worker.classifier import length

        length.prefer_weights(settings.LENGTH_WEIGHTS_FILE)
