"""The complaint groups of the training text and of the classifier."""

from __future__ import annotations

from llm_worker.training.guidance_complaint import complaints
from triage_site.triage.model.naming import ONLY_NAMED, labels


def test_training_covers_all_complaints_that_are_not_only_named() -> None:
    assert labels() - ONLY_NAMED <= {group.label for group in complaints()}
