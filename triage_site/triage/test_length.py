"""The length guess: sane on any text, larger for fuller cases, silent when broken."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage_site.triage import length
from triage_site.triage.brief import build_brief
from triage_site.triage.facts import CaseFacts
from triage_site.triage.length import (
    DEFAULT_TOKENS,
    LIMITS_TOKENS,
    load_weights,
    predict_quantiles,
    predict_tokens,
)

SHORT = build_brief(CaseFacts(text="repeat script"), priority=4, danger_signs=[])
FULL = build_brief(
    CaseFacts.from_dict(
        {
            "text": "vomiting fresh blood since midnight, known varices, now pale and muddled",
            "age_years": 55,
            "sex": "male",
            "arrival_mode": "ambulance",
            "injury": False,
            "rr_bpm": 28,
            "spo2_percent": 90,
            "sbp_mmhg": 74,
            "dbp_mmhg": "unmeasurable",
            "hr_bpm": 138,
            "temp_c": 35.0,
            "consciousness": "confused",
        }
    ),
    priority=0,
    danger_signs=["vomiting blood", "shock"],
)


@given(st.text(max_size=300))
def test_any_text_gets_a_guess_within_limits(brief: str) -> None:
    p50, p90 = predict_quantiles(brief)
    assert LIMITS_TOKENS[0] <= p50 <= p90 <= LIMITS_TOKENS[1]
    assert predict_tokens(brief) == p50


def test_a_full_urgent_case_is_expected_to_take_longer() -> None:
    assert predict_tokens(FULL) > predict_tokens(SHORT) + 40


def test_missing_weights_give_the_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(length, "load_weights", lambda: load_weights(tmp_path / "none.json"))
    assert predict_tokens(FULL) == DEFAULT_TOKENS


def test_the_shipped_weights_load() -> None:
    assert load_weights().weights
