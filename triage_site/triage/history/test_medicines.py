"""What a note says of allergies and medicines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage_site.triage.history.medicines import read_history


def test_what_stopped_a_seizure_was_given_and_is_not_stopped() -> None:
    found = read_history("Seizure of 10 min, stopped with midazolam. Takes Adcal-D3, vitamin D3")
    assert found.medicines == ("midazolam (given)", "Adcal-D3", "vitamin d3")


@pytest.mark.parametrize(
    "text",
    ["allergic to nothing", "Allergic to nothing that she knows of", "allergic to: none",
     "allergies: nothing known"],
)  # fmt: skip
def test_allergic_to_nothing_is_no_allergy(text: str) -> None:
    found = read_history(f"{text}, takes St John's wort")
    assert (found.allergies, found.none_known) == ((), True)
    assert [one.replace("'s", "") for one in found.medicines] == ["st john wort"]


def test_marks_that_nobody_sees_are_in_no_name() -> None:
    found = read_history("Takes war\u200bfarin, me\u00adtoprolol. Allergic to cod\u2060eine (rash)")
    assert found.medicines == ("warfarin", "metoprolol")
    assert found.thinners == ("warfarin",)
    assert found.allergies == ("codeine (rash)",)


@pytest.mark.parametrize(
    ("text", "medicines"),
    [
        ("fell at home, on warfarin", ["warfarin"]),
        ("takes ramipril and metformin", ["ramipril", "metformin"]),
        (
            "Meds: aspirin 75mg, bisoprolol 2.5, atorvastatin",
            ["aspirin", "bisoprolol", "atorvastatin"],
        ),
        ("hx AF on apixaban. T2DM on Metformin.", ["apixaban", "metformin"]),
        ("she is on blood thinners and a statin", ["blood thinners", "statin"]),
        ("did not take his insulin today", ["insulin ('did not take his insulin today')"]),
        ("ran out of her inhaler", ["inhaler (ran out)"]),
        ("Ran out of furosemide 1 week ago, on ramipril", ["furosemide (ran out)", "ramipril"]),
        ("stopped dalteparin 3 days ago", ["dalteparin (stopped)"]),
        ("breathless. Penicillin - anaphylaxis.", []),
        ("not on warfarin", []),
        ("no blood thinners", []),
        ("his mother takes warfarin", []),
        ("stopped taking apixaban last week", ["apixaban (stopped)"]),
        ("used to take lithium", ["lithium (stopped)"]),
        ("chest pain since noon", []),
        ("allergic to penicillin, on ramipril", ["ramipril"]),
        ("penicillin allergy", []),
        ("warfarin, warfarin and Warfarin", ["warfarin"]),
        ("EpiPen used, HRT patches, NovoRapid", ["EpiPen (taken)", "HRT", "NovoRapid"]),
        ("TAKES WARFARIN", ["warfarin"]),
        ("On labetalol 200 mg", ["labetalol"]),
        ("Codeine makes her sick", []),
        ("Warfarin stopped 2019. Now on clopidogrel 75", ["warfarin (stopped)", "clopidogrel"]),
        ("ramipril has been held", ["ramipril (stopped)"]),
        ("on warfarin (stopped 2 days ago)", ["warfarin (stopped)"]),
        ("nebs x3, pred 40 mg, buccal midazolam 10 mg", ["pred", "midazolam"]),
        ("Keppra 1g bd. ALLERGY phenytoin (SJS)", ["keppra"]),
        ("Allergy: NSAIDs/aspirin -> bronchospasm", []),
        ("ran out of lithium and quetiapine", ["lithium (ran out)", "quetiapine (ran out)"]),
        ("his inhaler ran out, takes montelukast", ["inhaler (ran out)", "montelukast"]),
        ("lost her insulin on the train", ["insulin (ran out)"]),
        ("fitting, diazepam 10 mg pr given", ["diazepam (given)"]),
        ("on ramipril, GTN given by crew", ["ramipril", "GTN (given)"]),
        (
            "IM adrenaline and IV hydrocortisone given",
            ["adrenaline (given)", "hydrocortisone (given)"],
        ),
        ("her mother gave her nurofen at noon", ["nurofen (given)"]),
        ("swallowed a packet of sertraline", ["sertraline (taken)"]),
        ("took 30 propranolol and a bottle of wine", ["propranolol (taken)"]),
        ("took two of his wife's zopiclone", ["zopiclone (taken)"]),
        ("hives after amoxicillin", ["amoxicillin (taken)"]),
        ("wheezy despite salbutamol 10 puffs", ["salbutamol (taken)"]),
        ("wheezy despite regular montelukast", ["montelukast"]),
        ("took her usual insulin, did not eat", ["insulin"]),
        ("did not stop his warfarin", ["warfarin ('did not stop his warfarin')"]),
        ("missed two doses of Keppra", ["keppra ('missed two doses of Keppra')"]),
        ("paracetamol gave him some relief", ["paracetamol ('paracetamol gave him some relief')"]),
        ("takes the mini pill and co-codamol", ["mini pill", "co-codamol"]),
        ("her dad is on digoxin", []),
        ("Erythromycin causes a rash. On statins.", ["statins"]),
        ("Diclofenac brought him out in hives last year", []),
    ],
)
def test_medicines(text: str, medicines: list[str]) -> None:
    assert list(read_history(text).medicines) == medicines


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("allergic to penicillin", "penicillin"),
        ("Allergies: penicillin, latex and nuts", "penicillin, latex, nuts"),
        ("penicillin allergy", "penicillin"),
        ("known allergy to bee stings, on ramipril", "bee stings"),
        ("allergic to peanuts and has eaten one", "peanuts"),
        ("Breathless since noon. Penicillin - anaphylaxis.", "penicillin (anaphylaxis)"),
        ("Breathless. Codeine (rash)", "codeine (rash)"),
        (
            "Sprained thumb. Allergies unknown. Aspirin: bronchospasm.",
            "aspirin (bronchospasm), 'Allergies unknown'",
        ),
        ("Alergia a la amoxicilina", "amoxicilina"),
        ("Allergie gegen Latex", "latex"),
        ("Keine Allergien", "none known"),
        (
            "Keine Allergie gegen Penicillin",
            "not read: 'Keine Allergie gegen Penicillin' – ask",
        ),
        ("sin alergia a penicilina", ""),
        ("NKDA", "none known"),
        ("cough, nka", "none known"),
        ("no known drug allergies", "none known"),
        ("denies any allergies", "none known"),
        ("Allergies: none", "none known"),
        ("NKDA but allergic to latex", "latex"),
        ("not allergic to penicillin", ""),
        ("her son is allergic to nuts", ""),
        ("Cough. His mother, who is allergic to nuts, waits outside", ""),
        ("Here with dad, allergic to nuts and eggs", "'Here with dad, allergic to nuts and eggs'"),
        ("Allergic to: none", "none known"),
        ("an allergic reaction to something", ""),
        ("severe allergic reaction", ""),
        ("chest pain", ""),
        ("Allergic: ACE-i (angioedema). Digoxin 125 mcg", "ACE-i (angioedema)"),
        ("Anaphylaxis to co-amoxiclav", "co-amoxiclav (anaphylaxis)"),
        (
            "allergic to penicillin (rash) and codeine (nausea)",
            "penicillin (rash), codeine (nausea)",
        ),
        ("Codeine makes her sick", "codeine (intolerance)"),
        ("Sin alergias conocidas", "none known"),
        ("Allergic: ACE-i (angioedema), strawberries.", "ACE-i (angioedema), strawberries"),
        ("Allergy:NSAIDs/aspirin -> bronchospasm", "NSAIDs, aspirin (bronchospasm)"),
        ("Known epilepsy. ALLERGY phenytoin (SJS)", "phenytoin (SJS)"),
        ("No known drug allergies but latex = anaphylaxis.", "latex"),
        (
            "Allergies: penicillin \u2192 rash, codeine (nausea) and latex",
            "penicillin (rash), codeine (nausea), latex",
        ),
        ("allergic to nuts, ate some, has hives", "nuts"),
        ("allergy clinic tomorrow", ""),
        ("Erythromycin causes a rash", "erythromycin (rash)"),
        ("Diclofenac brought him out in hives last year", "diclofenac (hives)"),
        ("Tramadol gives her a terrible itch", "tramadol (itch)"),
        ("cannot tolerate statins", "statins (intolerance)"),
        ("reacts badly to trimethoprim", "trimethoprim (intolerance)"),
        ("Ibuprofen sets off his asthma", "ibuprofen (intolerance)"),
        ("any NSAID sets her asthma off", "NSAID (intolerance)"),
        ("anaphylaxis to peanuts as a child", "peanuts (anaphylaxis)"),
        ("allergic to wasps when small", "wasps"),
        ("allergy to latex since 2010", "latex"),
        ("ALLERGIES: iodine - rash; latex (hives)", "iodine (rash), latex (hives)"),
    ],
)
def test_allergies(text: str, words: str) -> None:
    assert read_history(text).allergy_words == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("No meds, no allergies", "none taken"),
        ("pt takes nothing", "none taken"),
        ("not on any regular medication", "none taken"),
        ("Meds: nil", "none taken"),
        ("no meds but uses an inhaler", "inhaler"),
        ("no medication since Monday, takes warfarin", "warfarin"),
        ("no tablets left", ""),
        ("no medicine helps", ""),
        ("chest pain", ""),
    ],
)
def test_a_note_that_says_no_medicine_is_taken(text: str, words: str) -> None:
    assert read_history(text).medicine_words == words


def test_an_allergen_is_no_medicine_and_a_medicine_no_allergen() -> None:
    history = read_history("71 F, AF on apixaban and bisoprolol, allergic to codeine. Fell today.")
    assert history.allergies == ("codeine",)
    assert history.medicines == ("apixaban", "bisoprolol")


@given(st.text(max_size=200))
def test_any_text_can_be_read(text: str) -> None:
    history = read_history(text)
    assert all(history.allergies)
    assert all(history.medicines)
    assert not (history.none_known and history.allergies)


@pytest.mark.parametrize(
    ("text", "medicines"),
    [
        ("Cut hand. Wife also diabetic but on metformin only.", ()),
        ("Child well. Gran takes amlodipine and bisoprolol, also warfarin.", ()),
        ("Mum at desk with child. Mum herself is a diabetic on insulin.", ()),
        ("Sprain. Older brother has epilepsy on valproate.", ()),
        ("Sprain. Husband takes warfarin, she takes ramipril.", ("ramipril",)),
        ("Here with son for his inhaler, but she takes ramipril.", ("ramipril",)),
        ("Sprain. Husband gave her ibuprofen.", ("ibuprofen (given)",)),
        (
            "Sprain. Daughter says takes metformin.",
            ("metformin ('Daughter says takes metformin')",),
        ),
        ("Had apixaban for AF but it was stopped.", ("apixaban (stopped)",)),
        (
            "On apixaban for AF but the bleeding was stopped.",
            ("apixaban ('On apixaban for AF but the bleeding was stopped')",),
        ),
    ],
)
def test_medicines_of_a_relative_are_not_those_of_the_patient(
    text: str, medicines: tuple[str, ...]
) -> None:
    assert read_history(text).medicines == medicines


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "Allergic to penicillin, GP gave Augmentin today",
            "augmentin (given); augmentin despite allergy to penicillin",
        ),
        (
            "Allergies: NSAIDs. Took ibuprofen at noon",
            "ibuprofen (taken); ibuprofen despite allergy to NSAIDs",
        ),
        ("Allergic to penicillin, on ramipril", "ramipril"),
        ("Allergic to penicillin. Augmentin stopped yesterday", "augmentin (stopped)"),
        ("Codeine makes her sick, takes morphine", "morphine"),
        ("given 32 paracetamol tablets for the month", "paracetamol (given)"),
        ("took 10 paracetamol over 5 days", "paracetamol (taken)"),
        ("took 500 mg x 10 of ibuprofen", "ibuprofen (taken)"),
    ],
)
def test_what_is_too_much_or_against_an_allergy(text: str, words: str) -> None:
    assert read_history(text).medicine_words == words


def test_the_number_of_a_name_belongs_to_it_and_that_of_a_list_does_not() -> None:
    said = read_history("Colitis, on 5-ASA and 5-fluorouracil.")
    assert (said.medicine_words, said.thinners) == ("5-ASA, 5-fluorouracil", ())
    said = read_history("Takes: 4-metformin 5-aspirin, ASA")
    assert "5-aspirin" not in said.medicine_words
    assert "aspirin" in said.thinners
