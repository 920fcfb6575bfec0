"""What a site sets: the costs of wrong levels, and whether the set of levels decides."""

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


def test_dear_mistakes_in_one_direction_move_the_level_in_the_other(settings: Settings) -> None:
    usual = priorities()
    settings.TRIAGE_OVER_COST = 50.0
    milder = priorities()
    settings.TRIAGE_OVER_COST = 0.02
    urgent = priorities()
    assert all(u <= p <= m for u, p, m in zip(urgent, usual, milder, strict=True))
    assert urgent != usual != milder


def test_the_set_may_decide_the_place_and_never_a_milder_one(settings: Settings) -> None:
    before = [active.classify(facts) for facts in CASES]
    settings.TRIAGE_QUEUE_BY_SET = True
    assert priorities() == [min(said.priority, said.level_set[0]) for said in before]


def test_a_second_classifier_decides_by_the_same_costs(settings: Settings) -> None:
    settings.TRIAGE_OVER_COST = 0.02
    shipped = selectors.opened(selectors.live_choice())
    assert [shipped.classify(facts).priority for facts in CASES] == priorities()
