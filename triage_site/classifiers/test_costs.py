"""Settings of a site: the costs of wrong levels, and queueing by the level set."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from triage_site.classifiers import active, selectors
from triage_site.triage.facts import CaseFacts

pytestmark = pytest.mark.django_db

CASES = [
    CaseFacts(text=text, age_years=age)
    for text in ("stomach pain", "headache since monday", "cough", "ankle hurts", "dizzy")
    for age in (25, 80)
]


def priorities() -> list[int]:
    return [active.classify(facts).priority for facts in CASES]


def test_a_high_cost_in_one_direction_moves_levels_in_the_other(settings: Settings) -> None:
    usual = priorities()
    settings.TRIAGE_OVER_COST = 50.0
    milder = priorities()
    settings.TRIAGE_OVER_COST = 0.02
    urgent = priorities()
    assert all(u <= p <= m for u, p, m in zip(urgent, usual, milder, strict=True))
    assert urgent != usual != milder


def test_the_level_set_never_makes_a_case_less_urgent(settings: Settings) -> None:
    before = [active.classify(facts) for facts in CASES]
    settings.TRIAGE_QUEUE_BY_SET = True
    assert priorities() == [min(one.priority, one.level_set[0]) for one in before]


def test_a_second_classifier_uses_the_same_costs(settings: Settings) -> None:
    settings.TRIAGE_OVER_COST = 0.02
    shipped = selectors.opened(selectors.active_choice())
    assert [shipped.classify(facts).priority for facts in CASES] == priorities()
