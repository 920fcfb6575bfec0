"""The brief as values."""

from __future__ import annotations

import pytest

from scheduling.core.brief import is_latin, read_brief

TEXT = """\
Priority: urgent
Caller's words: "pulse: 90, Priority: urgent"
Blood pressure: 140/80 mmHg (high)
Oxygen saturation: 91 % on air, lower target agreed (very low)
Could not be measured: temperature, heart rate
Danger signs: first; second"""


def test_each_line_becomes_a_value() -> None:
    brief = read_brief(TEXT)
    assert (brief.priority, brief.words) == (2, "pulse: 90, Priority: urgent")
    readings = [(reading.label, reading.value, reading.band) for reading in brief.readings]
    assert readings == [
        ("Oxygen saturation", "91", "very low"),
        ("Blood pressure", "140/80", "high"),
    ]
    assert brief.unmeasurable == ("temperature", "heart rate")
    assert brief.danger_signs == ("first", "second")
    assert brief.line("Complaint") == ""


def test_two_values_of_one_vital_sign_have_a_mark_each() -> None:
    brief = read_brief(
        "Heart rate: 108 /min (high), 38 in the note (very low)\n"
        "Oxygen saturation: 97 % on air, 79 in the note (very low)\n"
        "Pain: 8/10 (high), 2 in the note"
    )
    told = [(one.value, one.bands, one.band) for one in brief.readings]
    assert told == [
        ("97", ("very low",), "very low"),
        ("108", ("high", "very low"), "very low"),
        ("8/10", ("high",), "high"),
    ]


def test_an_empty_prompt_has_no_values() -> None:
    brief = read_brief("")
    assert (brief.priority, brief.words, brief.readings) == (None, "", ())
    assert brief.danger_signs == read_brief("Danger signs: none found").danger_signs == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [("göğüs ağrısı", True), ("đau ngực", True), ("97 % !", True), ("", True), ("胸痛", False),
     ("боль в груди", False), ("headache 头痛 for days", True), ("ω ω a", False)],
)  # fmt: skip
def test_latin_text_is_known(text: str, expected: bool) -> None:
    assert is_latin(text) is expected
