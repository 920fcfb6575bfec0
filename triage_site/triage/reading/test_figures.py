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
        ("lightheaded, 62/palp", {"sbp_mmhg": 62}),
        ("88/P, pale", {"sbp_mmhg": 88}),
        ("d-stick reading LO", {"glucose": 1.5}),
        ("RASS -5, no sedation", {"gcs": 3}),
        ("RASS: −4", {"gcs": 8}),
        ("RASS -1", {}),
        ("FOUR score 3", {"gcs": 5}),
        ("FOUR score: 15/16", {"gcs": 14}),
        ("glucose 1.1 g/l", {"glucose": 6.1}),
        ("124/76, feels well", {"sbp_mmhg": 124, "dbp_mmhg": 76}),
        ("HR-160", {"hr_bpm": 160}),
        ("P 48", {"hr_bpm": 48}),
        ("heart rate of 150 bpm", {"hr_bpm": 150}),
        ("RR36", {"rr_bpm": 36}),
        ("FiO2 of 0.5 and still only 83", {"spo2_percent": 83, "fio2_percent": 50}),
        ("FiO2 0.6", {"fio2_percent": 60}),
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
        "O2 4 L nasal cannula at home", "P 30 of the leaflet",
        "glucose 50 g drink", "four score and seven years ago", "sugar 20 grams in the tea",
    ],
)  # fmt: skip
def test_other_numbers_are_no_vital_signs(text: str) -> None:
    assert _found(text) == {}


@pytest.mark.parametrize("word", ["stable", "The", "then", "still", "there", "standing", "today"])
@pytest.mark.parametrize(
    ("value", "kind", "number"),
    [("RR 18", "rr_bpm", 18), ("HR 110", "hr_bpm", 110), ("sats 93", "spo2_percent", 93),
     ("T 38", "temp_c", 38), ("GCS 14", "gcs", 14), ("pain 7", "pain_score", 7)],
)  # fmt: skip
def test_a_value_counts_whatever_word_follows(
    value: str, kind: str, number: float, word: str
) -> None:
    assert _found(f"{value} {word}")[kind] == number


def test_a_day_of_a_month_is_no_value() -> None:
    assert _found("HR 22nd May, RR on the 18th, sats 23rd June") == {}


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
        ("for 3 years", None), ("three weeks and two days old, snuffly", 23 / 365.25),
        ("2 years 3 months old, croup", 2.25), ("1 yr, 4 months old", 1 + 4 / 12),
        ("cough for 2 weeks, 3 months old", 0.25),
        ("dad of 5-week-old twins, he has a fever", None),
        ("fever after a new tattoo, 3 weeks old", None), ("trainers 2 weeks old, blister", None),
        ("12 day old iron burn on the arm", None), ("baby boy of 3 weeks old", 21 / 365.25),
        ("bitten by a puppy, 9 weeks old, he is 30 years old", 30),
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


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("eyes 4 / verbal 3 / motor 5", 12),
        ("M5 V2 E2 post RTA", 9),
        ("E2 VT M3", 6),
        ("E2VTM3", 6),
        ("E(2) V(2) M(4)", 8),
        ("eye opening 2, verbal response 2, best motor 4", 8),
        ("E4V5M6 (15/15)", 15),
        ("E7 V2 M3", None),
        ("E1 V2 E3", None),
        ("Glasgow 1-1-1", 3),
        ("GCS 3 2 5", 10),
        ("GCS 456", 15),
        ("GCS 13/15", 13),
        ("GCS 13 -> 10 in 20 min", 10),
        ("GCS of seven", 7),
        ("GCS below 9", 9),
        ("flew from Glasgow 8 hours ago", None),
        ("Blantyre coma score 1", 5),
        ("Blantyre 5", 15),
        ("BCS 2/5", 8),
        ("lives in Blantyre 5 years", None),
        ("RLS 85 = 4", 8),
        ("RLS: 1", 15),
        ("RLS 2 since noon", 13),
        ("RLS for 5 years, wants tablets", None),
        ("AVPU: alert", 15),
        ("responds: P (AVPU)", 8),
    ],
)
def test_coma_scales_are_read_in_all_notations(text: str, score: float | None) -> None:
    assert _found(text).get("gcs") == score


@pytest.mark.parametrize(
    ("text", "consciousness"),
    [
        ("ACVPU = C, new", Consciousness.CONFUSED),
        ("GCS 14", Consciousness.NOT_TAKEN),
        ("A on AVPU", Consciousness.ALERT),
    ],
)
def test_new_confusion_is_told_by_its_letter(text: str, consciousness: Consciousness) -> None:
    assert measure(CaseFacts(text=text), read(text)).facts.consciousness is consciousness


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("HFNC 50 L / 60%, holding 95", {"fio2_percent": 60}),
        ("sats 91 on 60% venturi", {"spo2_percent": 91, "on_oxygen": 1, "fio2_percent": 60}),
        ("CPAP 10, SpO2 92%", {"spo2_percent": 92}),
        ("on 88% oxygen", {"spo2_percent": 88}),
        ("BiPAP 18/6, 70% oxygen", {"fio2_percent": 70}),
        ("O2 76%", {"spo2_percent": 76}),
        ("97 on air at rest", {"spo2_percent": 97, "on_oxygen": 0}),
        ("saturation 93 on non-rebreather 15 litres", {
            "spo2_percent": 93, "on_oxygen": 1, "oxygen_litres": 15}),
        ("NRBM @ 15 lit/min", {"oxygen_litres": 15}),
        ("oxygen gone up from 2 to 12 litres", {"oxygen_litres": 12}),
        ("4 L to 8 L to 15 L to keep sats up", {"oxygen_litres": 15}),
        ("tonight needs 10 to keep 86", {"spo2_percent": 86, "oxygen_litres": 10}),
        ("drinks 8 L water a day", {}),
        ("CPAP 10 at night", {}),
        ("PaO2 7.1 kPa", {"po2_kpa": 7.1}),
        ("PaO2 60 mmHg", {"po2_kpa": 8}),
        ("VBG: pO2 4.5", {}),
        ("P/F 85", {"pf_ratio": 85}),
        ("PF ratio 12 kPa", {"pf_ratio": 90}),
    ],
)  # fmt: skip
def test_oxygen_that_is_given_is_read(text: str, expected: dict[str, float]) -> None:
    assert _found(text) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("BP palpatory 60", {"sbp_mmhg": 60}),
        ("systolics in the seventies", {"sbp_mmhg": 70}),
        ("RR 75/40, Puls 138", {"sbp_mmhg": 75, "dbp_mmhg": 40, "hr_bpm": 138}),
        ("RR 18/min", {"rr_bpm": 18}),
        ("TA 7/4", {"sbp_mmhg": 70, "dbp_mmhg": 40}),
        ("PA 80x40", {"sbp_mmhg": 80, "dbp_mmhg": 40}),
        ("MAP 48", {"map_mmhg": 48}),
        ("road map 48", {}),
        ("FC 152, PA 74/41, FR 34", {"hr_bpm": 152, "sbp_mmhg": 74, "dbp_mmhg": 41, "rr_bpm": 34}),
        ("FR 16 catheter", {}),
        ("resps six a minute", {"rr_bpm": 6}),
        ("RR: four", {"rr_bpm": 4}),
        ("breathing fifty times a minute", {"rr_bpm": 50}),
        ("coughs five times a minute", {}),
        ("pulse a hundred and fifty", {"hr_bpm": 150}),
        ("sys 68", {"sbp_mmhg": 68}),
        ("resp one week of cold", {}),
        ("heart going at 188, counted", {"hr_bpm": 188}),
        ("heart operation at 60", {}),
        ("watch says 190", {"hr_bpm": 190}),
        ("watch says 190 steps", {}),
        ("PEFR 90 (best 450)", {"peak_flow_percent": 20}),
        ("best peak flow 500, today 110", {"peak_flow_percent": 22}),
        ("PEF 30% of best", {"peak_flow_percent": 30}),
        ("peak flow 80", {"peak_flow": 80}),
        ("CRT central 6 secs", {"cap_refill_seconds": 6}),
        ("CRT fitted 5 years ago", {}),
        ("TEWS 9", {"tews": 9}),
        ("NEWS-2: 8", {"news": 8}),
        ("heard on the news 9 were hurt", {}),
        ("qSOFA 3", {"qsofa": 3}),
    ],
)
def test_vital_signs_are_read_in_words_and_other_notations(
    text: str, expected: dict[str, float]
) -> None:
    assert _found(text) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("meter just says LO", {"glucose": 1.5}),
        ("Dexcom says LOW", {"glucose": 1.5}),
        ("meter says low battery", {}),
        ("GRBS 38 mg%", {"glucose": 2.1}),
        ("glycemie 0,35 g/l", {"glucose": 1.9}),
        ("Na+ 108", {"sodium": 108}),
        ("Natrium 108", {"sodium": 108}),
        ("pH 6.98", {"ph": 6.98}),
        ("urine pH 6.9", {}),
        ("Hb 3.1 g/dl", {"haemoglobin": 3.1}),
        ("Hb 31 g/L", {"haemoglobin": 3.1}),
        ("Hb 135", {"haemoglobin": 13.5}),
        ("HbA1c 41", {}),
        ("platelet 8,000", {"platelets": 8}),
        ("platelets 2.5 lakh", {"platelets": 250}),
        ("plt 9k", {"platelets": 9}),
        ("lac 7.8", {"lactate": 7.8}),
        ("lac 3 cm to the chin", {}),
        ("lac 3.5 long", {}),
        ("K 8 teacher", {}),
        ("K 9 dog bite", {}),
    ],
)
def test_names_and_units_of_laboratory_values_are_read(
    text: str, expected: dict[str, float]
) -> None:
    assert _found(text) == pytest.approx(expected)


@pytest.mark.parametrize(
    "text",
    [
        "Token P160", "OPD file no 70/40", "ticket: HR 40", "room 90/60",
        "dancing at Pulse 28 nightclub",
    ],
)  # fmt: skip
def test_the_number_of_a_file_or_a_place_is_taken_out_and_no_vital_sign(text: str) -> None:
    note = read(text)
    assert [figure.kind for figure in note.figures] == ["other_number"]
    assert measure(CaseFacts(text=text), note).facts == CaseFacts(text=text)


@pytest.mark.parametrize("text", ["waiting room HR 40", "no file, HR 40", "off the bus P 40"])
def test_a_named_value_behind_a_room_counts(text: str) -> None:
    assert _found(text) == {"hr_bpm": 40}
