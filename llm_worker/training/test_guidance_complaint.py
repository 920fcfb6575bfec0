from __future__ import annotations

from llm_worker.training.guidance_complaint import complaints
from triage_site.triage.model.complaints import labels


def test_guidance_is_written_for_every_complaint_that_the_classifier_names() -> None:
    assert labels() <= {group.label for group in complaints()}
