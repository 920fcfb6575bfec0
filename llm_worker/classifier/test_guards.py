"""Words that are denied, past, a relative's or only thought of raise nothing; the rest does."""

from __future__ import annotations

import pytest

from llm_worker.classifier import screen
from llm_worker.classifier.guards import Standing
from llm_worker.classifier.reading import compile_pattern, read
from llm_worker.facts import CaseFacts

_SILENT = [
    "denies chest pain",
    "no SOB",
    "h/o stroke 2015",
    "mother had a stroke",
    "r/o MI",
    "No chest pain, shortness of breath or palpitations.",
    "Denies chest pain, dyspnea, syncope and headache.",
    "no CP, SOB, LOC",
    "without loss of consciousness",
    "Never had a seizure.",
    "chest pain: none",
    "chest pain (-)",
    "Past medical history: stroke, seizure.",
    "She had a seizure three years ago.",
    "father died of a heart attack",
    "family history of stroke",
    "worried about a stroke",
    "come back if chest pain or fainting",
    "There was no vomiting blood.",
    "He hasn't had any chest pain.",
    "isn't short of breath",
    "sister had a cardiac arrest at age 30",
    "negative for chest pain",
    "old stroke, here for physiotherapy form",
    "?MI",
]
_FIRING = [
    "chest pain",
    "no fever, severe chest pain since one hour",
    "denies fever but has chest pain",
    "h/o stroke, now sudden left arm weakness",
    "My mother had a stroke just now, her face is drooping",
    "no relief of the chest pain",
    "I can't stand the chest pain any longer",
    "not sure if he is breathing, he is unconscious",
    "2 day history of vomiting blood",
    "c/o CP",
    "SOB getting worse",
    "siezing right now",
    "He is not responding",
    "unconcious",
    "No, chest pain is still there",
    "dolor de pecho",
]


@pytest.mark.parametrize("text", _SILENT)
def test_guarded_words_fire_no_rule(text: str) -> None:
    assert [reason.code for reason in screen(_adult(text)).reasons] == []


@pytest.mark.parametrize("text", _FIRING)
def test_words_that_are_meant_fire(text: str) -> None:
    assert screen(_adult(text)).priority <= 1


@pytest.mark.parametrize(
    ("text", "standing"),
    [
        ("denies chest pain", Standing.DENIED),
        ("h/o chest pain", Standing.PAST),
        ("brother had chest pain", Standing.RELATIVE),
        ("worried about chest pain", Standing.SUPPOSED),
        ("chest pain", Standing.PRESENT),
    ],
)
def test_standing_says_why(text: str, standing: Standing) -> None:
    (mention,) = read(text).find(compile_pattern("chest pain"))
    assert mention.standing is standing


def test_words_are_exact_substrings_of_the_note() -> None:
    text = "Pt c/o  CHSET  pain,\nand (since 1h) SOB — “very bad”"
    reasons = [reason for reason in screen(_adult(text)).reasons if reason.words]
    assert reasons
    assert all(word in text for reason in reasons for word in reason.words)


def _adult(text: str) -> CaseFacts:
    return CaseFacts(text=text, age_years=50)
