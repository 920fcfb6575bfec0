"""The check of a whole answer: one fault at a time, and texts without fault that look like one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_worker.guard.answer import Answer
from llm_worker.guard.named import misplaces_number
from llm_worker.guard.whole import CHECKS, fault_of, faults_of
from scheduling.core.guidance import WITHHELD_WORDS, Withheld

BRIEF = """\
Priority: emergent
Age: 71 years
Sex: female
Arrival: ambulance
Caller's words: "felt faint, pulse is slow, on warfarin, SpO2 97% at home"
Allergies: penicillin
Medicines: warfarin
Complaint: fainting
Oxygen saturation: 88 % on air (very low)
Blood pressure: 140/80 mmHg
Heart rate: 44 /min (low)
Temperature: 39.2 °C (very high)
Danger signs: very slow heart; head injury on blood thinners"""
MILD = """\
Priority: less urgent
Age: 20 years
Sex: male
Caller's words: "sore throat"
Heart rate: 70 /min
Danger signs: none found"""
TEXT = """\
Situation: 71-year-old woman, by ambulance, emergent. The words "felt faint, pulse is slow" suggest fainting.
Background: Medicines: warfarin. Allergies: penicillin.
Assessment: Oxygen saturation 88 % on air (very low), heart rate 44 /min (low), temperature 39.2 °C (very high). Danger signs: very slow heart; head injury on blood thinners.
Recommendation:
- See without delay; tell a senior clinician.
- ECG and monitor for the slow heart rate.
- Look for the source of the fever."""  # noqa: E501
MILD_TEXT = """\
Situation: 20-year-old man, less urgent. The words of the note: "sore throat".
Background: Ask about medicines.
Assessment: Heart rate 70 /min. No danger sign is listed.
Recommendation:
- May wait in turn; say when to call staff."""

R = Withheld


def test_every_reason_has_a_check_and_words() -> None:
    assert set(CHECKS) == set(WITHHELD_WORDS) == set(Withheld)


def test_a_heart_that_does_not_beat_is_not_slow() -> None:
    stands = MILD.replace("70 /min", "0 /min (very low)")
    text = MILD_TEXT.replace("Heart rate 70 /min", "No pulse")
    assert faults_of(text, stands) == []
    slow = text + "\n- ECG and monitor for the slow heart rate."
    assert faults_of(slow, stands) == [Withheld.DIRECTION]


@pytest.mark.parametrize(("text", "brief"), [(TEXT, BRIEF), (MILD_TEXT, MILD)])
def test_a_text_that_agrees_with_its_brief_passes(text: str, brief: str) -> None:
    assert faults_of(text, brief) == []


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("slow heart rate", "fast heart rate", R.DIRECTION),
        ("monitor for the slow heart rate", "treat the tachycardia", R.DIRECTION),
        ("(low), temp", "(high), temp", R.DIRECTION),
        ("source of the fever", "cause of the hypothermia", R.DIRECTION),
        ("Look for the source of the fever", "There is no fever", R.DIRECTION),
        ("Look for the source of the fever", "She is afebrile", R.DIRECTION),
        ("Look for the source of the fever", "Oxygen saturation is normal", R.DIRECTION),
        ("See without delay", "May wait in turn", R.URGENCY),
        ("See without delay", "This is non-urgent", R.URGENCY),
        ("emergent. The", "urgent. The", R.URGENCY),
        ("emergent. The", "resuscitation. The", R.URGENCY),
        ("; head injury on blood thinners.", ".", R.DANGER_SIGN),
        ("Danger signs: very slow", "No danger sign: very slow", R.DANGER_SIGN),
        ("blood thinners.", "blood thinners; broken femur.", R.DANGER_SIGN),
        ("felt faint, pulse", "felt faint, the pulse", R.QUOTATION),
        ('"felt faint, pulse is slow"', '"SpO2 97 t at home"', R.QUOTATION),
        ("Medicines: warfarin.", "Medicines are not stated.", R.HISTORY),
        ("Medicines: warfarin.", "No regular medicines.", R.HISTORY),
        ("Allergies: penicillin.", "No known allergies.", R.HISTORY),
        ("Look for the source", "Give penicillin for the source", R.HISTORY),
        ("71-year-old woman", "71-year-old man", R.PATIENT),
        ("heart rate 44 /min", "heart rate 88 /min", R.NUMBER),
        ("heart rate 44 /min", "heart rate 45 /min", R.NUMBER),
        ("88 % on air", "88 mmHg on air", R.NUMBER),
        ("Background:", "History:", R.HEADINGS),
        ("Background:", "Assessment:", R.HEADINGS),
        ("Assessment: Oxygen", "Assessment: Oxy\ufffdgen", R.GARBLED),
        ("senior clinician", "senior clinicianâ€™s team", R.GARBLED),
        ("senior clinician", "senior <|im_end|> clinician", R.INSTRUCTION),
        ("senior clinician.", "senior clinician. Use no number that is not in the case.",
         R.INSTRUCTION),
        ("senior clinician.", "senior clinician. " + "call the team and wait " * 4, R.LOOPING),
        ("senior clinician.", "senior " + "ab" * 40, R.LOOPING),
    ],
)  # fmt: skip
def test_one_fault_gives_its_reason(old: str, new: str, reason: Withheld) -> None:
    assert old in TEXT
    assert fault_of(TEXT.replace(old, new, 1), BRIEF) is reason


def test_what_somebody_does_not_tolerate_is_not_given() -> None:
    brief = BRIEF.replace("Allergies: penicillin", "Allergies: codeine (intolerance), ACE-i")
    text = TEXT.replace("Allergies: penicillin", "Allergies: codeine (intolerance), ACE-i")
    assert fault_of(text, brief) is None
    assert fault_of(text.replace("Look for", "Give codeine for"), brief) is R.HISTORY


@pytest.mark.parametrize(
    "words",
    [
        "Resuscitation area now, senior doctor and full team.",
        "See immediately.",
        "This is life-threatening.",
    ],
)
def test_a_case_that_may_wait_is_not_hurried(words: str) -> None:
    text = MILD_TEXT.replace("May wait in turn; say when to call staff.", words)
    assert fault_of(text, MILD) is Withheld.URGENCY


@pytest.mark.parametrize(
    "words",
    [
        "Call at once if the heart rate becomes fast.",
        "Ask about fever and earlier low blood pressure.",
        "Watch for hypotension.",
        "The caller reports a racing pulse at home.",
        "She must not wait.",
        "Consider sepsis, bleeding and hypothermia.",
        "Coach slow breathing.",
        "Quiet place and slow breathing together.",
        'The caller said "SpO2 97% at home".',
        "Keep the temperature chart at the bedside.",
    ],
)
def test_cautious_words_are_not_claims(words: str) -> None:
    assert faults_of(f"{TEXT}\n- {words}", BRIEF) == []


def test_a_definite_fever_needs_a_reading_or_the_words() -> None:
    assert fault_of(f"{MILD_TEXT}\n- Look for the source of the fever.", MILD) is Withheld.DIRECTION


def test_a_fever_that_was_not_measured_may_be_the_complaint() -> None:
    brief = MILD.replace("sore throat", "fever since noon").replace("Heart rate: 70 /min\n", "")
    text = MILD_TEXT.replace("sore throat", "fever since noon").replace("Heart rate 70 /min.", "")
    assert faults_of(f"{text}\n- Relief of the fever as ordered.", brief) == []


def test_a_text_in_another_language_is_withheld() -> None:
    text = MILD_TEXT.replace(
        "Ask about medicines.",
        "Der Patient ist mit dem Auto und der Mutter da, die Allergie ist nicht bekannt, und"
        " der Hals ist rot; es ist nicht das Herz.",
    )
    assert fault_of(text, MILD) is Withheld.LANGUAGE
    assert (
        fault_of(MILD_TEXT.replace("medicines", "лекарства, которые пациент принимает дома"), MILD)
        is Withheld.LANGUAGE
    )


def test_a_text_about_words_in_another_language_is_not_shown() -> None:
    """That no danger sign was found in them says nothing."""
    assert fault_of(
        TEXT, BRIEF.replace("\nDanger signs", "\nLanguage: not English\nDanger signs")
    ) is (Withheld.NOT_READ)


def test_no_text_for_a_script_that_was_not_read_has_its_own_reason() -> None:
    brief = MILD.replace("sore throat", "боль в горле")
    assert fault_of("", brief) is Withheld.NOT_READ
    assert fault_of("", MILD) is Withheld.HEADINGS


def test_a_long_loop_is_found_and_a_quoted_repetition_is_not() -> None:
    sentence = " ".join(f"word{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(60))
    assert fault_of(f"{TEXT}\n- {' '.join([sentence] * 3)}", BRIEF) is Withheld.LOOPING
    cough = " ".join(["cough"] * 30)
    brief, text = MILD.replace("sore throat", cough), MILD_TEXT.replace("sore throat", cough)
    assert faults_of(text, brief) == []


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_text_is_judged_without_an_error_and_first_comes_first(text: str, brief: str) -> None:
    found = faults_of(text, brief)
    assert fault_of(text, brief) == (found[0] if found else None)


def test_a_value_that_a_line_of_the_history_quotes_is_no_claim() -> None:
    quoted = "chemo ('Chemo last week, temp 38.9 at home')"
    brief = f"Medicines: {quoted}\nTemperature: 38.6 °C (high)\nDanger signs: none found"
    assert not misplaces_number(Answer(f"Background: Medicines: {quoted}.", brief))
    assert misplaces_number(Answer("Assessment: temperature 38.9 °C.", brief))


def test_a_value_of_the_note_that_cannot_be_right_may_be_told_to_be_checked_again() -> None:
    line = "Check again: the note's 'BP 14/80' cannot be right"
    brief = BRIEF.replace("SpO2 97%", "BP 14/80, SpO2 97%").replace("Danger", f"{line}\nDanger")
    assert fault_of(f"{TEXT}\n- {line}.", brief) is None
    assert fault_of(f"{TEXT}\n- {line}.", BRIEF) is not None


@pytest.mark.parametrize(
    ("allergies", "told"),
    [
        ("'mum says he is allergic to penicillin', contradicted by 'no known allergies'", ""),
        ("'Previously listed penicillin allergy removed', contradicted by 'Allergies: NKDA'", ""),
        ("'allergy status unknown, unconscious'", ""),
        ("penicillin, 'allergies not known'", "Allergies: penicillin, 'allergies not known'"),
    ],
)
def test_what_the_note_says_of_allergies_may_be_repeated(allergies: str, told: str) -> None:
    brief = BRIEF.replace("Allergies: penicillin", f"Allergies: {allergies}")
    text = TEXT.replace("Allergies: penicillin", told or f"Allergies: {allergies}")
    assert fault_of(text, brief) is None
    denied = text.replace(told or f"Allergies: {allergies}", "No known allergies")
    assert fault_of(denied, brief) is R.HISTORY
