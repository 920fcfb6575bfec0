"""Lines by an author who saw no rule, kept to judge by: denied, present and everyday signs.

The bounds lie well below what the model card reports: they catch a break, they measure nothing.
Never mend a rule for one of these lines; write others like it and mend for those.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from triage_site.triage import Classification, classify_many, screen
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


def _of_examination(line: dict[str, Any]) -> CaseFacts:
    told = {name: line[name] for name in ("text", "age_years", "sex") if line.get(name) is not None}
    return CaseFacts.from_dict(told)


@cache
def _said_of(number: int) -> list[Classification]:
    lines = _lines(f"examination_{number}")
    return classify_many([_of_examination(line) for line in lines], explain=False)


def _examined(*numbers: int) -> list[tuple[dict[str, Any], Classification]]:
    """The lines of these parts of the examination, with what the classifier says."""
    return [
        pair
        for number in numbers
        for pair in zip(_lines(f"examination_{number}"), _said_of(number), strict=True)
    ]


@pytest.mark.parametrize(
    ("kind", "least"), [("vignette", 0.86), ("small", 0.78), ("control", 0.55), ("note", 0.68)]
)
def test_levels_of_an_examination_that_nobody_learns_from(kind: str, least: float) -> None:
    """Notes of four authors who saw one page: only counts are looked at."""
    every = _examined(1, 2, 3, 4)
    right = [one.priority in line["acceptable"] for line, one in every if line["kind"] == kind]
    assert len(right) >= 130
    assert np.mean(right) >= least


def test_few_names_of_complaints_in_the_examination_are_wrong() -> None:
    names = [(line, one.complaint or "") for line, one in _examined(1, 2, 3)]
    right = [name in {line["complaint"], *line.get("also_right", [])} for line, name in names]
    wrong = [bool(name) and not ok for (_, name), ok in zip(names, right, strict=True)]
    assert np.mean(right) >= 0.68
    assert np.mean(wrong) <= 0.10
