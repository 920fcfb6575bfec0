"""A list of what the patient has not got makes no trifle urgent, however long it is."""

from __future__ import annotations

import random

import pytest

from triage_site.triage import classify_many
from triage_site.triage.facts import CaseFacts
from triage_site.triage.model.encoder import words_to_read
from triage_site.triage.reading.note import read

TRIFLES = (
    "Wart on finger", "Sore throat since Monday", "Twisted ankle, can walk on it", "Verruca",
    "Cut thumb on paper", "Wants a repeat prescription",
)  # fmt: skip
ABSENT = (
    "chest pain", "breathlessness", "palpitations", "collapse", "vomiting", "seizure", "headache",
    "fever", "neck pain", "numbness", "bleeding", "syncope", "visual disturbance", "leg weakness",
    "swelling", "rash",
)  # fmt: skip
FORMS = (
    "{0}. No {1}, {2}, {3} or {4}.", "{0}. Denies {1}, {2}, {3}, {4}", "{0}, no {1}, {2} or {3}",
    "No {1}, {2}, {3} or {4}. {0}", "{0}. Without {1}, {2}, {3} or {4}", "{0}. No {1}, {2}, {3}.",
    "{0}. nil {1}, {2}, {3} or {4}", "{0}. No {1} / {2} / {3} / {4}",
)  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_what_is_absent_makes_no_trifle_urgent(form: str) -> None:
    rng = random.Random(form)
    texts = [form.format(trifle, *rng.sample(ABSENT, 4)) for trifle in TRIFLES for _ in range(8)]
    facts = [CaseFacts(text=text, age_years=35) for text in texts]
    said = [one.priority for one in classify_many(facts, explain=False)]
    assert [text for text, got in zip(texts, said, strict=True) if got <= 1] == []
    assert sum(got <= 2 for got in said) <= 0.1 * len(said)


@pytest.mark.parametrize(
    ("text", "most"),
    [
        ("denies allergies, throat closing up after shrimp", 1),
        ("no fever, unresponsive now", 1),
        ("denies injury, found unresponsive", 1),
        ("no past illness, drank bleach", 1),
        ("denies alcohol, confused", 2),
        ("no fever, purple rash, stiff neck", 1),
        ("denies self-harm, denies overdose, fresh rope mark on neck, hoarse", 1),
        ("no injury, crushing chest pain", 1),
        ("Unwell. No cough, sats 84", 1),
    ],
)
def test_a_danger_behind_a_denial_is_heard(text: str, most: int) -> None:
    (said,) = classify_many([CaseFacts(text=text, age_years=45)], explain=False)
    assert said.priority <= most


def test_each_item_of_a_list_is_read_with_its_no() -> None:
    words = words_to_read(read("Wart. No chest pain, palpitations or collapse."))
    assert " ".join(filter(None, words)) == "wart . no chest pain , no palpitations or collapse"
    words = words_to_read(read("No LOC, drank bleach"))
    assert " ".join(filter(None, words)).endswith(", drank bleach")
