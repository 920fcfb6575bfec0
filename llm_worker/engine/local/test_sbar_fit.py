"""Lines that do not fit the patient are said otherwise, and a long form is shortened."""

from __future__ import annotations

import re

import pytest

from llm_worker.engine.local.sbar_form import MOST_TOKENS, Fixed, sbar_form
from llm_worker.engine.local.sbar_lines import learned
from scheduling.core.brief import THINNER_LABEL

FAST_ECG = "ECG and monitor for the fast heart rate."
SLOW_ECG = "ECG and monitor for the slow heart rate."


def text_of(
    *lines: str,
    words: str = "unwell",
    complaint: str = "",
    signs: str = "none found",
    level: str = "emergent",
    age: str = "40 years",
    sex: str = "female",
) -> str:
    """All that the model may write."""
    brief = "\n".join(
        (
            f"Priority: {level}",
            f"Age: {age}",
            f"Sex: {sex}",
            f'Caller\'s words: "{words}"',
            *([f"Complaint: {complaint}"] if complaint else []),
            *lines,
            f"Danger signs: {signs}",
        )
    )
    pieces = sbar_form(brief)
    return "\n".join(
        piece.text if isinstance(piece, Fixed) else "\n".join(piece.choices) for piece in pieces
    )


@pytest.mark.parametrize("complaint", ["limb injury", "burn", "flank pain", "eye problem", "fever"])
def test_a_pulse_a_little_fast_of_another_cause_asks_for_no_ecg(complaint: str) -> None:
    text = text_of("Heart rate: 112 /min (high)", complaint=complaint)
    assert FAST_ECG not in text
    assert "Look for why the pulse is fast" in text


@pytest.mark.parametrize(
    ("complaint", "band", "signs", "age"),
    [
        ("limb injury", "very high", "none found", "40 years"),
        ("limb injury", "high", "fainting with an alarm sign", "40 years"),
        ("chest pain", "high", "none found", "40 years"),
        ("palpitations", "high", "none found", "40 years"),
        ("", "high", "none found", "40 years"),
        ("abdominal pain", "high", "none found", "71 years"),
    ],
)
def test_an_ecg_stays_where_the_heart_may_be_ill(
    complaint: str, band: str, signs: str, age: str
) -> None:
    text = text_of(f"Heart rate: 128 /min ({band})", complaint=complaint, signs=signs, age=age)
    assert "ECG" in text


def test_a_slow_pulse_that_is_usual_asks_for_no_monitor() -> None:
    low = "Heart rate: 44 /min (low)"
    assert SLOW_ECG in text_of(low, words="dizzy")
    assert SLOW_ECG not in text_of(low, words="resting pulse always about 42, dizzy")
    assert SLOW_ECG not in text_of(low, complaint="limb injury")


@pytest.mark.parametrize(
    "reading",
    [
        "Heart rate: 144 /min (very high), 44 in the note (low)",
        "Blood pressure: 134/80 mmHg, 74 in the note (very low)",
        "Oxygen saturation: 97 %, 79 in the note (very low)",
    ],
)
def test_what_form_and_note_tell_differently_is_measured_again(reading: str) -> None:
    text = text_of(reading)
    assert "again now; form and note differ." in text
    assert FAST_ECG not in text


def test_to_measure_again_displaces_no_action() -> None:
    lines = (
        "Blood pressure: 134/80 mmHg, 74 in the note (very low)",
        "Heart rate: 122 /min (high)",
    )
    signs = "pale, clammy or collapsing"
    assert "Lie flat if breathing allows" in text_of(*lines, signs=signs)


def test_exchanged_rates_are_counted_again_and_ask_for_nothing_else() -> None:
    text = text_of("Respiratory rate: 90 /min (very high)", "Heart rate: 18 /min (very low)")
    assert "the two values may be exchanged" in text
    assert SLOW_ECG not in text


@pytest.mark.parametrize("complaint", sorted(learned()))
@pytest.mark.parametrize(
    "words", ["fell 3 m from a ladder", "hit by a car", "thrown from a horse, back pain"]
)
def test_nobody_whose_spine_may_be_hurt_is_asked_to_sit(words: str, complaint: str) -> None:
    text = text_of("Respiratory rate: 28 /min (very high)", words=words, complaint=complaint)
    assert "upright" not in text


@pytest.mark.parametrize("complaint", sorted(learned()))
@pytest.mark.parametrize(
    ("signs", "consciousness"),
    [("abdominal emergency", "alert"), ("none found", "responds to voice only")],
)
def test_nobody_drinks_who_may_need_an_operation_or_is_not_alert(
    signs: str, consciousness: str, complaint: str
) -> None:
    text = text_of(f"Consciousness: {consciousness}", complaint=complaint, signs=signs)
    assert "mall sips" not in text
    assert "Sips" not in text
    assert "fluids by mouth" not in text


@pytest.mark.parametrize("complaint", sorted(learned()))
@pytest.mark.parametrize(
    "words", ["11 weeks pregnant, spotting", "9 days post partum", "32/40, headache"]
)
def test_no_pregnancy_test_where_there_is_or_was_a_pregnancy(words: str, complaint: str) -> None:
    text = text_of(words=words, complaint=complaint, signs="suspected ectopic pregnancy")
    assert "regnancy test" not in text


def test_a_pregnancy_test_stays_where_nothing_is_known() -> None:
    for words in ("not pregnant", "belly pain", "could be pregnant"):
        assert "regnancy test" in text_of(words=words, complaint="abdominal pain")


@pytest.mark.parametrize("item", ["alcohol", "daily drinking", "smoking", "stimulants"])
@pytest.mark.parametrize("complaint", sorted(learned()))
def test_a_young_child_is_asked_for_no_habits_of_adults(complaint: str, item: str) -> None:
    text = text_of(complaint=complaint, age="3 years")
    asked = [line for line in text.splitlines() if "sk about" in line]
    assert not any(item in line for line in asked)


@pytest.mark.parametrize(
    ("words", "complaint", "absent", "present"),
    [
        ("hot tea on the forearm", "burn", "soot", "Judge size, depth and place"),
        ("house fire, burnt face", "burn", "Judge size", "soot"),
        ("wax in both ears", "ear, nose or throat problem", "drooling", "bone behind it"),
        ("sore throat and ear", "ear, nose or throat problem", "bone behind it", "drooling"),
        ("fishbone stuck in the throat", "foreign body", "battery", "Do not push"),
        ("swallowed a button battery", "foreign body", "bone", "battery"),
        ("glucose 28, ketones 5.8", "high blood sugar", "ketones now", "ketones again"),
    ],
)
def test_a_line_agrees_with_the_words_of_the_note(
    words: str, complaint: str, absent: str, present: str
) -> None:
    text = text_of(words=words, complaint=complaint)
    told = text.partition("Recommendation:")[2]
    assert absent not in told
    assert present in told


@pytest.mark.parametrize(
    "signs",
    [
        "allergic reaction with airway, breathing or circulation signs",
        "allergy with breathing trouble or faintness",
        "possible anaphylaxis",
    ],
)
def test_adrenaline_comes_first_in_anaphylaxis_and_once(signs: str) -> None:
    text = text_of(
        words="lips swelling, wheeze", complaint="allergic reaction", signs=signs,
        level="resuscitation",
    )  # fmt: skip
    actions = [line for line in text.splitlines() if line.startswith("- ")]
    assert "Adrenaline into the muscle now" in actions[1]
    assert text.count("Adrenaline into") == 1
    given = text_of(words="EpiPen used once", complaint="allergic reaction", signs=signs)
    assert "again as the protocol orders if it is not better" in given
    for words in ("no adrenaline given so far", "adrenaline not yet given", "has EpiPen, not used",
                  "EpiPen not given yet", "did not use her EpiPen"):  # fmt: skip
        text = text_of(words=f"lips swelling, {words}", complaint="allergic reaction", signs=signs)
        assert " again as the protocol" not in text


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (("Blood pressure: 130/70 mmHg",), "Ask about blood thinners and what stops the bleeding"),
        (("Medicines: apixaban", f"{THINNER_LABEL}: apixaban"), "Take the blood pressure"),
        (("Medicines: apixaban", f"{THINNER_LABEL}: apixaban", "Blood pressure: 130/70 mmHg"), ""),
    ],
)
def test_a_question_that_loses_a_part_stays_a_sentence(lines: tuple[str, ...], told: str) -> None:
    signs = "nosebleed with an alarm sign"
    text = text_of(*lines, words="nosebleed", complaint="nosebleed", signs=signs)
    assert told in text
    assert not re.search(r"Ask about (?:take|watch|and)\b", text)


def test_a_blocked_airway_and_a_silent_chest_ask_for_other_things() -> None:
    signs = "airway or breathing in danger"
    assert "nebulised reliever" in text_of(words="silent chest, asthma", signs=signs)
    assert "back blows" in text_of(words="gasping, choking on meat", signs=signs)


_MANY = ", ".join(
    f"medicine{at} ('the note says a lot about medicine{at} here')" for at in range(20)
)


def test_a_long_background_is_shortened_and_says_so() -> None:
    text = text_of(f"Medicines: {_MANY}", "Allergies: 'her sister is allergic to nuts, not she'")
    assert len(text.encode()) / 4.0 <= MOST_TOKENS + 40
    assert "(in doubt)" in text
    assert "more in the note" in text
    assert text.endswith("check every line.")


def test_a_short_background_keeps_its_quotations() -> None:
    assert "('switched to it')" in text_of("Medicines: apixaban ('switched to it'), aspirin")
