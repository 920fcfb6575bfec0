"""Distances between distributions: known values, chance, and bins that fit every case."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path

import pytest

from triage_site.triage.evaluation.drift import (
    INPUTS,
    Verdict,
    chance_limit,
    histograms,
    load_reference,
    stability_index,
    verdict,
)
from triage_site.triage.facts import UNMEASURABLE, CaseFacts


def test_the_index_of_two_known_samples() -> None:
    then, now = [50_000, 50_000], [75_000, 25_000]
    expected = 0.25 * math.log(0.75 / 0.5) + -0.25 * math.log(0.25 / 0.5)
    assert stability_index(then, now) == pytest.approx(expected, rel=1e-3)
    assert stability_index(now, then) == pytest.approx(expected, rel=1e-3)
    assert stability_index(then, then) == 0
    assert stability_index(then, [0, 0]) is None


def test_an_empty_bin_is_far_but_finite() -> None:
    assert 1 < (stability_index([100, 0], [50, 50]) or 0) < 10


def test_chance_stays_below_its_limit_in_nineteen_of_twenty() -> None:
    """The share above the limit lies within four standard errors of 5 %."""
    draw, num = random.Random(1), 400
    above = 0
    for _ in range(num):
        then, now = ([0] * 5, [0] * 5)
        for sample, size in ((then, 400), (now, 200)):
            for _ in range(size):
                sample[draw.choices(range(5), (5, 10, 40, 30, 15))[0]] += 1
        index, limit = stability_index(then, now), chance_limit(then, now)
        assert index is not None
        assert limit is not None
        above += index > limit
    assert abs(above / num - 0.05) < 4 * math.sqrt(0.05 * 0.95 / num)


@pytest.mark.parametrize(
    ("index", "limit", "expected"),
    [
        (0.05, 0.01, Verdict.STABLE),
        (0.2, 0.1, Verdict.SOME),
        (0.3, 0.1, Verdict.SHIFTED),
        (0.3, 0.4, Verdict.CHANCE),
        (None, None, Verdict.UNKNOWN),
    ],
)
def test_a_shift_must_be_large_and_beyond_chance(
    index: float | None, limit: float | None, expected: Verdict
) -> None:
    assert verdict(index, limit) is expected


def test_every_case_falls_into_a_bin_of_its_own() -> None:
    full = CaseFacts(text="x" * 45, age_years=0.5, hr_bpm=131, sbp_mmhg=UNMEASURABLE)
    counts = histograms([full, CaseFacts(text="")])
    bins = {one.name: one.bins for one in INPUTS}
    assert {name: len(found) for name, found in counts.items()} == {
        name: len(found) for name, found in bins.items()
    }
    assert counts["hr_bpm"][-1] == 1
    assert sum(counts["sbp_mmhg"]) == 0
    assert counts["sbp_mmhg_taken"] == [0, 1, 1]
    assert counts["text_length"][bins["text_length"].index("40 to below 80 characters")] == 1
    assert counts["age_years"][0] == 1
    assert counts["age_known"] == [1, 1]


def test_the_shipped_reference_fits_the_bins_and_holds_whole_numbers_only(tmp_path: Path) -> None:
    reference = load_reference()
    assert sum(reference.levels) == reference.num_cases == sum(reference.counts["sex"])
    assert all(isinstance(count, int) for line in reference.counts.values() for count in line)
    path = tmp_path / "reference.json"
    raw = {"source": "", "num_cases": 1, "levels": [], "counts": {"sex": [1]}}
    path.write_text(json.dumps(raw))
    with pytest.raises(ValueError, match="other bins"):
        load_reference(path)
