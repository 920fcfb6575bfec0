"""Words that are denied, past, a relative's or only thought of raise nothing; the rest does."""

from __future__ import annotations

import pytest

from triage_site.triage import screen
from triage_site.triage.facts import CaseFacts
from triage_site.triage.reading.note import Assertion, read
from triage_site.triage.reading.terms import TermIndex

_SILENT = [
    "No crushing chest pain",
    "denies any sudden or severe headache",
    "There is no new severe chest pain",
    "denies chest pain",
    "no SOB",
    "h/o stroke 2015",
    "mother had a stroke",
    "No chest pain, shortness of breath or palpitations.",
    "Denies chest pain, dyspnea, syncope and headache.",
    "no CP, SOB, LOC",
    "without loss of consciousness",
    "Never had a seizure.",
    "chest pain: none",
    "chest pain (-)",
    "Past medical history: stroke, seizure.",
    "She had a seizure three years ago.",
    "father died of a heart attack",
    "family history of stroke",
    "worried about a stroke",
    "come back if chest pain or fainting",
    "There was no vomiting blood.",
    "He hasn't had any chest pain.",
    "isn't short of breath",
    "sister had a cardiac arrest at age 30",
    "negative for chest pain",
    "old stroke, here for physiotherapy form",
    "The scan excluded a brain bleed, here for a letter.",
    "Cardiology ruled out a heart attack, form to be signed.",
    "Sepsis screen: negative.",
    "The test for meningitis came back negative.",
    "nil CP, nil SOB",
    "Ø CP Ø SOB, bruised toe",
    "Nobody was hurt in the explosion.",
    "At no point did she lose consciousness.",
    "He denied that he had taken an overdose.",
    "Any chest pain? No. Any collapse? No.",
    "Stroke 2020 (brain bleed), recovered.",
    "Hx acute limb ischaemia 2013, routine form.",
    "In 2015 she had a stroke.",
    "Ten years ago he took an overdose, stable since school.",
    "As a boy he had meningitis.",
    "When she was nine she was knocked down by a car.",
    "Her teacher had an ectopic pregnancy.",
    "His wife had a cardiac arrest in March and he has slept badly since.",
    "His brother is suicidal. He himself is coping.",
    "Her grandmother cannot speak since her stroke. The girl herself is well.",
    "The other driver was unconscious, this patient has a grazed knee.",
    "The cat stopped breathing and she is sad.",
    "Worried it might be a stroke.",
    "How would she know if her waters broke at 20 weeks?",
    "The leaflet says the tablet may cause a swollen throat.",
    "Could a tick bite give me meningitis?",
    "Return if short of breath, confused or drowsy.",
    "If he ever gets chest pain he will ring.",
    "Works on the stroke unit.",
    "Repeat prescription of her pen for anaphylaxis.",
    "Feared he had eaten her tablets, but none are missing.",
    "I nearly had a heart attack laughing.",
    "She felt like she had been run over by a bus.",
    "Sprained his wrist at PE.",
]
_FIRING = [
    "no fever, crushing chest pain",
    "no, severe chest pain",
    "chest pain",
    "no fever, severe chest pain since one hour",
    "denies fever but has chest pain",
    "h/o stroke, now sudden left arm weakness",
    "My mother had a stroke just now, her face is drooping",
    "no relief of the chest pain",
    "I can't stand the chest pain any longer",
    "not sure if he is breathing, he is unconscious",
    "2 day history of vomiting blood",
    "c/o CP",
    "SOB getting worse",
    "siezing right now",
    "He is not responding",
    "unconcious",
    "No, chest pain is still there",
    "dolor de pecho",
    "It is not true that she has no chest pain.",
    "Not denying chest pain.",
    "He is not without chest pain.",
    "Stroke cannot be excluded.",
    "Never had such chest pain before.",
    "No chest pain until an hour ago.",
    "No sign of the heavy bleeding stopping.",
    "Denies abdominal pain: crushing chest pain.",
    "Not eating, not drinking, confused.",
    "Nobody can wake her.",
    "Without oxygen he turns blue.",
    "Excluded from school, took an overdose.",
    "Any fever? No. Chest pain is severe.",
    "He could not speak this morning.",
    "She is no longer able to move her left arm.",
    "MI in 2015, this time crushing chest pain again.",
    "Ten years ago a stent, now chest pain.",
    "It is the same as my heart attack in 2012.",
    "My wife is unconscious, I am alone with her.",
    "A colleague collapsed, no pulse.",
    "Her husband says she cannot speak.",
    "Her boyfriend strangled her.",
    "The dog bit her throat, blood is spurting.",
    "I am afraid he is having a stroke.",
    "If he moves he gets crushing chest pain.",
    "Rule out stroke: new facial droop.",
    "Works on the sepsis ward and is confused.",
    "It looked like a faint but he has no pulse.",
    "It feels like my throat is closing up, I can't breathe.",
    "He looks like he has been stabbed in the stomach.",
]


def test_guarded_words_fire_no_sign() -> None:
    """All but a few: a relative who is the subject of a whole sentence is taken for the patient."""
    fired = [text for text in _SILENT if screen(_adult(text)).reasons]
    assert len(fired) <= 0.04 * len(_SILENT), fired


def test_words_that_are_meant_fire() -> None:
    missed = [text for text in _FIRING if screen(_adult(text)).priority > 1]
    assert len(missed) <= 0.09 * len(_FIRING), missed


@pytest.mark.parametrize("text", ["?MI", "r/o MI", "query MI", "sent in to exclude MI"])
def test_what_is_suspected_counts_as_present(text: str) -> None:
    assert screen(_adult(text)).priority <= 1


@pytest.mark.parametrize(
    ("text", "assertion"),
    [
        ("denies chest pain", Assertion.DENIED),
        ("h/o chest pain", Assertion.HISTORICAL),
        ("brother had chest pain", Assertion.FAMILY),
        ("worried about chest pain", Assertion.HYPOTHETICAL),
        ("?chest pain", Assertion.UNCERTAIN),
        ("her colleague had chest pain", Assertion.OTHER_PERSON),
        ("chest pain", Assertion.PRESENT),
        ("no injury, chest pain since noon", Assertion.PRESENT),
        ("hx of asthma, chest pain", Assertion.PRESENT),
        ("denies fever, cough or chest pain", Assertion.DENIED),
        ("denies fever and chest pain", Assertion.DENIED),
        ("no fever but chest pain", Assertion.PRESENT),
        ("no change in chest pain", Assertion.PRESENT),
        ("Any chest pain? No.", Assertion.DENIED),
        # "known" is history, what somebody knows is not.
        ("I know that chest pain", Assertion.PRESENT),
        ("doesn't know, chest pain", Assertion.PRESENT),
        ("known chest pain", Assertion.HISTORICAL),
        ("chest pain since the birth", Assertion.PRESENT),
        ("chest pain since birth", Assertion.HISTORICAL),
        ("chest pain: none", Assertion.DENIED),
    ],
)
def test_how_words_are_meant(text: str, assertion: Assertion) -> None:
    ((_, mention),) = read(text).find(TermIndex(["chest pain"]))
    assert mention.assertion is assertion


def test_words_are_exact_substrings_of_the_note() -> None:
    text = "Pt c/o  CHSET  pain,\nand (since 1h) SOB — “very bad”"
    reasons = [reason for reason in screen(_adult(text)).reasons if reason.words]
    assert reasons
    assert all(word in text for reason in reasons for word in reason.words)


def _adult(text: str) -> CaseFacts:
    return CaseFacts(text=text, age_years=50)


@pytest.mark.parametrize(
    "text",
    [
        "my baby he's cold he's not \u2014 he's not breathing he's not moving please",
        "he's not - he isn't breathing",
        "she's not \u2014 she's unconscious",
    ],
)
def test_a_sentence_that_is_begun_again_denies_nothing(text: str) -> None:
    assert screen(CaseFacts(text=text)).priority == 0
