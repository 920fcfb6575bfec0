"""Whose medicines and allergies a note names, and what it says of them beyond "takes"."""

from __future__ import annotations

import pytest

from triage_site.triage.history.medicines import read_history
from triage_site.triage.history.persons import is_of_two

# What is told, the allergies and the medicines; empty where nothing is.
OF_ANOTHER = [
    ("Cut hand. Has her husband's warfarin in her bag", "", ""),
    ("husband's warfarin is 3 mg, hers is apixaban 5", "", "apixaban"),
    ("Cut hand. Lives with husband (on warfarin, digoxin). Takes ramipril.", "", "ramipril"),
    ("Well child. (Brother Adam: wheeze, salbutamol, allergic to milk.)", "", ""),
    ("Neck ache. Passenger was his mother, 80, on edoxaban, in resus.", "", ""),
    ("Sprain. Her daughter, who came along, has asthma and uses Seretide.", "", ""),
    ("Sprain. Her mother has arthritis and injects adalimumab.", "", ""),
    ("sister allergic to penicillin", "", ""),
    ("mum and brother both allergic to penicillin, pt NKDA", "none known", ""),
    ("Sore ear. Mother: penicillin allergy", "", ""),
    ("Cut. cat's insulin needle pricked me", "", ""),
    ("his wife, who takes warfarin, brought him; he has earache", "", ""),
    ("ibuprofen given by daughter, who takes insulin; sprained thumb", "", "ibuprofen (given)"),
    ("Uses a lamp of her neighbour Mrs Hughes, who takes Fostair and swears by it", "", ""),
    (
        "Husband does the talking: 'I'm on clopidogrel so I know these.' She twisted her knee",
        "",
        "",
    ),
    ("Abscess, third one. Mam is allergic to erythromycin.", "", ""),
]
OF_THE_PATIENT = [
    ("Mum takes warfarin and hit her head", "", "warfarin ('Mum takes warfarin and hit her head')"),
    ("Gran on warfarin, fell", "", "warfarin ('Gran on warfarin, fell')"),
    ("26 weeks. Her mother had a clot, so she injects heparin daily.", "", "heparin"),
    ("Earache. Mother warns: amoxicillin gave him a swollen face at two.",
     "'Mother warns: amoxicillin gave him a swollen face at two'", ""),
    ("Fever. Given by mum (Calpol 5 ml).", "", "calpol (given)"),
    ("Mother: penicillin allergy", "'Mother: penicillin allergy'", ""),
    ("took nan's digoxin tabs", "", "digoxin (taken)"),
    ("took one of her husband's warfarin tablets", "", "warfarin (taken)"),
]  # fmt: skip
FOUND_BESIDE = [
    ("found next to mum's tramadol, drowsy, 15", "", "tramadol (perhaps taken)"),
    ("Found beside a packet of his dad's amitriptyline", "", "amitriptyline (perhaps taken)"),
]
OF_TWO = [
    ("Mother and newborn same note. Mother takes iron. Baby on vitamin D drops.", "",
     "iron ('Mother takes iron'), vitamin D ('Baby on vitamin D drops')"),
    ("Pt 1: Ann, 34, on ramipril. Pt 2: Sara, 30, allergic to latex.",
     "'Pt 2: Sara, 30, allergic to latex'", "ramipril ('Pt 1: Ann, 34, on ramipril')"),
]  # fmt: skip
TO_BE_TAKEN = [
    ("GP letter: please start amlodipine 5 mg. On digoxin", "",
     "amlodipine ('please start amlodipine 5 mg'), digoxin"),
    ("Itchy. aciclovir please", "", "aciclovir ('aciclovir please')"),
    ("I need level 1 and oxycodone", "", "oxycodone ('I need level 1 and oxycodone')"),
    ("needs EpiPen refill", "", "EpiPen"),
    ("Please see this man with a head injury on warfarin", "", "warfarin"),
]  # fmt: skip
ENDED = [
    ("Trimethoprim was finished two weeks ago", "", "trimethoprim (stopped)"),
    ("PE 2014 (6/12 of enoxaparin then warfarin, finished)", "",
     "enoxaparin (stopped), warfarin (stopped)"),
    ("Had Cerazette until the summer and stopped", "", "cerazette (stopped)"),
]  # fmt: skip
REACTIONS = [
    ("aspirin and any NSAID sets her asthma off", "aspirin (intolerance), NSAID (intolerance)",
     ""),
    ("Penicillin -> throat swelling & ICU 2011. Sore hand.", "penicillin (throat swelling)", ""),
    ("Allergies: dust mites. Also metoclopramide -> eyes rolled up (dystonic reaction)",
     "dust mites, metoclopramide", ""),
    ("Ibuprofen -> no relief", "", "ibuprofen"),
    ("Allergies: none to medicines. Nickel gives her a rash", "nickel (rash)", ""),
]  # fmt: skip
IN_ANOTHER_LANGUAGE = [
    ("Cut. El Adiro se lo quitaron en enero.", "", "adiro ('El Adiro se lo quitaron en enero')"),
    ("Cut. La maman prend du Lévothyrox.", "", "lévothyrox ('La maman prend du Lévothyrox')"),
    ("Toma losartana e hidroclorotiazida.", "", "losartana, hidroclorotiazida"),
    ("Alergia: dipirona e AAS (edema)", "dipirona, AAS (edema)", ""),
    ("Tamsulosin and finasteride nightly", "", "tamsulosin, finasteride"),
]
NAMES = [
    ("Symbicort twice a day, Bricanyl x6 today", "", "symbicort, bricanyl"),
    ("takes zqrtimab 40 mg", "", "zqrtimab"),
    ("CRP 120 mg/L, ketones 3 ml", "", ""),
    ("the pill box shows glibenclamide", "", "glibenclamide"),
]
TWO_OF_A_KIND = [
    ("takes warfarin and apixaban by mistake", "",
     "warfarin, apixaban; more than one anticoagulant"),
    ("on Eliquis for AF. Apixaban 5 mg bd", "", "eliquis, apixaban"),
    ("on clexane. Warfarin stopped", "", "clexane, warfarin (stopped)"),
    ("paracetamol (Panadol) twice", "", "paracetamol, panadol"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "allergies", "medicines"),
    [
        *OF_ANOTHER, *OF_THE_PATIENT, *FOUND_BESIDE, *OF_TWO, *TO_BE_TAKEN, *ENDED, *REACTIONS,
        *IN_ANOTHER_LANGUAGE, *NAMES, *TWO_OF_A_KIND,
    ],
)  # fmt: skip
def test_what_is_told(text: str, allergies: str, medicines: str) -> None:
    history = read_history(text)
    assert (history.allergy_words, history.medicine_words) == (allergies, medicines)


@pytest.mark.parametrize(
    ("text", "of_two"),
    [
        ("two patients in one car", True),
        ("Twins. This chart = Aisha", True),
        ("twin of the boy in resus", True),
        ("two children at home, cough", True),
        ("26 weeks with twins", False),
        ("this patient has a rash", False),
    ],
)
def test_a_note_of_two_patients(text: str, of_two: bool) -> None:
    assert is_of_two(text) is of_two


def test_a_long_list_is_cut_with_a_count() -> None:
    names = [
        "ramipril", "bisoprolol", "apixaban", "metformin", "gliclazide", "furosemide", "digoxin",
        "omeprazole", "simvastatin", "amlodipine", "doxazosin", "allopurinol", "colchicine",
        "senna",
    ]  # fmt: skip
    history = read_history(f"Meds: {', '.join(names)}")
    assert history.medicines == (*names[:12], "and 2 more in the note")
    assert "more in the note" not in read_history(f"Meds: {', '.join(names[:12])}").medicine_words


def test_a_list_with_many_quotations_is_cut_with_a_count() -> None:
    names = ["ramipril", "bisoprolol", "metformin", "digoxin", "senna", "losartan", "atenolol"]
    text = " ".join(f"GP is thinking of {one} and glucagon for some weeks now." for one in names)
    words = read_history(text).medicine_words
    assert len(words) <= 450
    assert words.endswith("more in the note")


def test_a_contradiction_is_told_after_a_long_list() -> None:
    nuts = (
        "peanuts, cashews, almonds, walnuts, sesame, eggs, milk, wheat, fish, crab, celery, lupin"
    )
    words = read_history(f"NKA. Allergies: {nuts}, mustard, kiwi").allergy_words
    assert words.endswith("contradicted by 'NKA'")
