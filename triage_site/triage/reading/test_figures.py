"""Measured values as people write them, and numbers that are none."""

from __future__ import annotations

import time

import pytest

from triage_site.triage.facts import CaseFacts, Consciousness
from triage_site.triage.reading.measured import measure
from triage_site.triage.reading.note import read


def _found(text: str) -> dict[str, float]:
    return {figure.kind: figure.value for figure in read(text).figures}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SpO2 - 84%", {"spo2_percent": 84}),
        ("sats dropped to 81 on air", {"spo2_percent": 81, "on_oxygen": 0}),
        ("pulse ox 90 percent", {"spo2_percent": 90}),
        ("SpO2 97% on 15L O2", {"spo2_percent": 97, "oxygen_litres": 15}),
        ("SpO2=.74", {"spo2_percent": 74}),
        ("BP 90 over 60", {"sbp_mmhg": 90, "dbp_mmhg": 60}),
        ("BP70/40", {"sbp_mmhg": 70, "dbp_mmhg": 40}),
        ("BP 60/palp", {"sbp_mmhg": 60}),
        ("124/76, feels well", {"sbp_mmhg": 124, "dbp_mmhg": 76}),
        ("HR-160", {"hr_bpm": 160}),
        ("P 48", {"hr_bpm": 48}),
        ("heart rate of 150 bpm", {"hr_bpm": 150}),
        ("RR36", {"rr_bpm": 36}),
        ("FiO2 of 0.5 and still only 83", {"spo2_percent": 83}),
        ("FiO2 0.6", {}),
        ("heart going at 240-260/min", {"hr_bpm": 240}),
        ("heart 250 a minute", {"hr_bpm": 250}),
        ("resps 15", {"rr_bpm": 15}),
        ("T38.5", {"temp_c": 38.5}),
        ("fever up to 39", {"temp_c": 39}),
        ("104F", {"temp_c": 40}),
        ("temp 86 F", {"temp_c": 30}),
        ("GCS7", {"gcs": 7}),
        ("E1V2M4", {"gcs": 7}),
        ("GCS=3+2+2", {"gcs": 7}),
        ("GCS 14/15", {"gcs": 14}),
        ("AVPU: U", {"gcs": 3}),
        ("P on AVPU", {"gcs": 8}),
        ("BGL 1.8", {"glucose": 1.8}),
        ("sugar 540 mg/dl", {"glucose": 30}),
        ("BM HI", {"glucose": 35}),
        ("K 7.2", {"potassium": 7.2}),
        ("pain 8/10", {"pain_score": 8}),
        ("NEWS2 score 9", {"news": 9}),
        ("sats ninety-nine percent", {"spo2_percent": 99}),
        (
            "blood pressure one hundred and eighteen over seventy four",
            {"sbp_mmhg": 118, "dbp_mmhg": 74},
        ),
    ],
)
def test_measured_values_are_read(text: str, expected: dict[str, float]) -> None:
    assert _found(text) == pytest.approx(expected)


@pytest.mark.parametrize(
    "text",
    [
        "2+ pulses", "knee flexion 90 degrees", "ROM 40 degrees", "Oxygen 2 litres at home",
        "resp 4 days of cough", "pulse 5 days ago was irregular", "BMI 41.2", "HbA1c 41.5",
        "ibuprofen 400 mg", "room 120", "seen at 14:30", "on 12/05/2024", "34 weeks pregnant",
        "weight 72 kg", "T12 fracture", "PR bleed for 3 days", "took 40 paracetamol",
        "O2 4 L nasal cannula at home",
    ],
)  # fmt: skip
def test_other_numbers_are_no_vital_signs(text: str) -> None:
    assert _found(text) == {}


def test_figures_are_no_words_and_their_places_are_those_of_the_note() -> None:
    text = "Unwell, BP 70/40 and pale"
    note = read(text)
    figure = note.figures[0]
    assert text[figure.start : figure.end] == "BP 70/40"
    assert [word.form for word in note.words if not word.is_mark] == ["unwell", "and", "pale"]


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("seventy five year old man", 75), ("45M cough", 45), ("F 34, headache", 34),
        ("6/52 old baby", 6 * 7 / 365.25), ("13 mths, T 39", 13 / 12), ("aged 9", 9),
        ("in his 60s", 65), ("newborn, not feeding", 14 / 365.25), ("3 day old infant", 3 / 365.25),
        ("2 week old surgical wound", None), ("mother of a 5 day old baby", None),
        ("34 weeks, bleeding", None), ("man with fever", None), ("epiglottitis at age 3", None),
        ("for 3 years", None),
    ],
)  # fmt: skip
def test_the_age_is_that_of_the_patient(text: str, years: float | None) -> None:
    found = measure(CaseFacts(text=text), read(text)).facts.age_years
    assert found == (None if years is None else pytest.approx(years, abs=0.01))


def test_entered_values_stand_and_a_contradiction_is_told() -> None:
    text = "HR 160, SpO2 84%, GCS 7"
    found = measure(CaseFacts(text=text, hr_bpm=80), read(text))
    assert (found.facts.hr_bpm, found.facts.spo2_percent) == (80, 84)
    assert found.facts.consciousness is Consciousness.PAIN
    assert found.contradicted == ("hr_bpm",)


@pytest.mark.parametrize("part", ["HR 30 lead off ", "BP 78/40, cuff off, "])
def test_many_figures_in_one_sentence_cost_no_more_than_their_number(part: str) -> None:
    """Each was once compared with every other one: 10,000 characters took seconds."""
    facts = CaseFacts(text=part * 500)
    note = read(facts.text)
    started = time.perf_counter()
    measure(facts, note)
    assert time.perf_counter() - started < 0.5


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("P110 R28 BP 120/80", 28),
        ("HR 90, R24", 24),
        ("R 22", 22),
        ("R: 30", 30),
        ("R40 called in by the crew", None),
        ("room R12, cough", None),
        ("Seen in R16 yesterday", None),
    ],
)
def test_a_bare_letter_is_a_breathing_rate_only_beside_other_figures(
    text: str, rate: float | None
) -> None:
    found = [figure.value for figure in read(text).figures if figure.kind == "rr_bpm"]
    assert found == ([rate] if rate else [])


@pytest.mark.parametrize(
    ("text", "saturation", "on_oxygen"),
    [
        ("sats 79% on air, now 96 on 15L non-rebreathe", 79, False),
        ("sats 79% on air. Sats now 96% on 15L", 79, False),
        ("sats 88 RA then sats 95% on 2L", 88, False),
        ("SpO2 97% on 15L O2", 97, True),
        ("sats 94% on 4 L, on arrival sats 99%", 94, True),
        ("sats 92", 92, None),
    ],
)
def test_the_told_saturation_keeps_what_it_was_measured_on(
    text: str, saturation: float, on_oxygen: bool | None
) -> None:
    facts = measure(CaseFacts(text=text), read(text)).facts
    assert facts.spo2_percent == saturation
    assert facts.on_oxygen is on_oxygen


@pytest.mark.parametrize(
    ("text", "entered", "on_oxygen"),
    [
        ("SpO2 first 79 % on air at the GP desk, 96 % now with 15 L mask.", 96, True),
        ("sats 79% on air, sats 96% on 15L", 79, False),
        ("sats 79% on air", 96, None),
        ("Home oxygen, sats 88% on 2L", 88, True),
    ],
)
def test_the_entered_saturation_keeps_only_its_own_oxygen(
    text: str, entered: float, on_oxygen: bool | None
) -> None:
    facts = measure(CaseFacts(text=text, spo2_percent=entered), read(text)).facts
    assert facts.on_oxygen is on_oxygen


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("pain one side and tip of shoulder", None),
        ("pain 2 toes of the left foot", None),
        ("pain 7, crying", 7),
        ("pain score 6/10", 6),
    ],
)
def test_a_number_of_places_is_no_pain_score(text: str, score: float | None) -> None:
    found = [figure.value for figure in read(text).figures if figure.kind == "pain_score"]
    assert found == ([score] if score else [])
