from __future__ import annotations

import pytest

from triage_site.triage import classify
from triage_site.triage.facts import CaseFacts


@pytest.mark.parametrize(
    ("text", "age_years", "expected"),
    [
        ("crushing chest pain going to the left arm", 61, "chest pain"),
        ("bit of sunburn on the neck", 45, "burn"),
        ("sprained ankle on stairs, denies chest pain", 30, "limb injury"),
        ("hot since last night, fever", 4, "fever or illness in a child"),
        ("he stopped breathing, no pulse", 70, "cardiac arrest"),
        ("hello?", 40, None),
        # An allergy that is stated is history.
        (
            "painful swollen left calf for four days. She is allergic to trimethoprim.",
            63,
            "leg swelling or pain",
        ),
        ("dysuria and frequency 2 days. Allergies: sulfa.", 25, "urinary symptoms"),
        ("sprained ankle. Allergy status unknown", 25, "limb injury"),
        ("douleur au pied. Allergie à la pénicilline", 70, None),
        ("allergic reaction after eating nuts", 25, "allergic reaction"),
        # Words inside a longer name are no complaint of their own.
        ("wants fit note for work", 38, "paperwork or medicine request"),
        ("requests suture removal from L knee", 37, "paperwork or medicine request"),
        ("Meds: aspirin, bisoprolol", 60, None),
        # A cause says more than what it led to, but a mild finding does not.
        ("responds only to pain, pinpoint pupils, took heroin", 32, "overdose or poisoning"),
        ("UNCONSCIOUS SUBJECT", None, "reduced consciousness"),
        ("unconscious in bed, calf swollen", 50, "reduced consciousness"),
        # Sugar.
        ("DIABETIC PROBLEM", 44, "blood sugar problem"),
        ("glucose 2.1, on insulin, confused", 53, "low blood sugar"),
        ("?DKA, vomiting", 20, "high blood sugar"),
        # Which part was hurt, and by what.
        ("72F fall from standing, R hip pain. On apixaban 5 mg bd.", 72, "fall"),
        ("hit head on cupboard, on warfarin", 79, "head injury"),
        ("swallowed button battery 1 h ago, drooling", 5, "foreign body"),
        ("Painful blistering rash on forehead to tip of nose", 67, "skin rash"),
        ("hot water on the hand, blisters", 67, "burn"),
        ("splinter in thumb", 40, "object in the skin"),
        ("on chemo, rigors, T 38.6. Anaphylaxis to co-amoxiclav.", 56, "possible sepsis"),
        ("anaphylaxis to nuts", 30, "allergic reaction"),
        ("FALL VICTIM", 90, "fall"),
        ("fell off sofa, small bump right forehead", 1.5, "head injury"),
        ("asthma, single words only", 30, "asthma or wheeze"),
        ("daughter worried; itchy rash on both arms", 45, "skin rash"),
        ("itchy rash; worried", 45, "skin rash"),
        # A reaction in a list of allergies is history, and so is "diabetic".
        ("SOB 3 days. Allergies: sulfa (hives)", 66, "breathlessness"),
        (
            "loose stools since yesterday. Allergic: ACE-i (angioedema), strawberries.",
            40,
            "vomiting or diarrhoea",
        ),
        (
            "Boil on L buttock, getting smaller. Diabetic diet controlled.",
            45,
            "abscess or skin infection",
        ),
        # Words that look like others.
        ("severe headache", 40, "headache"),
        ("Hi, sore throat since Monday", 40, "ear, nose or throat problem"),
        ("itchy rash on arms, bit better", 33, "skin rash"),
        (
            "Needs a fit note for work; back to normal after flu.",
            35,
            "paperwork or medicine request",
        ),
        ("Suture removal L forearm, wound clean and dry", 34, "paperwork or medicine request"),
        ("Dog bite R calf, puncture wounds", 52, "bite or sting"),
        ("Sticky red R eye 3 days", 30, "eye problem"),
        # How somebody was injured says more than what hurts.
        ("MVC driver 60 mph vs tree, abdo rigid", 39, "road traffic collision"),
        ("Dog bite R calf 2 h ago, bleeding stopped", 52, "bite or sting"),
        ("Cat bit my hand yesterday, red and swollen", 41, "bite or sting"),
        ("Tick on scalp, removed by GP", 33, "tick"),
        ("Severe earache. Allergy: amoxicillin (rash)", 30, "ear, nose or throat problem"),
        ("HR >140, BP <90. Weak, cold.", 70, None),
        ("bad cold since Monday", 30, "cough and cold symptoms"),
        ("Ran out of inhaler, bit tight since yesterday", 44, "breathlessness"),
        ("panic attack in supermarket, now settled", 24, "anxiety or panic"),
        ("Haematemesis x3 + malaena, hypotensive", 52, "vomiting blood"),
    ],
)
def test_the_complaint_is_named_in_the_words_of_the_guidance(
    text: str, age_years: float | None, expected: str | None
) -> None:
    assert classify(CaseFacts(text=text, age_years=age_years)).complaint == expected


def test_nobody_who_is_awake_is_told_to_be_in_cardiac_arrest() -> None:
    text = "stopped breathing for 20 s, went blue, now crying"
    awake = CaseFacts.from_dict({"text": text, "age_years": 0.1, "consciousness": "alert"})
    said = classify(awake)
    assert said.priority == 0
    assert said.complaint == "breathing trouble in a child"
    assert said.complaint_words == ("stopped breathing",)
    grey = {"text": "flu five days, found grey, might arrest", "age_years": 61}
    assert classify(CaseFacts.from_dict({**grey, "consciousness": "voice"})).complaint is None
    for consciousness in ("not_taken", "unresponsive", "pain"):
        facts = CaseFacts.from_dict({"text": text, "age_years": 70, "consciousness": consciousness})
        assert classify(facts).complaint == "cardiac arrest"


def test_a_pulse_that_was_measured_as_usual_names_no_palpitations() -> None:
    text = "Splinter under nail. Tachycardic per the watch."
    assert classify(CaseFacts(text=text, hr_bpm=72, age_years=27)).complaint == "object in the skin"


def test_a_sign_says_more_than_a_group() -> None:
    assert classify(CaseFacts(text="itchy rash, calf swollen")).complaint == "leg swelling or pain"
    assert classify(CaseFacts(text="cough, chest pain")).complaint == "chest pain"
    assert classify(CaseFacts(text="severe, sudden")).complaint is None


def test_the_words_that_told_of_the_complaint_stand_in_the_note() -> None:
    text = "No chest pain. No fever. Requests suture removal from L knee."
    assert classify(CaseFacts(text=text)).complaint_words == ("suture removal",)
