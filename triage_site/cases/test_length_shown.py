"""The predicted length of guidance is shown until the guidance is ready."""

from __future__ import annotations

import re

import pytest
from django.utils import timezone

from scheduling.models import Job
from tests.factories import make_case
from triage_site.cases import services
from triage_site.cases.models import Case, CaseStatus
from triage_site.cases.panel import render_guidance
from triage_site.classifiers.classifier_testing import classification

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(monkeypatch: pytest.MonkeyPatch) -> Case:
    """A case that waits for guidance while a worker is running."""
    case = make_case("twisted ankle, can walk")
    services.record_classification(case.id, classification(3), now=timezone.now())
    monkeypatch.setattr("triage_site.cases.panel.scheduling.workers", lambda: {"w": {}})
    return case


def test_the_expected_length_is_shown_before_the_guidance_is_ready(case: Case) -> None:
    found = re.search(
        r"about (\d+) tokens, in nine of ten cases at most (\d+)", render_guidance(case.id)
    )
    assert found is not None
    median, percentile_90 = map(int, found.groups())
    assert median == Job.objects.get(case_id=case.id).predicted_tokens
    assert median < percentile_90
    Case.objects.filter(id=case.id).update(status=CaseStatus.RUNNING)
    assert found.group() in render_guidance(case.id)
    Case.objects.filter(id=case.id).update(status=CaseStatus.DONE, guidance="Situation: x.")
    assert "Expected length" not in render_guidance(case.id)
