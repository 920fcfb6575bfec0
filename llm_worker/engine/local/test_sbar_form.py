"""What the form says of a case: quotation, complaint and actions agree with the facts."""

from __future__ import annotations

import pytest

from llm_worker.engine.local.sbar_fit import age_years, for_patient
from llm_worker.engine.local.sbar_form import Action, Fixed, quoted, sbar_form
from llm_worker.engine.local.sbar_lines import complaint_actions, learned
from scheduling.core.brief import read_brief

UPRIGHT = "Sit upright and look at the work of breathing."
FLAT = "Lie flat if breathing allows"


def brief_of(*lines: str, complaint: str = "", level: str = "emergent") -> str:
    return "\n".join(
        (
            f"Priority: {level}",
            "Age: 50 years",
            "Sex: male",
            'Caller\'s words: "unwell"',
            *([f"Complaint: {complaint}"] if complaint else []),
            *lines,
            "Danger signs: none found",
        )
    )


def of_a_woman(brief: str) -> str:
    return brief.replace("Sex: male", "Sex: female")


def text_of(*lines: str, complaint: str = "", level: str = "emergent") -> str:
    """All that the model may write of a brief."""
    pieces = sbar_form(brief_of(*lines, complaint=complaint, level=level))
    return "\n".join(
        piece.text if isinstance(piece, Fixed) else "\n".join(piece.choices) for piece in pieces
    )


FAST = "Respiratory rate: 28 /min (very high)"
LOW = "Systolic blood pressure: 84 mmHg (very low)"
USUAL = "Systolic blood pressure: 124 mmHg"


def test_who_breathes_fast_sits_upright() -> None:
    assert UPRIGHT in text_of(FAST, USUAL)


@pytest.mark.parametrize(
    "line", [LOW, "Injury: yes", "Consciousness: responds to voice only", "Age: 9 months"]
)
@pytest.mark.parametrize("complaint", sorted(learned()))
def test_nobody_who_should_lie_is_asked_to_sit(line: str, complaint: str) -> None:
    assert "upright" not in text_of(FAST, line, complaint=complaint)


@pytest.mark.parametrize("complaint", sorted(learned()))
@pytest.mark.parametrize("level", ["resuscitation", "emergent", "urgent"])
def test_upright_and_flat_are_never_asked_of_the_same_patient(complaint: str, level: str) -> None:
    text = text_of(FAST, LOW, complaint=complaint, level=level)
    assert FLAT in text
    assert "upright" not in text
    assert "Lie flat until" not in text


@pytest.mark.parametrize("complaint", sorted(learned()))
@pytest.mark.parametrize(
    "line", [LOW, "Oxygen saturation: 84 % (very low)", "Consciousness: newly confused"]
)
def test_nobody_in_danger_is_asked_to_walk_or_stand(line: str, complaint: str) -> None:
    words = set(text_of(line, complaint=complaint).replace(",", " ").replace(".", " ").split())
    assert not words & {"walking", "standing", "sitting", "gait"}
    assert "walking" in text_of(USUAL, complaint="cough and cold symptoms")


@pytest.mark.parametrize("complaint", sorted(learned()))
@pytest.mark.parametrize("line", ["Sex: male", "Sex: female\nAge: 71 years", "Age: 6 years"])
def test_who_cannot_be_pregnant_is_not_asked_about_it(complaint: str, line: str) -> None:
    brief = brief_of(complaint=complaint).replace("Sex: male", line)
    choices = {c for piece in sbar_form(brief) if isinstance(piece, Action) for c in piece.choices}
    asked = {choice for choice in choices if "pregnancy" in choice.lower()}
    assert not {one for one in asked if "where it applies" not in one and "late" not in one}
    assert choices


def test_a_woman_is_asked_about_pregnancy() -> None:
    brief = of_a_woman(brief_of(complaint="urinary symptoms"))
    assert any(
        "pregnancy" in str(piece.choices) for piece in sbar_form(brief) if isinstance(piece, Action)
    )


def test_a_known_chemical_in_the_eye_is_rinsed_at_once() -> None:
    brief = brief_of("Pain: 9/10 (very high)", complaint="eye problem")
    text = "\n".join(str(piece) for piece in sbar_form(brief))
    known = "\n".join(
        str(piece) for piece in sbar_form(brief.replace("none found", "chemical in the eye"))
    )
    assert "rinse only if" in text
    assert "Rinse the eye with much water now" not in text
    assert "Rinse the eye with much water now" in known
    assert "rinse only if" not in known
    assert "Test the sight" not in known


def test_the_same_is_said_once() -> None:
    assert text_of(FAST, USUAL, complaint="breathlessness").count("upright") == 1


def test_no_chest_is_compressed_where_a_pulse_was_measured() -> None:
    compress = "chest compressions"
    pulse = ("Heart rate: 118 /min (high)", "Blood pressure: 92/50 mmHg (low)")
    assert compress in text_of(complaint="cardiac arrest", level="resuscitation")
    assert compress not in text_of(*pulse, complaint="cardiac arrest", level="resuscitation")
    awake = text_of("Consciousness: alert", complaint="cardiac arrest", level="resuscitation")
    assert compress not in awake


NO_PULSE = "Heart rate: 0 /min (very low)"
NO_BREATH = "Respiratory rate: 0 /min (very low)"


def recommended(text: str) -> str:
    """The first line."""
    return text.partition("Recommendation:\n- ")[2].partition("\n")[0]


@pytest.mark.parametrize("complaint", ["", "cardiac arrest", "chest pain"])
@pytest.mark.parametrize("arrival", ["ambulance", "emergency call, not yet here"])
def test_where_nothing_beats_the_chest_is_compressed_first(complaint: str, arrival: str) -> None:
    lines = (f"Arrival: {arrival}", NO_BREATH, NO_PULSE, "Consciousness: unresponsive")
    text = text_of(*lines, complaint=complaint, level="resuscitation")
    assert recommended(text).startswith("Start or continue chest compressions")
    assert text.count("chest compressions") == 1
    assert "slow" not in text
    assert "Assessment: Not breathing, no pulse, unresponsive." in text
    pressure = text_of(*lines, "Blood pressure: 60/30 mmHg (very low)", level="resuscitation")
    assert recommended(pressure).startswith("Start or continue chest compressions")


def test_an_arrest_without_a_pulse_that_was_measured_is_resuscitated_first() -> None:
    told = "cardiac or breathing arrest by the note"
    arrest = brief_of(level="resuscitation").replace("none found", told)
    beats = arrest.replace("Danger", f"Heart rate: 80 /min\n{USUAL}\nDanger")
    first = [recommended(str(sbar_form(brief)[1].text)) for brief in (arrest, beats)]  # type: ignore[union-attr]
    assert first[0].startswith("Start or continue chest compressions")
    assert not first[1].startswith("Start or continue chest compressions")


def test_who_does_not_breathe_gets_breaths_first_and_who_is_awake_is_looked_at() -> None:
    beats = text_of(NO_BREATH, "Heart rate: 60 /min", level="resuscitation")
    assert recommended(beats).startswith("Open the airway, give breaths")
    assert "if it slows" not in beats
    awake = text_of(NO_PULSE, "Consciousness: alert", level="resuscitation")
    assert recommended(awake).startswith("Feel for a pulse")


@pytest.mark.parametrize(
    ("level", "sign", "treated"),
    [
        ("resuscitation", "seizing now", True),
        ("emergent", "seizing now", True),
        ("urgent", "seizing now", False),
        ("emergent", "recent seizure", False),
    ],
)
def test_a_seizure_that_goes_on_is_treated_first(level: str, sign: str, treated: bool) -> None:
    brief = brief_of(complaint="seizure", level=level).replace("none found", sign)
    text = "\n".join(str(piece) for piece in sbar_form(brief))
    assert ("\\n- Treat the seizure by local protocol now." in text) is treated
    assert ("whether the seizure has stopped" in text) is (sign != "seizing now")


@pytest.mark.parametrize("complaint", ["", "fever", "possible sepsis"])
def test_fever_with_weak_defence_gets_the_sepsis_bundle(complaint: str) -> None:
    sign = "fever with weak immune defence"
    brief = brief_of(FAST, complaint=complaint).replace("none found", sign)
    text = "\n".join(str(piece) for piece in sbar_form(brief))
    assert text.count("sepsis bundle: cultures, lactate") == 1


def test_back_blows_are_for_those_who_choked_or_are_not_awake() -> None:
    airway, awake = "choking or airway trouble", "Consciousness: alert"
    blows = "back blows"
    assert blows not in text_of(awake, complaint=airway)
    assert blows in text_of("Consciousness: unresponsive", complaint=airway)
    choked = brief_of(awake, complaint=airway).replace("unwell", "choked on meat")
    assert any(blows in str(piece) for piece in sbar_form(choked))


def test_adrenaline_is_never_crowded_out_in_an_allergic_reaction() -> None:
    low = "Blood pressure: 82/48 mmHg (very low)"
    fast = "Heart rate: 148 /min (very high)"
    for level in ("resuscitation", "emergent", "urgent"):
        text = text_of(FAST, low, fast, complaint="allergic reaction", level=level)
        assert "Adrenaline into the muscle" in text
        assert "Look at airway, voice, breathing" in text


def test_what_is_far_from_usual_comes_first() -> None:
    sats = "Oxygen saturation: 93 % (low)"
    text = text_of(sats, LOW, "Heart rate: 44 /min (low)", complaint="chest pain")
    assert FLAT in text
    assert text.index(FLAT) < text.index("Oxygen as the site's")


@pytest.mark.parametrize("complaint", sorted(learned()))
def test_the_most_important_action_for_the_complaint_is_always_there(complaint: str) -> None:
    brief = of_a_woman(brief_of(USUAL, complaint=complaint))
    actions = [piece for piece in sbar_form(brief) if isinstance(piece, Action)]
    lines = tuple(for_patient(each, read_brief(brief)) for each in learned()[complaint]["actions"])
    assert actions[0].choices == (lines[0],)
    both = complaint == "allergic reaction"  # the second one is the treatment
    assert all(piece.choices == lines for piece in actions[1 + both :])


@pytest.mark.parametrize(
    ("complaint", "line", "asked", "left"),
    [
        ("unwell infant", "Temperature: 38.4 °C", "temperature", "Glucose and saturation"),
        ("new confusion", 'Caller\'s words: "BM 6.2"', "glucose", "airway, oxygen and temperature"),
        ("anxiety or panic", "Oxygen saturation: 99 %", "saturation", "pulse, ECG and glucose"),
        ("pregnancy problem", "Blood pressure: 118/70 mmHg", "pressure,", "Urine protein"),
        ("head injury", "Blood thinners: apixaban", "blood thinners", "vomiting and memory"),
        ("head injury", "Blood thinners: none taken", "thinners", "vomiting and"),
        ("nosebleed", "Blood thinners: warfarin", "Ask about blood", "Take the blood pressure"),
        ("possible stroke", 'Caller\'s words: "glucose 5.1"', "glucose and", "Do a face, arm"),
    ],
)  # fmt: skip
def test_what_the_brief_has_is_not_asked_again(
    complaint: str, line: str, asked: str, left: str
) -> None:
    brief = of_a_woman(brief_of(line, complaint=complaint))
    told = "\n".join(complaint_actions(read_brief(brief), []))
    assert asked not in told
    assert left in told


@pytest.mark.parametrize("taken", ["warfarin (stopped)", "aspirin (refused)", "ramipril"])
def test_a_blood_thinner_that_is_not_taken_is_asked_for(taken: str) -> None:
    told = text_of(f"Medicines: {taken}", complaint="head injury")
    assert "memory loss and blood thinners" in told


def test_a_complaint_that_was_not_learned_gets_no_lines_of_another() -> None:
    brief = (
        'Priority: urgent\nCaller\'s words: "x"\nComplaint: a rare one\nDanger signs: none found'
    )
    assert not any(isinstance(piece, Action) for piece in sbar_form(brief))
    assert "Examine from airway to skin" in text_of(complaint="a rare one")


@pytest.mark.parametrize(
    ("words", "told_by", "quote"),
    [
        ("No chest pain. No SOB. No collapse. No fever. Requests suture removal from L knee.",
         "suture removal", "Requests suture removal from L knee."),
        ("Not on any anticoagulants. Not allergic to anything. Black tarry stools 3 days, dizzy.",
         "Black tarry stools", "Black tarry stools 3 days, dizzy."),
        ("Dear Colleague, thank you for seeing this kind and patient lady with a swollen leg today",
         "swollen leg", "patient lady with a swollen leg today"),
        ("chest pain since noon", "chest pain", "chest pain since noon"),
        ("chest pain since noon", "not there", "chest pain since noon"),
    ],
)  # fmt: skip
def test_the_quotation_has_the_words_that_the_complaint_is_told_by(
    words: str, told_by: str, quote: str
) -> None:
    parts = quoted(words, told_by).split(" ... ")
    found = parts[-1]
    assert all(part.removesuffix(" ...") in words for part in parts)
    assert quote.endswith(found) or found == quote
    assert told_by in found or told_by not in words


def test_nobody_who_takes_nothing_is_asked_for_other_medicines() -> None:
    text = text_of("Medicines: none taken")
    assert "Medicines: none taken. Ask about allergies and other history." in text


def test_a_complaint_that_is_not_known_leaves_the_words_of_the_note() -> None:
    text = text_of(complaint="")
    assert 'The words of the note: "' in text
    assert "suggest" not in text


def test_a_pregnancy_is_left_open_only_where_there_can_be_one() -> None:
    of_a_man = text_of(USUAL, complaint="abdominal pain")
    assert "pregnancy" not in of_a_man
    assert "Bloods and urine." in of_a_man or "Bloods and urine\n" in of_a_man
    assert "perforation, obstruction and vessel" in of_a_man
    woman = of_a_woman(brief_of(USUAL, complaint="abdominal pain"))
    assert "pregnancy" in str(sbar_form(woman))


def with_words(words: str, *lines: str, complaint: str, level: str = "urgent") -> str:
    """All that the model may write of a note with these words."""
    brief = brief_of(*lines, complaint=complaint, level=level).replace('"unwell"', f'"{words}"')
    return "\n".join(
        piece.text if isinstance(piece, Fixed) else "\n".join(piece.choices)
        for piece in sbar_form(brief)
    )


@pytest.mark.parametrize(
    ("words", "bleeds"),
    [
        ("cut on a tin, bleeding", True),
        ("cut on a tin", False),
        ("cut on a tin, bleeding has stopped", False),
        ("cut on a tin, no bleeding", False),
    ],
)
def test_only_what_bleeds_is_pressed(words: str, bleeds: bool) -> None:
    assert ("Press on the bleeding" in with_words(words, complaint="cut or wound")) is bleeds


def test_glass_is_looked_for_where_there_was_some() -> None:
    assert "look for glass" in with_words("cut on glass", complaint="cut or wound")
    assert "glass" not in with_words("cut on a knife", complaint="cut or wound")


@pytest.mark.parametrize(
    ("words", "early"),
    [
        ("8 weeks pregnant, cramps", True),
        ("pregnant, 11 weeks, cramps", True),
        ("9/40, cramps", True),
        ("32 weeks pregnant, cramps", False),
        ("pregnant, cramps", False),
    ],
)
def test_nobody_asks_for_movements_in_early_pregnancy(words: str, early: bool) -> None:
    text = of_a_woman(with_words(words, complaint="pregnancy problem"))
    assert ("movements" not in text and "Lie on the left" not in text) is early


REVERSE = "Ask about blood thinners and reverse them as the doctor orders; head up"


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("Blood thinners: apixaban", "Reverse the blood thinner as the doctor orders; head up"),
        ("Blood thinners: none taken", "Head up"),
        ("Medicines: apixaban (stopped)", REVERSE),
        ("Temperature: 37.0 °C", REVERSE),
    ],
)
def test_only_a_blood_thinner_that_is_taken_is_reversed(told: str, said: str) -> None:
    assert for_patient(REVERSE, read_brief(brief_of(told))) == said


ALERT = "Consciousness: alert"
OVER = "Said to be over: back to normal now"


def test_what_is_over_is_quoted_and_not_treated() -> None:
    words = "fit at work at noon before the meeting with all of them there, back to normal now"
    text = with_words(words, ALERT, OVER, complaint="seizure")
    assert "... back to normal now" in text
    assert "whether the seizure has stopped" not in text
    drowsy = with_words(words, OVER, "Consciousness: responds to voice only", complaint="seizure")
    assert "whether the seizure has stopped" in drowsy


def test_nobody_who_is_not_alert_gets_anything_by_mouth() -> None:
    drowsy = "Consciousness: responds to voice only"
    text = with_words("glucose 2.2", drowsy, complaint="low blood sugar")
    assert "treat by mouth" not in text
    assert "check glucose" not in text
    assert "treat by mouth" in with_words("low sugar", ALERT, complaint="low blood sugar")


def test_a_target_that_is_met_asks_for_no_oxygen() -> None:
    low, words = "Oxygen saturation: 89 % (very low)", "my target is 88-92. cough"
    more = "Oxygen as the site's target orders"
    assert more not in with_words(words, low, complaint="cough and cold symptoms")
    assert more in with_words("cough", low, complaint="cough and cold symptoms")
    lower = low.replace("89", "86")
    assert more in with_words(words, lower, complaint="cough and cold symptoms")


def test_a_pulse_of_a_child_that_is_a_little_high_needs_no_ecg() -> None:
    high = "Heart rate: 104 /min (high)"
    assert "ECG and monitor for the fast" in with_words("unwell", high, complaint="")
    brief = brief_of(high).replace("50 years", "13 years")
    assert "ECG" not in str(sbar_form(brief))


def test_words_far_in_a_sentence_are_quoted_with_its_beginning() -> None:
    words = "Plaster since Monday on my wrist and now the hand is fat and I have pins and needles"
    assert quoted(words, "pins and needles") == ("Plaster since Monday on my ... pins and needles")


def test_a_hip_is_not_raised() -> None:
    assert "raise" not in with_words("broken hip", complaint="limb injury")
    assert "raise" in with_words("twisted ankle", complaint="limb injury")


@pytest.mark.parametrize(
    ("sex", "told"),
    [("male", "Male patient of unknown age"), ("not known", "Patient of unknown age")],
)
def test_who_has_no_age_is_no_man_and_no_child(sex: str, told: str) -> None:
    brief = f'Priority: urgent\nAge: not known\nSex: {sex}\nCaller\'s words: "rash"'
    text = "".join(piece.text for piece in sbar_form(brief) if isinstance(piece, Fixed))
    assert f"Situation: {told}, urgent." in text


def test_an_age_that_was_entered_as_0_is_told_as_under_one_year() -> None:
    brief = 'Priority: urgent\nAge: under one year\nSex: female\nCaller\'s words: "rash"'
    text = "".join(piece.text for piece in sbar_form(brief) if isinstance(piece, Fixed))
    assert "Situation: Girl under one year old, urgent." in text
    assert age_years(read_brief(brief)) == 0.0


@pytest.mark.parametrize("state", ["alert", "newly confused"])
def test_another_state_in_the_note_is_told_and_checked_again(state: str) -> None:
    line = f"Consciousness: {state}, responds to pain only in the note (GCS 7)"
    text = text_of(line, level="resuscitation")
    assert f"Consciousness {state}, responds to pain only in the note (GCS 7)." in text
    assert "Check consciousness again now; form and note differ." in text
    assert "Protect the airway" in text
    assert "No vital sign recorded" not in text


def test_what_form_and_note_say_differently_is_checked_again() -> None:
    again = "the note's 'BP 12/80' cannot be right; air was entered, and the note tells of oxygen"
    lines = (f"Check again: {again}", "Blood pressure: 120/80 mmHg")
    text = with_words("BP 12/80, dizzy", *lines, complaint="dizziness")
    assert f"- Check again: {again}." in text
