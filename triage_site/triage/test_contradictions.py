"""Where a note and the form disagree, a person is asked, and the signs say whose word it is."""

from __future__ import annotations

from typing import Any

import pytest

from scheduling.core.brief import read_brief
from triage_site.triage.brief import build_brief
from triage_site.triage.classify import BY_THE_NOTE, classify, look
from triage_site.triage.facts import CaseFacts
from triage_site.triage.reading.disagreement import STATE_WORDS
from triage_site.triage.reading.note import read
from triage_site.triage.reading.person import spoken_age
from triage_site.triage.signs.rules import most_urgent, names_of
from triage_site.triage.types import CONTRADICTION


def reasons(**facts: Any) -> tuple[str, ...]:
    return classify(CaseFacts.from_dict(facts)).person_reasons


@pytest.mark.parametrize(
    "facts",
    [
        {"text": "82 year old woman, tired", "age_years": 28, "sex": "female"},
        {"text": "28 yo woman, tired", "age_years": 28, "sex": "male"},
        {"text": "58M chest pain", "age_years": 85},
        {"text": "25yo F, lower abdo pain", "age_years": 25, "sex": "male"},
        {"text": "61 M dizzy", "age_years": 61, "sex": "female"},
        {"text": "8 weeks pregnant, spotting", "sex": "male"},
        {"text": "7 month old boy, cough", "age_years": 7, "sex": "male"},
        {"text": "8 month pregnant and bleeding a lot", "sex": "male", "age_years": 30},
        {"text": "pregnant 32 weeks, headache", "sex": "male"},
        {"text": "prostate enlarged, cannot pee", "sex": "female"},
        {"text": "testicular pain since noon", "sex": "female"},
        {"text": "vaginal bleeding", "sex": "male"},
        {"text": "male 45, chest pain", "age_years": 45, "sex": "female"},
        {"text": "45F headache", "age_years": 45, "sex": "male"},
        {"text": "she is 23, cough", "age_years": 70},
        {"text": "cough, on room air", "on_oxygen": True},
        {"text": "sats 94 on air", "on_oxygen": True, "spo2_percent": 94},
        {"text": "no injury, back pain", "injury": True},
        {"text": "denies any trauma, sore knee", "injury": True},
        {"text": "dog bite to right hand", "injury": False},
        {"text": "stabbed in the arm", "injury": False},
        {"text": "deep laceration of the scalp", "injury": False},
        {"text": "afebrile, cough", "temp_c": 39.6, "age_years": 50},
        {"text": "cough, normal heart rate", "hr_bpm": 138, "age_years": 50},
        {"text": "dizzy, normotensive", "sbp_mmhg": 80, "age_years": 50},
        {"text": "found unconscious in bed", "consciousness": "alert", "age_years": 50},
        {"text": "Tachycardic per the watch", "hr_bpm": 72, "age_years": 27},
        {"text": "hypotensive and dizzy", "sbp_mmhg": 148, "age_years": 50},
        {"text": "febrile, cough", "temp_c": 36.6, "age_years": 50},
        {"text": "cough, sats fine", "spo2_percent": 88, "age_years": 50},
        {"text": "GCS 15, bumped head", "consciousness": "pain", "age_years": 52},
        {"text": "AVPU A, bumped head", "consciousness": "voice", "age_years": 52},
        {"text": "GCS 9, bumped head", "consciousness": "alert", "age_years": 52},
        {"text": "new confusion per daughter", "consciousness": "alert", "age_years": 84},
        {"text": "SOB, on 2 L nasal cannula", "on_oxygen": False, "age_years": 73},
        {"text": "cough, needs oxygen", "on_oxygen": False, "age_years": 73},
        {"text": "Palpitations. Obs normal.", "hr_bpm": 150, "age_years": 44},
        {"text": "cough, normal vital signs", "rr_bpm": 30, "age_years": 44},
        {"text": "ankle, pain 2 now 8", "pain_score": 2, "age_years": 44},
    ],
)
def test_a_note_of_another_patient_or_of_other_findings_asks_a_person(
    facts: dict[str, Any],
) -> None:
    assert "contradiction" in reasons(**facts)


@pytest.mark.parametrize(
    "facts",
    [
        {"text": "63-year-old lady, swollen calf", "age_years": 64, "sex": "female"},
        {"text": "chest pain, her 82 year old mother called", "age_years": 50, "sex": "female"},
        {"text": "mother of a 3 year old boy, cough", "age_years": 30, "sex": "female"},
        {"text": "Mother and baby both vomit. Mother 30, baby 5 months.", "age_years": 30},
        {"text": "14 weeks pregnant, cough", "age_years": 33, "sex": "female"},
        {"text": "afebrile, cough", "temp_c": 37.9, "age_years": 50},
        {"text": "his wife is 30 weeks pregnant, he has a cough", "sex": "male"},
        {"text": "not pregnant", "sex": "male"},
        {"text": "friend is pregnant, he has a cough", "sex": "male"},
        {"text": "his wife, 30 weeks pregnant, drove him in", "sex": "male"},
        {"text": "her father had prostate cancer, back pain", "sex": "female"},
        {"text": "kicked him in the testicles, her foot hurts", "sex": "female"},
        {"text": "prostate enlarged", "sex": "male"},
        {"text": "here with mother, she is 70, cough", "age_years": 30},
        {"text": "on room air until noon, then 2 L oxygen", "on_oxygen": True},
        {"text": "sats 90 on air", "on_oxygen": True, "spo2_percent": 93},
        {"text": "was on air with the crew", "on_oxygen": True},
        {"text": "no injury seen after fall", "injury": True},
        {"text": "no injury to the head, twisted ankle", "injury": True},
        {"text": "no injury", "injury": False},
        {"text": "old laceration, suture removal", "injury": False},
        {"text": "stabbing chest pain", "injury": False},
        {"text": "afraid of a dog bite, none now", "injury": False},
        {"text": "cough, temp 98 F", "age_years": 30, "sex": "male"},
        {"text": "25M, cough", "age_years": 25, "sex": "male"},
        {"text": "COPD, cough, usual sats 89-90", "spo2_percent": 89, "age_years": 70},
        {"text": "cough, usual BP 150/90", "sbp_mmhg": 188, "age_years": 70},
        {"text": "72F fall from standing, hip pain", "temp_c": 36.8, "age_years": 72},
        {"text": "unconscious", "consciousness": "unresponsive", "age_years": 50},
        {"text": "Bradycardic? no. Cough", "hr_bpm": 92, "age_years": 50},
        {"text": "not tachycardic", "hr_bpm": 72, "age_years": 50},
        {"text": "was hypotensive with the crew", "sbp_mmhg": 128, "age_years": 50},
        {"text": "tachycardic", "hr_bpm": 118, "age_years": 50},
        {"text": "afebrile, cough", "temp_c": 36.6, "age_years": 50},
        {"text": "bradycardic", "hr_bpm": 85, "age_years": 0.5},
        {"text": "GCS 15, bumped head", "consciousness": "alert", "age_years": 52},
        {"text": "GCS 12 on scene, GCS 15 now", "consciousness": "alert", "age_years": 52},
        {"text": "drowsy, GCS 12", "consciousness": "voice", "age_years": 52},
        {"text": "not confused, cough", "consciousness": "alert", "age_years": 84},
        {"text": "new confusion", "consciousness": "confused", "age_years": 84},
        {"text": "SOB, was on 2 L oxygen with the crew", "on_oxygen": False, "age_years": 73},
        {"text": "COPD, on home oxygen, cough", "on_oxygen": False, "age_years": 73},
        {"text": "asthma, on nasal spray, cough", "on_oxygen": False, "age_years": 73},
        {"text": "COPD, not on oxygen, cough", "on_oxygen": False, "age_years": 73},
        {"text": "SOB, on oxygen earlier, now on air", "on_oxygen": False, "age_years": 73},
        {"text": "SOB, on 2 L nasal cannula", "on_oxygen": True, "age_years": 73},
        {"text": "cough, obs normal", "hr_bpm": 112, "age_years": 44},
        {"text": "cough, obs normal", "hr_bpm": 150, "age_years": 0.5},
        {"text": "cough, obs were normal at home", "hr_bpm": 150, "age_years": 44},
        {"text": "cough, obs normal apart from HR", "hr_bpm": 150, "age_years": 44},
        {"text": "ankle, obs normal", "pain_score": 9, "age_years": 44},
        {"text": "Chest tightness. Pain 8 now 3.", "pain_score": 3, "age_years": 63},
        {"text": "pain 8/10, then morphine, pain 3/10", "pain_score": 3, "age_years": 63},
    ],
)
def test_what_agrees_is_no_contradiction(facts: dict[str, Any]) -> None:
    assert "contradiction" not in reasons(**facts)


def test_a_sign_that_only_the_note_has_says_so() -> None:
    text = "HR was 140 at home on her watch, palpitations"
    entered = classify(CaseFacts.from_dict({"text": text, "hr_bpm": 52, "age_years": 35}))
    assert entered.danger_signs == (f"very fast heart earlier, {BY_THE_NOTE}", "palpitations")
    unmeasured = classify(CaseFacts.from_dict({"text": text, "age_years": 35}))
    assert "very fast heart" in unmeasured.danger_signs


def test_a_sign_of_a_value_that_differs_a_little_from_the_entered_one_says_so_too() -> None:
    facts = {"text": "on scene BP 88/50, black stool", "sbp_mmhg": 112, "age_years": 72}
    said = classify(CaseFacts.from_dict(facts))
    assert f"low blood pressure earlier, {BY_THE_NOTE}" in said.danger_signs
    assert "contradiction" not in said.person_reasons


def test_a_reason_says_whose_value_it_is() -> None:
    text = "BP 88/50 with crew, D&V 2 days, dizzy on standing"
    said = classify(CaseFacts(text=text, sbp_mmhg=131, dbp_mmhg=74, age_years=70))
    (low,) = [reason.text for reason in said.reasons if "low blood pressure" in reason.text]
    assert low == f"low blood pressure earlier (systolic pressure 88 mmHg), {BY_THE_NOTE}"


@pytest.mark.parametrize(
    ("text", "facts", "sign", "line"),
    [
        ("BP earlier 80/40, now 120/75 after fluids", {}, "low blood pressure",
         "Blood pressure: 120/75 mmHg by the note, 80 earlier"),
        ("BP 60/30 with the crew", {"sbp_mmhg": 118, "dbp_mmhg": 70}, "blood pressure of shock",
         "Blood pressure: 118/70 mmHg, 60 earlier"),
        ("BP 84/50 at home", {"sbp_mmhg": 190, "dbp_mmhg": 70}, "low blood pressure",
         "Blood pressure: 190/70 mmHg, 84 earlier"),
        ("GCS was 8 now 15 after dextrose", {}, "responds to pain only or not at all",
         "Consciousness: alert (GCS 8 earlier)"),
        ("GCS 12 on scene, GCS 15 now", {"consciousness": "alert"}, "not fully alert",
         "Consciousness: alert (GCS 12 earlier)"),
        ("AVPU P at home, cough", {"consciousness": "alert"}, "responds to pain only",
         "Consciousness: alert (AVPU P earlier)"),
        ("blood sugar was 1.9, now 6 after glucogel", {}, "low blood sugar", ""),
        ("HR 160 at home, now 115, palpitations", {}, "very fast heart",
         "Heart rate: 115 /min by the note (high), 160 earlier"),
        ("sats 84 at home", {"spo2_percent": 97}, "low oxygen saturation",
         "Oxygen saturation: 97 %, 84 earlier"),
        ("temp 40.5 this morning", {"temp_c": 37.2}, "very high temperature",
         "Temperature: 37.2 °C, 40.5 earlier"),
        ("NEWS 9 at home, NEWS 1 now", {}, "early warning score of an emergency, as told", ""),
    ],
)  # fmt: skip
def test_a_danger_that_was_there_is_named_as_earlier_and_keeps_the_case_at_level_1(
    text: str, facts: dict[str, Any], sign: str, line: str
) -> None:
    given = CaseFacts.from_dict({"text": text, "age_years": 50, **facts})
    fired = [one for one in look(given).fired if one.is_earlier]
    assert [one.min_priority for one in fired] == [1]
    said = classify(given)
    assert said.priority <= 1
    assert "contradiction" not in said.person_reasons
    (told,) = [one for one in said.danger_signs if one.endswith(f"earlier, {BY_THE_NOTE}")]
    assert told.startswith(sign)
    brief = build_brief(given, priority=1, danger_signs=said.danger_signs)
    assert line in brief
    assert read_brief(brief).states in ((), ("alert",))


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("HR 38, feels well", {"hr_bpm": 80}),
        ("BP now 70/40, HR 140", {"hr_bpm": 80, "sbp_mmhg": 125, "dbp_mmhg": 80}),
        ("GCS 7", {"consciousness": "alert"}),
        ("sats 80", {"spo2_percent": 98}),
        ("afebrile", {"temp_c": 39.9}),
        ("tachycardic", {"hr_bpm": 72}),
        ("on 2 L oxygen", {"on_oxygen": False}),
    ],
)
def test_what_was_measured_again_after_the_note_contradicts_nothing(
    text: str, facts: dict[str, Any]
) -> None:
    again = {**facts, "words_before": [(name, len(text)) for name in facts]}
    given = CaseFacts.from_dict({"text": text, "age_years": 50, **again})
    seen = look(given)
    assert not seen.measured.contradicted
    assert not any(one.shows in (*facts, "gcs") and one.is_earlier for one in seen.fired)
    later = CaseFacts.from_dict({"text": f"{text}.\n{text}", "age_years": 50, **again})
    assert look(later).measured.contradicted, "a later note contradicts again"


def test_a_coma_scale_that_contradicts_the_form_is_no_detail_of_its_sign() -> None:
    said = classify(CaseFacts.from_dict({"text": "GCS 15, bumped head", "consciousness": "pain"}))
    assert said.priority == 0
    assert not any("GCS" in one.text for one in said.reasons if one.code != CONTRADICTION)


@pytest.mark.parametrize(
    ("text", "entered", "level"),
    [
        ("GCS 3", "alert", 0),
        ("GCS E2 V2 M4", "alert", 0),
        ("GCS 7 after fall down stairs", "alert", 0),
        ("GCS 6", "confused", 0),
        ("GCS 8, found on floor", "voice", 0),
        ("AVPU: U", "alert", 0),
        ("P on AVPU", "voice", 0),
        ("RLS 5", "alert", 0),
        ("FOUR score 6", "confused", 0),
        ("Blantyre 2/5", "alert", 0),
        ("GCS 9", "alert", 1),
        ("V on AVPU", "alert", 1),
        ("AVPU C", "alert", 1),
    ],
)
def test_of_form_and_score_the_worse_state_counts_and_the_score_is_told(
    text: str, entered: str, level: int
) -> None:
    facts = CaseFacts.from_dict({"text": text, "consciousness": entered, "age_years": 40})
    said = classify(facts)
    assert said.priority == level
    assert "contradiction" in said.person_reasons
    score = text.partition(" after")[0].partition(",")[0]
    assert any(f"the note tells '{score}'" in one.text for one in said.reasons)
    assert any(one.endswith(BY_THE_NOTE) for one in said.danger_signs)
    brief = build_brief(facts, priority=level, danger_signs=said.danger_signs)
    assert f"in the note ({score})" in brief
    assert f"Consciousness: {STATE_WORDS[facts.consciousness]}, " in brief


@pytest.mark.parametrize(
    ("text", "entered", "told"),
    [
        ("unresponsive", "voice", "unresponsive"),
        ("found unconscious in bed", "confused", "unresponsive"),
        ("still drowsy after the fit", "alert", "confused or drowsy"),
        ("hard to wake", "alert", "reduced consciousness"),
        ("alert and chatting", "unresponsive", "alert"),
        ("sat up and is talking", "pain", "alert"),
        ("A&O x3, sore thumb", "voice", "alert"),
        ("walking and talking", "unresponsive", "alert"),
        ("speaking in full sentences", "pain", "alert"),
        ("cough, alert", "unresponsive", "alert"),
        ("GCS 15, cough", "confused", "alert"),
    ],
)
def test_words_for_another_state_are_told_in_both_directions(
    text: str, entered: str, told: str
) -> None:
    facts = CaseFacts.from_dict({"text": text, "consciousness": entered, "age_years": 40})
    said = classify(facts)
    assert "contradiction" in said.person_reasons
    brief = build_brief(facts, priority=said.priority, danger_signs=said.danger_signs)
    assert f", {told} in the note" in brief


@pytest.mark.parametrize(
    ("text", "entered"),
    [
        ("GCS 14, dementia", "alert"),
        ("usual GCS 13, cough", "alert"),
        ("GCS 13", "confused"),
        ("GCS 9", "pain"),
        ("AVPU V", "voice"),
        ("was alert and chatting, then collapsed", "unresponsive"),
        ("no longer alert and talking", "voice"),
        ("trauma pre-alert, GCS 3", "unresponsive"),
        ("medic alert bracelet", "unresponsive"),
        ("neither alert nor talking, not responding", "unresponsive"),
        ("not drowsy, cough", "alert"),
        ("unresponsive, only groans", "pain"),
    ],
)
def test_a_state_that_goes_with_the_form_is_no_contradiction(text: str, entered: str) -> None:
    assert "contradiction" not in reasons(text=text, consciousness=entered, age_years=40)


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("HR 190", {"hr_bpm": 100, "age_years": 4}),
        ("RR 60", {"rr_bpm": 24, "age_years": 4}),
        ("temp 38.9", {"temp_c": 37.0, "age_years": 0.1}),
    ],
)
def test_the_worse_value_of_a_child_counts_too(text: str, facts: dict[str, Any]) -> None:
    said = classify(CaseFacts.from_dict({"text": text, **facts}))
    assert said.priority <= 1
    assert any(one.text.endswith(BY_THE_NOTE) for one in said.reasons)


def test_no_sign_is_far_from_the_statistics_where_there_is_none() -> None:
    facts = {"text": "Seen at GP last week: HR 132, BP 178/102. Today settled, wants repeat check.",
             "hr_bpm": 72, "sbp_mmhg": 128, "dbp_mmhg": 76, "age_years": 58}  # fmt: skip
    said = classify(CaseFacts.from_dict(facts))
    assert said.danger_signs == ()
    assert "rules_against_model" not in said.person_reasons


@pytest.mark.parametrize("text", ["Cardiac arrest, no pulse", "collapse, no pulse, CPR"])
def test_an_arrest_that_is_clear_is_not_called_unclear(text: str) -> None:
    said = classify(CaseFacts(text=text, hr_bpm=0, rr_bpm=0, age_years=60))
    assert said.priority == 0
    assert not any("unclear" in sign or "slow" in sign for sign in said.danger_signs)
    assert not any("unclear" in one.text or "slow" in one.text for one in said.reasons)


@pytest.mark.parametrize(
    ("facts", "usual"),
    [
        ({}, True),
        ({"hr_bpm": 102, "pain_score": 9}, False),
        ({"spo2_percent": 94}, False),
        ({"consciousness": "confused"}, False),
    ],
)
def test_vital_signs_are_called_usual_only_where_all_are(
    facts: dict[str, Any], usual: bool
) -> None:
    all_usual = {"text": "unwell since Monday", "rr_bpm": 16, "spo2_percent": 99, "hr_bpm": 76,
                 "sbp_mmhg": 128, "dbp_mmhg": 80, "temp_c": 36.8, "consciousness": "alert",
                 "on_oxygen": False, "age_years": 39}  # fmt: skip
    said = classify(CaseFacts.from_dict({**all_usual, **facts}))
    assert any(one.text == "vital signs in the usual range" for one in said.reasons) is usual


@pytest.mark.parametrize(
    ("facts", "sign"),
    [
        ({"text": "dizzy, HR 82 on the watch", "hr_bpm": 38}, "very slow heart"),
        ({"text": "breathless, sats 97 at home", "spo2_percent": 82}, "low oxygen saturation"),
        ({"text": "BP machine read 240/130", "sbp_mmhg": 240}, "very high blood pressure"),
    ],
)
def test_a_value_of_the_note_that_is_no_worse_hides_no_entered_one(
    facts: dict[str, Any], sign: str
) -> None:
    said = classify(CaseFacts.from_dict({"age_years": 60, **facts})).danger_signs
    assert sign in said
    assert not any(BY_THE_NOTE in one for one in said)


@pytest.mark.parametrize("text", ["usual sats 89-90", "baseline SpO2 88", "target sats 88-92"])
def test_a_saturation_that_is_usual_or_wanted_is_not_one_of_now(text: str) -> None:
    assert classify(CaseFacts(text=f"cough. {text}")).danger_signs == ()


@pytest.mark.parametrize(
    "text",
    [
        "sats 84 (normal 92)",
        "RR normal sats 82",
        "HR normal BP 80/50",
        "baseline sats 88, now sats 79",
    ],
)
def test_a_saturation_of_now_beside_the_usual_one_counts(text: str) -> None:
    assert classify(CaseFacts(text=f"cough. {text}")).priority <= 1


@pytest.mark.parametrize(
    "text",
    ["mouth is hanging down on the right, on warfarin, dropped his cup", "arm is hanging"],
)
def test_a_part_of_the_body_that_hangs_is_no_hanging_and_a_dropped_thing_no_fall(text: str) -> None:
    signs = [item.label for item in look(CaseFacts(text=text)).fired]
    assert not any("hanging" in sign or "head injury" in sign for sign in signs)


@pytest.mark.parametrize("text", ["found hanging", "dropped to the floor and hit head, warfarin"])
def test_a_hanging_and_a_fall_are_still_told(text: str) -> None:
    assert classify(CaseFacts(text=text)).priority <= 1


@pytest.mark.parametrize("text", ["Niña, cojea, sin fiebre", "Kind hinkt, ohne Fieber"])
def test_what_another_language_denies_names_no_complaint(text: str) -> None:
    assert classify(CaseFacts(text=text, age_years=4)).complaint is None


def test_unresponsive_beside_alert_is_told_as_the_note_has_it() -> None:
    text = "two patients: driver walks, passenger found unconscious"
    facts = CaseFacts.from_dict({"text": text, "consciousness": "alert", "age_years": 45})
    said = classify(facts)
    assert said.priority == 0
    assert f"unresponsive {BY_THE_NOTE}" in said.danger_signs


@pytest.mark.parametrize("text", ["72F fall", "72F, hip pain", "pt 88 F, off legs", "94F weak"])
def test_an_age_with_f_is_no_temperature(text: str) -> None:
    assert not any("temperature" in sign for sign in classify(CaseFacts(text=text)).danger_signs)


@pytest.mark.parametrize("text", ["T 93F", "temp 94 F", "94.1F oral", "94 degrees F"])
def test_a_cold_body_in_fahrenheit_is_read(text: str) -> None:
    assert "very low temperature" in classify(CaseFacts(text=text)).danger_signs


def test_usual_vital_signs_never_count_for_urgency() -> None:
    facts = {"text": "cough", "hr_bpm": 138, "spo2_percent": 92, "rr_bpm": 28, "temp_c": 37.0}
    for more in ({}, {"sbp_mmhg": 84}, {"sbp_mmhg": 128}):
        for reason in classify(CaseFacts.from_dict({**facts, **more, "age_years": 50})).reasons:
            assert reason.text != "vital signs in the usual range" or (reason.weight or 0) < 0


@pytest.mark.parametrize(
    "text",
    [
        "chess pane and shore to breath sins mourning",
        "Pt won't say. 'just want a doctor.'",
        "refuses to say why he came",
        "purple monkey dishwasher",
        "a bit worse",
    ],
)
@pytest.mark.parametrize("facts", [{}, {"arrival_mode": "walking", "hr_bpm": 80, "temp_c": 36.7}])
def test_few_words_that_tell_no_complaint_are_not_mild(text: str, facts: dict[str, Any]) -> None:
    said = classify(CaseFacts.from_dict({"text": text, "age_years": 35, **facts}))
    assert said.priority <= 2
    assert said.needs_person
    assert said.person_reasons.count("nothing_recognised") == 1


@pytest.mark.parametrize(
    "text", ["wart on thumb", "cold sore on my lip", "period late", "bed bugs"]
)
def test_small_complaints_are_recognised(text: str) -> None:
    said = classify(CaseFacts(text=text, age_years=35))
    assert "nothing_recognised" not in said.person_reasons


@pytest.mark.parametrize(
    "text", ["FALL >3M, back pain", "fell 4 M from a ladder", "height about 5M", "drop of 6 M"]
)
def test_a_length_is_no_age(text: str) -> None:
    assert spoken_age(read(text)) is None


@pytest.mark.parametrize(("text", "age"), [("FALL 78F hip pain", 78), ("23M fell, wrist", 23)])
def test_an_age_beside_a_fall_is_one(text: str, age: float) -> None:
    assert spoken_age(read(text)) == age


@pytest.mark.parametrize(
    ("text", "not_said"),
    [
        ("vomiting, not drinking since yesterday", "keep"),
        ("vomiting, mouth very dry, no urine since noon", "keep"),
        ("black stools for two days, on apixaban", "faint"),
        ("black stools, takes naproxen", "faint"),
    ],
)
def test_a_sign_says_nothing_that_the_note_does_not(text: str, not_said: str) -> None:
    signs = [item.label for item in look(CaseFacts(text=text)).fired]
    assert signs
    assert not any(not_said in sign for sign in signs)


@pytest.mark.parametrize(
    ("text", "sign", "priority"),
    [
        ("seizure lasting 10 min, stopped with midazolam", "seizure, said to have stopped", 1),
        ("fitting for 12 min, self-terminated", "seizure, said to have stopped", 1),
        ("was choking on meat, now fine", "choked, said to be over", 1),
        (
            "unresponsive for a minute, woke up, now fully alert",
            "unresponsive before, said to be awake now",
            1,
        ),
        ("seizing 20 min, not stopped with midazolam", "seizing now", 0),
        ("fit for 15 minutes, stopped after midazolam, now fitting again", "seizing now", 0),
        ("unresponsive, was fully alert before", "unresponsive", 0),
        ("unresponsive, fully alert until noon", "unresponsive", 0),
        ("choking, it was fine at breakfast", "choking", 0),
        ("seizing now", "seizing now", 0),
    ],
)
def test_what_is_said_to_be_over_is_named_so_and_what_was_before_is_not(
    text: str, sign: str, priority: int
) -> None:
    fired = look(CaseFacts(text=text, age_years=40)).fired
    assert sign in {one.label for one in fired}
    assert most_urgent(fired) == priority


@pytest.mark.parametrize(
    ("text", "facts", "told"),
    [
        ("Sats 98% at home but now 82%", {"spo2_percent": 98}, "82"),
        ("HR 80 on arrival, now 150", {"hr_bpm": 80}, "150"),
        ("98% on 10 litres", {"spo2_percent": 98, "on_oxygen": False}, "oxygen"),
        ("on 15 L non rebreather", {"on_oxygen": False}, "oxygen"),
        ("no pain at all", {"pain_score": 9}, "pain"),
        ("not injured", {"injury": True}, "injury"),
        ("sats fell from 98% to 85%", {"spo2_percent": 98}, "85"),
        ("temp rose from 37 to 40.5", {"temp_c": 37}, "40.5"),
        ("HR went from 80 to 160", {"hr_bpm": 80}, "160"),
        ("RR up from 16 to 40", {"rr_bpm": 16}, "40"),
        ("RR 16 first, then 38", {"rr_bpm": 16}, "38"),
        ("temp 37 at home, 40.5 here", {"temp_c": 37}, "40.5"),
        ("SpO2 98% then dropped to 80%", {"spo2_percent": 98}, "80"),
        ("HR 150 in ambulance, 82 now", {"hr_bpm": 80}, ""),
        ("RR was 40 now 16", {"rr_bpm": 16}, ""),
        ("usual sats 88 to 92", {"spo2_percent": 98}, ""),
        ("HR 82, 2 kids here", {"hr_bpm": 80}, ""),
        ("HR 80 went to 4 shops", {"hr_bpm": 80}, ""),
        ("temp 37 for 3 days, 2 episodes now", {"temp_c": 37}, ""),
        ("HR was 160, settled to 80", {"hr_bpm": 80}, ""),
        ("systolic 80, repeat 118", {"sbp_mmhg": 118}, ""),
        ("temp 39.2 settled to 37.4", {"temp_c": 37.3}, ""),
        ("drowsy earlier, now alert and talking", {"consciousness": "alert"}, ""),
        ("GCS was 8, now alert", {"consciousness": "alert"}, ""),
        ("drowsy, now alert, then drowsy", {"consciousness": "alert"}, "drowsy"),
        ("no pain at rest", {"pain_score": 9}, ""),
        ("home O2 2 L", {"on_oxygen": False}, ""),
    ],
)
def test_what_a_later_word_replaced_contradicts_nothing_and_what_it_says_does(
    text: str, facts: dict[str, Any], told: str
) -> None:
    said = classify(CaseFacts.from_dict({"text": text, "age_years": 50, **facts}))
    found = [one.text for one in said.reasons if one.code == CONTRADICTION]
    assert bool(found) == bool(told)
    assert told in "".join(found)


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("seizure lasting 10 min, stopped with midazolam", {}),
        ("seizing now", {}),
        ("GCS was 4, now alert", {"consciousness": "alert"}),
        ("GCS 4", {}),
        ("crushing chest pain", {}),
    ],
)
def test_codes_and_level_tell_the_names_that_the_signs_had(
    text: str, facts: dict[str, Any]
) -> None:
    fired = look(CaseFacts.from_dict({"text": text, "age_years": 50, **facts})).fired
    level = most_urgent(fired)
    names = {one.label for one in fired if one.min_priority <= level}
    assert set(names_of([one.code for one in fired], level)) == names
