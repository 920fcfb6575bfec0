"""Where a medicine or an allergy is told by its name, and where the note is quoted beside it."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from triage_site.triage.history.medicines import read_history
from triage_site.triage.history.plain_words import Mention, Quote
from triage_site.triage.history.quoting import (
    beside_allergy,
    beside_medicine,
    lines_below,
    sentence,
    whole_sentence,
)

# What is told, the allergies and the medicines; empty where nothing is. `*` stands for the whole
# text in quotation marks.
PLAIN = [
    ("Reg meds: candesartan 16 od, indapamide 2.5 mane, rosuvastatin 10 nocte", "",
     "candesartan, indapamide, rosuvastatin"),
    ("takes lercanidipine for pressure, sitagliptin for sugar, famotidine for acid", "",
     "lercanidipine, sitagliptin, famotidine"),
    ("Edoxaban 60 (AF), torasemide 10 (legs), gliclazide 80 (sugar)", "",
     "edoxaban, torasemide, gliclazide"),
    ("on nebivolol since 2018", "", "nebivolol"),
    ("has been on allopurinol for 6 years", "", "allopurinol"),
    ("on Forxiga and Victoza for 2 months", "", "forxiga, victoza"),
    ("PMH: TIA 2016, gout, clopidogrel, febuxostat, allopurinol", "",
     "clopidogrel, febuxostat, allopurinol"),
    ("bag with meds: digoxin, bumetanide", "", "digoxin, bumetanide"),
    ("Allergic to trimethoprim (hives) and codeine (constipation). On losartan",
     "trimethoprim (hives), codeine (constipation)", "losartan"),
    ("Allergies | latex, tape | Meds | ezetimibe", "latex, tape", "ezetimibe"),
    ("Allergies - cats, horses, pollen", "cats, horses, pollen", ""),
    ("allergies to date: none", "none known", ""),
    ("no allergies, ezetimibe and telmisartan", "none known", "ezetimibe, telmisartan"),
    ("cefalexin allergy, takes ropinirole", "cefalexin", "ropinirole"),
]  # fmt: skip
OF_MEDICINES = [
    ("Declined irbesartan, felodipine and metformin at breakfast", "",
     "irbesartan (refused), felodipine (refused), metformin (refused)"),
    ("Awaiting collection: tiotropium, montelukast", "", "tiotropium, montelukast *"),
    ("irbesartan, felodipine and aspirin are his brother's", "",
     "irbesartan, felodipine, aspirin *"),
    ("DH: losartan, verapamil (never started)", "",
     "losartan, verapamil ('verapamil (never started)')"),
    ("Topiramate (her sister's) on the table", "", "topiramate *"),
    ("Neighbour's box in pocket, zopiclone and tramadol", "", "zopiclone, tramadol *"),
    ("Sumatriptan script never picked up", "", "sumatriptan *"),
    ("GP suggested duloxetine, she would rather wait", "", "duloxetine *"),
    ("bumetanide swapped for torasemide on Tuesday", "", "bumetanide, torasemide *"),
    ("Cyclizine by crew, brought it straight back up", "", "cyclizine *"),
    ("Nurofen 5 ml given at 3 but spat out", "", "nurofen *"),
    ("told to stop candesartan, still takes it", "", "candesartan *"),
    ("thinking of stopping venlafaxine", "", "venlafaxine *"),
    ("Gabapentin stopped? wife unsure", "", "gabapentin *"),
    ("poor compliance, epilim and clobazam", "", "epilim, clobazam *"),
    ("Off all tablets incl. carbimazole", "", "carbimazole *"),
    ("Apixaban 5 mg, ran out on Sunday", "", "apixaban *"),
    ("naproxen constipates him", "", "naproxen *"),
    ("trimethoprim is due to start tomorrow", "", "trimethoprim *"),
    ("Amlodipine held, bisoprolol 5 mg od", "", "amlodipine (stopped), bisoprolol"),
    ("On digoxin, ran out of GTN at noon", "", "digoxin, GTN (ran out)"),
]  # fmt: skip
OF_ALLERGIES = [
    ("Codeine allergy taken off after testing, mistaken entry", "*", ""),
    ("Said to be allergic to aspirin, has taken it since with no trouble", "*", ""),
    ("Her aunt thinks she is allergic to nuts", "*", ""),
    ("Doxycycline made his brother collapse", "*", ""),
    ("Allergies: he will bring the letter", "*", ""),
    ("Allergy: swelling", "*", ""),
    ("several allergies, card at home", "*", ""),
    ("Known anaphylaxis, cause not found", "*", ""),
    ("allergic reaction after eating prawns today", "", ""),
    ("Allergic rhinitis, on fexofenadine", "", "fexofenadine"),
    ("uncle allergic to bees", "", ""),
    ("Allergies:\nAspirin\nKiwi", "aspirin, kiwi", ""),
    ("Allergies:\n\nMeds: atenolol", "", "atenolol"),
    ("Allergies: NSAIDs - asthma, codeine - bad dreams", "NSAIDs", "codeine *"),
    ("Sulfa allergy removed 2022. Allergic to sulfa.", "sulfa, 'Sulfa allergy removed 2022'", ""),
]  # fmt: skip
WARNED = [
    ("Allergic to penicillin. Given Augmentin by GP",
     "augmentin (given); augmentin despite allergy to penicillin"),
    ("Allergic to penicillin? unsure. Given Augmentin by GP", "augmentin (given)"),
    ("Allergic to penicillin. Augmentin prescribed, not started",
     "augmentin ('Augmentin prescribed, not started')"),
    ("Took Tylenol at 6 and Panadol at 7",
     "tylenol (taken), panadol (taken); more than one with paracetamol"),
    ("Took Tylenol at 6. Panadol offered, declined",
     "tylenol (taken), panadol (refused)"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "allergies", "medicines"), [*PLAIN, *OF_MEDICINES, *OF_ALLERGIES])
def test_what_is_told(text: str, allergies: str, medicines: str) -> None:
    history = read_history(text)
    in_marks = f"'{text}'"
    assert history.allergy_words == allergies.replace("*", in_marks)
    assert history.medicine_words == medicines.replace("*", f"({in_marks})")


@pytest.mark.parametrize(("text", "medicines"), WARNED)
def test_a_warning_is_told_where_both_are_sure(text: str, medicines: str) -> None:
    assert read_history(text).medicine_words == medicines


def mention(text: str, name: str, role: str = "") -> Mention:
    start = text.index(name)
    end = start + len(name)
    return Mention(
        start=start, end=end, first=0, last=0, at=0, written=name, name=name, role=role,
        listed=(start, end), until=len(text),
    )  # fmt: skip


def beside(text: str, name: str, role: str = "") -> Quote | None:
    return beside_medicine(text, mention(text, name, role))


def words(quote: Quote | None) -> str:
    return quote.words if quote else ""


@pytest.mark.parametrize("text", ["lithium refused", "refused lithium", "lithium?"])
def test_a_name_at_the_start_and_the_end_of_a_text(text: str) -> None:
    assert words(beside(text, "lithium")) == text
    assert beside("lithium", "lithium") is None


def test_a_quotation_has_sixteen_words_and_says_where_it_is_cut() -> None:
    text = "refused lithium " + " ".join(f"w{n}" for n in range(30))
    assert words(beside(text, "lithium")) == " ".join(text.split()[:16]) + "..."
    short = " ".join(text.split()[:16])
    assert words(beside(f"{short}. Then home", "lithium")) == short


def test_a_quotation_holds_the_words_that_leave_the_name_in_doubt() -> None:
    far = "refused " + "very " * 9 + "loudly her lithium"
    assert words(beside(far, "lithium")) == far
    behind = "lithium " + "very " * 20 + "often refused by her"
    assert words(beside(behind, "lithium")).endswith("often refused...")


def test_at_most_seven_words_stand_before_a_name() -> None:
    text = "one two three four five six seven eight nine lithium was held"
    assert words(beside(text, "lithium")).startswith("three four")


def test_the_borders_of_a_sentence() -> None:
    text = "Fell. Dr. Ray gave 2.5 mg approx. lithium; home\nnow"
    start = text.index("lithium")
    first, last = sentence(text, start, start + 7)
    assert text[first:last].strip() == "Dr. Ray gave 2.5 mg approx. lithium"
    assert sentence("lithium", 0, 7) == (0, 7)
    assert sentence("", 0, 0) == (0, 0)


def test_the_words_of_another_sentence_leave_no_doubt() -> None:
    assert beside("Refused to stay. On lithium. Not hungry.", "lithium") is None


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("lithium taken at 9", "taken"),
        ("GP stopped lithium in May", "stopped"),
        ("lithium prescribed and given", "given"),
    ],
)
def test_the_words_of_what_was_read_are_no_doubt(text: str, role: str) -> None:
    is_doubt = "prescribed" in text
    assert (beside(text, "lithium", role) is not None) is is_doubt


def test_the_words_that_are_told_with_an_allergy_are_no_doubt() -> None:
    text = "allergic to codeine (nausea)"
    one = mention(text, "codeine")
    assert words(beside_allergy(text, one)) == text
    told = [(one.start, len(text))]
    assert beside_allergy(text, one, told) is None
    assert words(beside_allergy(text, replace(one, is_sure=False), told)) == text


def test_the_lines_below_a_heading_up_to_an_empty_one() -> None:
    text = "Allergies:\nlatex\nnuts\n\nfell today"
    quote, lines = lines_below(text, 0, 10) or (None, 0)
    assert (words(quote), lines) == ("Allergies: latex nuts", 2)
    assert lines_below("Allergies:\n\nfell", 0, 10) is None
    assert lines_below("Allergies:", 0, 10) is None


@pytest.mark.parametrize("word", ["refused ", "was not lithium ", "x", "allergy, "])
def test_a_long_text_without_full_stops(word: str) -> None:
    text = (word * 10_000)[:9_990] + " lithium x"
    start = text.index("lithium")
    began = time.perf_counter()
    quote = whole_sentence(text, start, start + 7)
    beside(text, "lithium")
    beside_allergy(text, mention(text, "lithium"))
    assert time.perf_counter() - began < 0.05
    assert len(quote.words) <= 203


def test_a_medicine_on_a_list_that_is_held_is_quoted() -> None:
    text = "Bisoprolol and apixaban on his chart: apixaban HELD since Friday for a biopsy."
    assert read_history(text).medicines == ("bisoprolol", f"apixaban ('{text[:-1]}')")


def test_a_medicine_that_was_stopped_and_is_taken_is_quoted() -> None:
    told = read_history("Aspirin stopped in 2019. Takes aspirin 75 mg now.").medicines
    assert told == (
        "aspirin ('Aspirin stopped in 2019')",
        "aspirin ('Takes aspirin 75 mg now')",
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("on Eliquis?? no sorry that is the next pt. no fever",
         "eliquis ('on Eliquis?? no sorry that is the next pt')"),
        ("on apixaban? yes, 5 mg. cut finger", "apixaban ('on apixaban? yes, 5 mg')"),
        ("on apixaban?", "apixaban ('on apixaban?')"),
    ],
)  # fmt: skip
def test_the_answer_to_a_question_is_quoted_with_it(text: str, told: str) -> None:
    assert read_history(text).medicine_words == told
