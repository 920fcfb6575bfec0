"""Laws of the weights alone: monotone by construction, whatever the rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage_site.triage.classify import look
from triage_site.triage.decision import Costs, decide
from triage_site.triage.facts import CaseFacts
from triage_site.triage.model.features import DIRECTIONS, FEATURES
from triage_site.triage.model.scoring import (
    ARRIVAL,
    NUM_HEADS,
    STORY,
    from_scores,
    load,
    share_of_visits,
)

_BOUND = [index for index, name in enumerate(FEATURES) if DIRECTIONS[name]]
heads = st.lists(st.floats(-9, 9), min_size=NUM_HEADS, max_size=NUM_HEADS)
costs = st.builds(
    Costs,
    under=st.lists(st.floats(1, 9), min_size=4, max_size=4).map(
        lambda values: tuple(sorted(values, reverse=True))
    ),
    over=st.floats(0.5, 2),
    missed_emergency=st.floats(0, 20),
)


def test_every_feature_has_a_name_of_its_own() -> None:
    assert len(set(FEATURES)) == len(FEATURES)


def rows_and_more() -> tuple[np.ndarray, np.ndarray]:
    """Rows of features, most of them zero, and each with more of four features that are bound."""
    rng = np.random.default_rng(1)
    rows = rng.normal(0, 1.5, (300, len(FEATURES))) * (rng.random((300, len(FEATURES))) < 0.15)
    more = rows.copy()
    for row in more:
        for index in rng.choice(_BOUND, 4, replace=False):
            row[index] += DIRECTIONS[FEATURES[index]] * rng.exponential(1.0)
    return rows, more


@pytest.mark.parametrize("part", [ARRIVAL, STORY])
def test_more_of_a_bound_feature_never_lowers_a_score(part: str) -> None:
    rows, more = rows_and_more()
    speaks = load().parts[part]
    before, after = speaks.scores(rows), speaks.scores(more)
    assert (after >= before - 1e-9).all()
    assert (after > before + 1e-6).mean() > 0.2


@settings(max_examples=300, deadline=None)
@given(
    less=heads,
    extra=st.lists(st.floats(0, 4), min_size=NUM_HEADS, max_size=NUM_HEADS),
    costs=costs,
)
def test_higher_scores_are_never_decided_less_urgent(
    less: list[float], extra: list[float], costs: Costs
) -> None:
    scores = np.array([less, np.add(less, extra)])
    chances = from_scores(scores, np.full(NUM_HEADS, 0.6), np.array([-2.0, -1.0, 0.5, 2.0]))
    assert chances.sum(axis=1) == pytest.approx(1.0)
    assert (chances > 0).all()
    before, after = decide(chances, costs)
    assert after <= before


SHORT = "twisted ankle"
LONG = "twisted his ankle on the stairs at work and came by bus, it is swollen"
VITALS = {"hr_bpm": 80.0, "rr_bpm": 16.0, "sbp_mmhg": 124.0}


@pytest.mark.parametrize(
    ("text", "facts", "shares"),
    [
        (SHORT, {**VITALS, "arrival_mode": "walking", "age_years": 40}, (1, 1, 1, 1)),
        (LONG, {**VITALS, "arrival_mode": "walking", "age_years": 40}, (0.5, 0.5, 0.5, 0.5)),
        (SHORT, {"arrival_mode": "walking", "age_years": 40}, (0, 0, 0.5, 0.5)),
        (LONG, {"arrival_mode": "walking", "age_years": 40}, (0, 0, 0, 0)),
        (SHORT, {**VITALS, "arrival_mode": "call", "age_years": 40}, (0, 0, 0, 0)),
        (SHORT, {**VITALS, "age_years": 40}, (0, 0, 0, 0)),
        # The study has no children.
        (SHORT, {**VITALS, "arrival_mode": "walking", "age_years": 6}, (0, 0, 0, 0)),
        # Two vital signs are no measurement of a patient; one that could not be taken is.
        (SHORT, {"hr_bpm": 80, "rr_bpm": 16, "arrival_mode": "walking"}, (0, 0, 0.5, 0.5)),
        (
            SHORT,
            {"hr_bpm": 80, "rr_bpm": 16, "sbp_mmhg": "unmeasurable", "arrival_mode": "walking"},
            (1, 1, 1, 1),
        ),
    ],
)
def test_visits_speak_of_whom_they_know(
    text: str, facts: dict[str, object], shares: tuple[float, ...]
) -> None:
    case = look(CaseFacts.from_dict({"text": text, **facts})).view
    assert share_of_visits(case) == shares


@pytest.mark.parametrize("share", [(0, 0, 0, 0), (0.5, 0.5, 0.5, 0.5), (0, 0, 0.5, 0.5)])
def test_the_parts_together_are_chances_and_stay_monotone(share: tuple[float, ...]) -> None:
    rows, more = rows_and_more()
    shares = np.tile(share, (len(rows), 1))
    before, after = (load().chances(some, shares) for some in (rows, more))
    assert before.sum(axis=1) == pytest.approx(1.0)
    assert (before >= 0).all()
    assert (after.cumsum(axis=1) >= before.cumsum(axis=1) - 1e-9).all()
