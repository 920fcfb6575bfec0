"""The complaint groups of the training text and of the classifier."""

from __future__ import annotations

from llm_worker.training.guidance_complaint import complaints
from triage_site.triage.model.complaints import labels


def test_training_covers_all_complaints_of_the_classifier() -> None:
    assert labels() <= {group.label for group in complaints()}
