"""Lines by an author who saw no rule, kept to judge by: denied, present and everyday signs.

The bounds lie well below what the model card reports: they catch a break, they measure nothing.
Never mend a rule for one of these lines; write others like it and mend for those.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from triage_site.triage import classify_many, screen
from triage_site.triage.facts import CaseFacts

_FOLDER = Path(__file__).resolve().parent / "checks"


def _lines(name: str) -> list[dict[str, Any]]:
    text = (_FOLDER / f"{name}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def _facts(line: dict[str, Any]) -> CaseFacts:
    return CaseFacts(text=line["text"], age_years=float(line["age_years"]))


@pytest.mark.parametrize(("expect", "least"), [("silent", 0.85), ("alarm", 0.8)])
def test_denials_histories_and_relatives_against_what_is_there_now(
    expect: str, least: float
) -> None:
    lines = [line for line in _lines("negation") if line["expect"] == expect]
    alarms = [screen(_facts(line)).priority <= 1 for line in lines]
    assert len(lines) >= 80
    assert np.mean([alarm == (expect == "alarm") for alarm in alarms]) >= least


@pytest.mark.parametrize(("level", "least"), [(1, 0.8), (2, 0.9)])
def test_statements_of_danger_get_at_least_their_level(level: int, least: float) -> None:
    lines = [line for line in _lines("signs") if line["min_level"] == level]
    said = classify_many([_facts(line) for line in lines], explain=False)
    assert len(lines) >= 40
    assert np.mean([one.priority < level for one in said]) >= least


def test_everyday_complaints_raise_no_alarm() -> None:
    said = classify_many([_facts(line) for line in _lines("everyday")], explain=False)
    assert len(said) == 80
    assert np.mean([one.priority >= 2 for one in said]) >= 0.95
