"""Frightening words that are nobody's danger here, and the same words where they are one."""

from __future__ import annotations

import json

import pytest

from triage_site.triage.classify import look
from triage_site.triage.facts import CaseFacts
from triage_site.triage.training.encoder_examples import FRAMES

_GRAVE = 1  # this level and more urgent ones

# By kind: what must fire no grave sign, and the same words of a danger. The encoder learns from
# them as well; its own examination is `test_checks.py`.
_FRAMES: dict[str, dict[str, list[str]]] = json.loads(FRAMES.read_text(encoding="utf-8"))
_SILENT, _FIRING = _FRAMES["silent"], _FRAMES["firing"]
_COUNTS_ALL_THE_SAME = {
    # No other reason for coming is told (`classify._has_other_reason`).
    "Monitor showed asystole, lead had come off. Talking, well.",
    "Ambulance called for 'unconscious man'. He was asleep on the bench, walking, sober.",
    # Too few words stand beside it in its sentence (`of_now`).
    "Booked as 'poisoning'. In fact ate a plum stone, feels fine, no symptoms.",
    # The encoder takes it for the patient's.
    "The man in seat 22B had a cardiac arrest. She herself has a blocked ear.",
}


def _cases(table: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(kind, text) for kind, texts in table.items() for text in texts]


def _grave(text: str) -> list[str]:
    """The codes of the grave signs that fire."""
    fired = look(CaseFacts(text=text, age_years=40)).fired
    return [sign.code for sign in fired if sign.min_priority <= _GRAVE]


@pytest.mark.parametrize(("kind", "text"), _cases(_SILENT))
def test_frightening_words_raise_no_grave_sign_beside_another_reason(kind: str, text: str) -> None:
    assert bool(_grave(text)) == (text in _COUNTS_ALL_THE_SAME), kind


@pytest.mark.parametrize(("kind", "text"), _cases(_FIRING))
def test_the_same_words_of_a_danger_raise_one(kind: str, text: str) -> None:
    assert _grave(text), kind


def test_every_kind_has_as_many_dangers() -> None:
    assert all(len(_FIRING[kind]) >= len(texts) for kind, texts in _SILENT.items())
    assert sum(map(len, _SILENT.values())) >= 60
