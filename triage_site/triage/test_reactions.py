"""A reaction in a list of allergies is history; whatever else a note tells of one is not."""

from __future__ import annotations

import pytest

from triage_site.triage import screen
from triage_site.triage.classify import classify
from triage_site.triage.facts import CaseFacts
from triage_site.triage.reading.note import read
from triage_site.triage.reading.reactions import reaction_spans


def told(text: str) -> list[str]:
    note = read(text)
    return [note.quote(first, last) for first, last in reaction_spans(note.words)]


@pytest.mark.parametrize(
    ("text", "reactions"),
    [
        ("Allergies: sulfa (hives)", ["hives"]),
        ("Allergic: ACE-i (angioedema), strawberries", ["angioedema"]),
        ("No known drug allergies but latex = anaphylaxis.", ["anaphylaxis"]),
        ("Allergy:NSAIDs/aspirin -> bronchospasm", ["bronchospasm"]),
        ("Allergies: penicillin - anaphylaxis, codeine (nausea)", ["anaphylaxis", "nausea"]),
        ("ALLERGY phenytoin (SJS)", ["SJS"]),
        ("ALLERGIES: iodine - rash; latex (hives)", ["rash", "hives"]),
        ("allergic to latex \u2192 facial swelling", ["facial swelling"]),
        ("Allergies: aspirin - face swells up", ["face swells up"]),
        ("Penicillin allergy - tongue swells. Cut thumb", ["tongue swells"]),
        ("Penicillin allergy (lip swelling) so on clarithromycin", ["lip swelling"]),
        ("Penicillin allergy (anaphylaxis), back pain", ["anaphylaxis"]),
        ("allergic to bee stings, came with ankle sprain", ["stings"]),
        ("wasp sting allergy. Earache", ["sting"]),
        ("Allergic to nuts - collapsed once, years ago. Earache", ["collapsed once"]),
        ("Allergies: penicillin (stopped breathing as a child)", ["stopped breathing as a child"]),
        ("Allergic to nuts - collapsed. Earache", []),
        ("allergic to this bee sting", []),
        ("bee sting, allergic to nuts", []),
        ("allergic to peanuts, takes a bite of a biscuit", []),
        ("allergic to wasps, stung today", []),
        ("Penicillin allergy - took one, tongue swells", []),
        ("Allergies: nuts (hives now, wheezy)", []),
        ("allergic to nuts, ate some -> hives", []),
        ("allergic reaction (lip swelling)", []),
        ("wasp sting -> anaphylaxis", []),
        ("allergic to penicillin, given amoxicillin -> anaphylaxis", []),
        ("Allergies: nuts. Lip swelling", []),
        ("chest pain (severe)", []),
        ("Short of breath. Penicillin - anaphylaxis.", ["anaphylaxis"]),
        ("Short of breath. Codeine (rash). On ramipril.", ["rash"]),
        ("Penicillin - anaphylaxis.", []),
        ("Short of breath. Penicillin - anaphylaxis today.", []),
        ("Lips swollen. Penicillin - anaphylaxis.", []),
        ("Took her first tablet. Amoxicillin - anaphylaxis.", []),
        ("Wasp sting. Aspirin = anaphylaxis.", []),
        ("Amoxicillin - anaphylaxis. Wheeze and hives.", []),
    ],
)
def test_reactions_of_a_list(text: str, reactions: list[str]) -> None:
    assert told(text) == reactions


@pytest.mark.parametrize(
    "text",
    [
        "loose stools. Allergic: ACE-i (angioedema), strawberries.",
        "cough. Allergies: sulfa (hives)",
        "knee pain. No known drug allergies but latex = anaphylaxis.",
        "sprained wrist. Allergies: penicillin - anaphylaxis",
        "sprained wrist. Penicillin - anaphylaxis.",
        "Allergic to wasp stings - collapsed once years ago. Blocked ear today",
        "allergic to wasp stings - collapsed once, years ago. blocked ear today",
        "penicillin allergy (anaphylaxis), back pain since Monday",
        "Knee pain. Allergy \u2014 clopidogrel (angio-oedema).",
    ],
)
def test_a_reaction_of_a_list_raises_nothing(text: str) -> None:
    assert screen(CaseFacts(text=text)).priority >= 2


@pytest.mark.parametrize(
    "text",
    [
        "allergic to nuts, ate one, hives and wheeze, lips swelling",
        "allergic reaction (lip swelling)",
        "wasp sting -> anaphylaxis",
        "Peanut eaten. Hives, hoarse voice, lips swollen. Known allergy: peanuts (hives), egg.",
        "allergic to penicillin, given amoxicillin -> anaphylaxis",
        "anaphylaxis after a wasp sting. Allergies: none",
        "Amoxicillin - anaphylaxis.",
        "allergic to nuts - collapsed and not breathing",
        "Took her first tablet. Amoxicillin - anaphylaxis.",
    ],
)
def test_a_reaction_of_now_is_told(text: str) -> None:
    assert screen(CaseFacts(text=text)).priority <= 1


@pytest.mark.parametrize(
    "text",
    [
        "allergic to bee stings, came with ankle sprain",
        "ankle sprain, allergic to bee stings",
        "bee sting allergy. Earache for two days",
        "Sore throat. Allergic to insect bites and latex",
    ],
)
def test_what_somebody_is_allergic_to_is_no_complaint(text: str) -> None:
    assert classify(CaseFacts(text=text)).complaint not in ("bite or sting", "allergic reaction")


@pytest.mark.parametrize(
    "text", ["bee sting to the hand, allergic to bee stings", "wasp sting on the arm, sore"]
)
def test_a_sting_of_now_is_the_complaint(text: str) -> None:
    assert classify(CaseFacts(text=text)).complaint == "bite or sting"
