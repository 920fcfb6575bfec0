"""Which of several values of a note counts, and which of note and form."""

from __future__ import annotations

import time

import pytest

from triage_site.triage.facts import CaseFacts
from triage_site.triage.reading.measured import measure
from triage_site.triage.reading.note import read


@pytest.mark.parametrize(
    ("text", "vital", "value"),
    [
        ("BP machine read 240/130, repeat 128/78", "sbp_mmhg", 128),
        ("machine said 240 over 130, repeat 128 over 78", "sbp_mmhg", 128),
        ("cuff too small 220/120, manual 130/80", "sbp_mmhg", 130),
        ("BP error 70/40, repeat 124/76", "sbp_mmhg", 124),
        ("BP 240/130?? artefact, rpt 128/78", "sbp_mmhg", 128),
        ("ERROR reading BP 240/130. BP 126/70 by hand", "sbp_mmhg", 126),
        ("machine error HR 220, palpated 84", "hr_bpm", 84),
        ("sats 70% cold fingers, rewarmed 97%", "spo2_percent", 97),
        ("manual pulse 76; HR 30, leads off", "hr_bpm", 76),
        ("BP last month 210/110, today 130/80", "sbp_mmhg", 130),
        ("temp 39.5 yesterday, T 36.9 now", "temp_c", 36.9),
        ("HR 150 - no sorry, I mean 105", "hr_bpm", 105),
        ("sats 82, correction 92", "spo2_percent", 92),
        ("no, sorry, sats were 92 not 82", "spo2_percent", 92),
        ("temp 41.2, sorry, 37.2", "temp_c", 37.2),
        ("usual sats 88-92, now 85", "spo2_percent", 85),
        ("T 37.2. She had measles as a girl with a fever of 41", "temp_c", 37.2),
        ("temp 39.1, in childhood a fit at 40.8", "temp_c", 39.1),
        ("BP 112/70 (first 80/50 was the wrong patient's)", "sbp_mmhg", 112),
    ],
)
def test_a_value_that_was_wrong_or_is_old_gives_way(text: str, vital: str, value: float) -> None:
    assert measure(CaseFacts(text=text), read(text)).facts.value(vital) == value


@pytest.mark.parametrize(
    ("text", "vital", "value"),
    [
        ("ERROR reading BP 240/130", "sbp_mmhg", 240),
        ("machine read BP 78/40", "sbp_mmhg", 78),
        ("BP 200/110, repeat 140/85", "sbp_mmhg", 200),
        ("BP 120/80, repeat 80/40", "sbp_mmhg", 80),
        ("HR 150, sorry to be a pain", "hr_bpm", 150),
        ("sorry for the wait, HR 150", "hr_bpm", 150),
        ("temp 39.5 since yesterday, T 37.1 after paracetamol", "temp_c", 39.5),
        ("medication error, BP 84/50, then BP 120/80", "sbp_mmhg", 84),
        ("Fell last week, HR 120, BP 90/50", "hr_bpm", 120),
        ("Had surgery last week HR 130 BP 80/40 T 39", "sbp_mmhg", 80),
        ("Discharged yesterday, HR 120, BP 90/50", "sbp_mmhg", 90),
        ("not his usual self HR 130 BP 80/50", "hr_bpm", 130),
        ("usual sats 89-90, HR 130", "hr_bpm", 130),
        ("sats 88, temp 39.5 yesterday", "spo2_percent", 88),
        ("Fever 39.8 yesterday and HR 150 today", "hr_bpm", 150),
        ("At the GP this morning BP 200/110, HR 120", "hr_bpm", 120),
        ("GP an hour ago: HR 140, BP 85/50", "sbp_mmhg", 85),
        ("last week: BP 90/50, HR 120, today HR 84", "hr_bpm", 84),
        ("sats 84, her normal is 91", "spo2_percent", 84),
        ("Last week she was admitted. HR 130, BP 80/40", "hr_bpm", 130),
    ],
)
def test_any_other_value_counts_where_it_is_the_worst_or_alone(
    text: str, vital: str, value: float
) -> None:
    assert measure(CaseFacts(text=text), read(text)).facts.value(vital) == value


@pytest.mark.parametrize(
    "text",
    [
        "last week: BP 90/50, HR 120, today well",
        "Yesterday BP 90/50, HR 120, today fine",
        "On Monday HR 130, BP 80/50, now feels ok",
        "At discharge: BP 85/50, HR 110, RR 26. Now cough",
        "Baseline: BP 85/50, HR 50, sats 88",
        "His usual obs: BP 90/50, HR 110, RR 24",
        "Seen in clinic yesterday: BP 200/110, HR 120",
        "HR 130 BP 80/40 last week, now well",
        "Last year: felt dizzy, BP 90/50, HR 120",
        "Obs last month:\nBP 90/50\nHR 120",
        "temp 39.5 yesterday",
        "sats 91 = her normal",
        "LTOT, sats 88 which is normal for him",
    ],
)
def test_values_of_another_day_are_none_of_today(text: str) -> None:
    seen = measure(CaseFacts(text=text), read(text))
    assert seen.facts == CaseFacts(text=text)
    assert not seen.extra
    assert {word.form for word in read(text).words if word.is_figure} <= {"fever"}


@pytest.mark.parametrize(
    ("text", "vital", "value"),
    [
        ("HR 80, now 140", "hr_bpm", 140),
        ("sats 97, now 88", "spo2_percent", 88),
        ("temp 36.5, repeat 39.4", "temp_c", 39.4),
        ("HR 80, now 38 weeks pregnant", "hr_bpm", 80),
        ("HR 80, repeat 37.2", "hr_bpm", 80),
        ("sats 97, now 40 mg furosemide", "spo2_percent", 97),
        ("HR 80, sats now 97", "hr_bpm", 80),
    ],
)
def test_a_repeated_value_is_read_without_its_name(text: str, vital: str, value: float) -> None:
    assert measure(CaseFacts(text=text), read(text)).facts.value(vital) == value


@pytest.mark.parametrize("part", ["HR 30 yesterday, ", "HR 90, now 95, ", "machine read HR 9 "])
def test_many_values_cost_no_more_than_their_number(part: str) -> None:
    note = read(part * 500)
    began = time.perf_counter()
    measure(CaseFacts(text=note.text), note)
    assert time.perf_counter() - began < 0.5


def test_the_two_halves_of_a_blood_pressure_are_of_one_measurement() -> None:
    note = read("BP 84/50 now, grey")
    alike = measure(CaseFacts(text=note.text, sbp_mmhg=86), note).facts
    other = measure(CaseFacts(text=note.text, sbp_mmhg=132), note).facts
    assert (alike.value("sbp_mmhg"), alike.value("dbp_mmhg")) == (86, 50)
    assert (other.value("sbp_mmhg"), other.value("dbp_mmhg")) == (132, None)
