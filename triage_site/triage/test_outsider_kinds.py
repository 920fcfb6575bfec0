"""Kinds of misreadings that an outsider found, in other words: dangers that sound mild, and
everyday words, jokes, old facts and errands that sound dangerous."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from triage_site.triage import classify_many
from triage_site.triage.facts import CaseFacts

# What is told, age, and the mildest level that may be given.
_DANGERS = [
    # Vital functions that are gone, in lay and in short words.
    ("PCSO with male on the towpath, no beat in his throat when I press", 50, 0),
    ("neither carotid nor femoral felt, defib pads applied", 64, 0),
    ("no pulses at the neck or groin per nurse", 80, 0),
    ("put my cheek to her mouth, there's no air coming out at all", 70, 0),
    ("the screen by his bed went to a straight line and is beeping", 66, 0),
    ("her chest isn't going up or down", 58, 0),
    ("her heart isn't beating, I laid my ear on it", 60, 0),
    ("pinched his ear hard, nothing, not even a groan", 45, 0),
    ("sternal rub: nil", 52, 0),
    ("we've shaken gran and shouted, she stays asleep", 84, 0),
    ("vomit in her throat, snoring, does not flinch when pinched", 38, 0),
    ("granddad's insulin pump emptied itself, nobody gets him awake", 71, 0),
    ("eyes half open, doesn't blink when we clap", 77, 1),
    # Fits that go on.
    ("known fits, fourth one this morning and she never woke up between them", 24, 0),
    ("has been jerking since we rang ten minutes ago and doesn't stop", 15, 0),
    ("36/40, went rigid then jerking all over, it goes on", 33, 0),
    # Airway, drowning, hanging.
    ("swallowed a sweet, now she can't cry or cough and her lips turn dark", 2, 0),
    ("ate a grape then suddenly silent, going grey", 3, 0),
    ("tongue fills the whole mouth, on lisinopril, words come out thick", 60, 1),
    ("meat in the gullet, drooling, points at his throat and can't talk", 62, 1),
    ("kid on the pool side, was at the bottom, grey and won't answer", 7, 0),
    ("pulled out of the garden pond face down, 2 years, no sound from her", 2, 0),
    ("cut the belt from his neck, purple, noisy breaths", 30, 0),
    ("hung himself from the door, still warm, brother holds him up", 25, 0),
    ("60 % oxygen through the mask and sats stay at 82", 68, 1),
    ("FiO2 .5, SpO2 81", 70, 1),
    # Blood.
    ("delivered this morning, third maternity pad in an hour, dizzy and grey", 29, 1),
    ("afterbirth out, blood running like a tap", 33, 1),
    ("dialysis needle site gave way, blood hitting the ceiling", 55, 1),
    ("chisel in the right side of his chest, walks in smiling", 35, 1),
    ("knitting needle in her belly, hardly bleeds", 50, 1),
    ("fell on a garden cane, it went in under the ribs", 41, 1),
    # Poisons.
    ("no pain he says, swallowed fifty propranolol of his wife's half an hour ago", 40, 1),
    ("about thirty of her gran's dosulepin, denies wanting to die", 17, 1),
    ("all the pressure pills in the dosette, about twenty-five amlodipine", 70, 1),
    ("watch cell gone from the kitchen scale, baby gagging and dribbling", 1, 1),
    ("remote is open and the flat round cell is nowhere, 18 month old coughs", 1.5, 1),
    ("farm hand sprayed with insecticide, frothing spit, pinprick eyes, wet breathing", 40, 0),
    # Mind.
    ("legs over the edge of the multi-storey roof, officer keeps him talking", 34, 1),
    ("climbed over the fence of the viaduct, won't come back", 27, 1),
    ("two weeks after the birth, says the baby is the devil's and must go back", 31, 1),
    ("letter on the table saying sorry to all, rifle with rounds on the bed", 55, 1),
    # Infants and children.
    ("heart rate 250 to 270, five weeks old, feeding slowly", 0.1, 1),
    ("4 week old, monitor shows 240 a minute, sweaty with feeds", 0.08, 1),
    ("spots that stay under a tumbler, more each minute, hard to keep awake", 5, 1),
    # Misspelt.
    ("chets piain and arm hevy, swetty", 60, 1),
    ("unconcsious on floor", 60, 1),
    ("cant brethe, troat swelin", 30, 1),
    ("stroek? fase droopd, speach slurd", 70, 1),
    ("bleding hevily from leg cut", 50, 1),
]
# What is told, age, and the most urgent level that may be given.
_CONTROLS = [
    # Teaching, jokes, everyday words.
    ("Ran a resuscitation lesson for the guides, my wrists ache", 40, 3),
    ("taught the Heimlich to scouts, elbow sore", 35, 3),
    ("first aid test tomorrow: asks how to check a pulse", 20, 3),
    ("An overdose of chocolate, she jokes; small spot on the chin", 24, 3),
    ("'I'll bleed to death,' jokes the barber, nick on a finger, dry now", 45, 3),
    ("dying to get this plaster off, toes warm and pain-free", 30, 3),
    ("by a stroke of luck the nail only pierced the shoe, tetanus in date?", 44, 3),
    ("stab of envy, she laughs; wants her ears checked", 50, 3),
    ("shot a wedding film all day, sore shoulder", 38, 3),
    ("he drowned his chips in vinegar, cut lip stings", 15, 3),
    ("heart stopper of a match, hoarse from shouting", 29, 3),
    ("killer boots, blister on toe", 26, 3),
    ("fit as a fiddle, needs her hay fever spray again", 31, 3),
    ("the flu shot left my arm stiff, moving it fine", 52, 3),
    ("hung the washing, shoulder twinge", 47, 3),
    ("bitten by the travel bug, wants a yellow fever jab", 33, 3),
    ("thought I was going to die laughing, now hiccups", 28, 3),
    ("unconscious bias course tomorrow, needs a sick note", 36, 3),
    ("pain like being hit with a hammer in my big toe, gout again", 57, 2),
    # Sweat, skin, old reactions.
    ("soaked her pyjamas with sweat in the night, flu, drinking well", 37, 2),
    ("sweated right through the mattress, cold for two days", 33, 2),
    ("ring stuck, finger going purple", 30, 1),
    ("Allergies: aspirin - lips swell up. Twisted ankle", 41, 3),
    ("allergic to nuts (throat swells), here for a verruca", 19, 3),
    ("Penicillin allergy - tongue swells. Splinter in palm", 60, 3),
    # Functions that are there.
    ("back went lifting a sofa, no numbness, bladder and bowels normal, legs strong", 42, 3),
    ("no saddle numbness, normal bladder, walks, lumbago since Monday", 48, 3),
    ("low back pain, no leg weakness, normal perineal sensation", 39, 3),
    ("No chest pain, no breathlessness, no collapse; insurance medical", 50, 3),
    # Not this patient, or not now.
    ("sometimes hopes she would not wake up, no plan, sleeps badly", 40, 1),
    ("friend took an overdose, she found him, can't sleep, took nothing herself", 20, 2),
    ("six years without a fit, licence form needs a signature", 35, 3),
    ("insurance letter for her old heart attack, feels fine", 66, 3),
    # Errands and questions about somebody who is well.
    ("lost the passport for his pacemaker, asks for another, feels well", 70, 3),
    ("her EpiPens expire this month, never needed, wants new ones", 22, 3),
    ("his inhaler is past its date, no wheeze", 18, 3),
    ("glucose meter out of batteries, sugars fine", 60, 3),
    ("oxygen stand broke, no change in breathing", 72, 3),
    ("hearing aid broken, where does she go", 81, 3),
    ("seizure alert bracelet broke, no seizures for years", 30, 3),
    ("the defib on our hall wall has a low battery, nobody ill", 50, 3),
    ("asks what to do if a toddler ever swallows a coin; the child is fine", 2, 3),
    ("can a jellyfish ever kill you? stung in May, no trouble then", 27, 3),
    ("would nuts make my baby swell up? never had any", 0.6, 3),
    ("is 5 ml or 10 ml of his syrup right, he hasn't had any yet", 4, 3),
    ("toddler sucked one vitamin gummy, poisons centre says no harm, wants a note", 2, 3),
    ("school asks whether he may swim with grommets, he's well", 8, 3),
    ("asks if a mole can turn into cancer, unchanged for ten years", 45, 3),
    ("lost his badge form, needs it stamped", 62, 3),
    ("walked in for his results, phone battery dead", 34, 3),
]


def _said(cases: Sequence[tuple[str, float, int]]) -> list[int]:
    facts = [CaseFacts(text=text, age_years=age) for text, age, _ in cases]
    return [one.priority for one in classify_many(facts, explain=False)]


@pytest.mark.xfail(reason="written before the mending", strict=True)
def test_a_danger_is_heard_in_other_words() -> None:
    said = zip(_DANGERS, _said(_DANGERS), strict=True)
    assert [(text, got) for (text, _, most), got in said if got > most] == []


@pytest.mark.xfail(reason="written before the mending", strict=True)
def test_everyday_words_and_errands_raise_no_alarm() -> None:
    said = zip(_CONTROLS, _said(_CONTROLS), strict=True)
    assert [(text, got) for (text, _, least), got in said if got < least] == []
