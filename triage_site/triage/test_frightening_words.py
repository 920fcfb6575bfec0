"""Frightening words that are nobody's danger here, and the same words where they are one."""

from __future__ import annotations

import pytest

from triage_site.triage.classify import look
from triage_site.triage.facts import CaseFacts

_GRAVE = 1  # this level and more urgent ones

# By kind: what must fire no grave sign.
_SILENT = {
    "a medicine of somebody else or of years ago": [
        "Bumped her forehead. Lives with her husband who is on warfarin; she takes no tablets.",
        "Cough and T 38.1. Was on methotrexate, stopped by the clinic in 2020.",
        "Knocked his head on a shelf, no LOC. Apixaban was stopped, none for two years.",
    ],
    "a value that a machine got wrong": [
        "Monitor said HR 32 but a lead was off; manual pulse 74. Itchy insect bites.",
        "BP 70/38 with the cuff over a thick sleeve, repeated by hand 126/74. Earwax.",
    ],
    "hearsay and media": [
        "Read something about sepsis on the bus. Small graze on the knee, feels fine.",
        "Saw a TikTok about brain haemorrhage, has a stye, well, vision normal.",
        "Heard of a child with meningitis on the radio. Her son has a runny nose, playing.",
        "Googled his verruca and found gangrene. Walks normally.",
        "She watches a soap with a carbon monoxide storyline. Has a wart on the thumb, well.",
        "Podcast about a heart attack made him think of his weight. Wants advice, no symptoms.",
        "The horoscope predicted a heart attack, she smiles; mouth ulcer for two days, well.",
        "Reading a novel about an overdose in the waiting room. Here for a tetanus booster.",
    ],
    "lessons and drills": [
        "On the sepsis study day she trapped her thumb in a door, bruised, moves it.",
        "Sore wrists after compressions on a manikin all morning, grip fine.",
        "Stroke lecture gave him a stiff neck, he says; walks normally, well.",
        "Cardiac arrest simulation in the skills lab, pricked a finger, small, clean.",
        "Mock stabbing for the police cadets: she grazed her elbow on the mat.",
        "Major haemorrhage drill at work. He twisted his ankle on a hose, walks.",
        "Anaphylaxis teaching for dinner ladies, one pricked a finger on the pen, no symptoms.",
        "Role card says 'gunshot wound'. The volunteer has a blister on the heel, well.",
    ],
    "names of places and things": [
        "Slipped outside the stroke unit where she cleans, bruised hip, walks normally.",
        "Works in the cafe of the poison museum, scalded a finger, small, pink.",
        "Lives in Gunshot Lane, has earwax.",
        "Letter for the chest pain clinic lost, no symptoms.",
        "Sings in the stroke choir on Mondays, hoarse for a week.",
        "Came past the major trauma centre to collect his glasses.",
        "Paper cut at the suicide prevention charity, wants a plaster.",
        "Barman at the Hanged Man, sore thumb from opening bottles.",
    ],
    "jobs": [
        "Bomb disposal officer, athlete's foot for a month.",
        "Carbon monoxide alarm fitter, sore heel in the mornings.",
        "Retired trauma surgeon, wants his ears looked at.",
        "Sepsis nurse with hay fever, well.",
        "Suicide line call handler, sore wrist from typing, cheerful.",
        "Overdose researcher at the university, needs a form signed.",
        "Homicide detective, retired, verruca on the sole.",
        "Seizure dog trainer with a scratch on the hand, clean.",
    ],
    "others and animals": [
        "Neighbour died of a heart attack on Monday and she now wants a check, never any pain.",
        "Her dentist had a stroke, so the appointment was cancelled. Toothache, eats well.",
        "The man in seat 22B had a cardiac arrest. She herself has a blocked ear.",
        "The dog had been poisoned. Owner has a scratch on the arm, small, clean.",
        "Worried since a cousin died of sepsis. He has an ingrown toenail, walks well.",
        "His hamster died of heat stroke. Itchy eyes, well.",
        "Cot death of a neighbour's baby; this mum wants reassurance, her own baby is well.",
        "Mother of pt died in a house fire. Small graze on the palm, clean.",
        "The cat was hit by a lorry. She wants a note for work.",
    ],
    "over and healed": [
        "Stab wound to the forearm 12 days ago, stitches out please, clean and dry.",
        "Once took an overdose, 2004. Sore throat, well.",
        "Follow up after anaphylaxis to wasps last month, well since.",
        "Wound check: hit by a car three weeks ago, healed.",
        "Nephew swallowed a battery two years ago, never had another. Form for school.",
        "Burn from acid, spring 2018, healed. Wants a repeat cream.",
        "Pacemaker was put in for complete heart block, wound check, clean and dry.",
    ],
    "figures of speech": [
        "Dying of boredom in the queue, has a verruca.",
        "A heart-stopping moment on the stairs, sore wrist since.",
        "Calls himself a walking time bomb, wants his cholesterol checked.",
        "Mouth on fire after a chilli, settled with milk, talking.",
        "He collapsed laughing and bumped his elbow, bruised, moves it.",
        "A deckchair collapsed, graze on the shin.",
        "Heart attack on a plate, his breakfast. Heartburn, none now.",
    ],
    "named so, set right, ruled out": [
        "PE and ACS both ruled out on Monday. Wants a fit note.",
        "Struck by lightning, figuratively: sore neck, walks normally, well.",
        "Stroke, as in swimming: sore shoulder, moves it fine.",
        "MI stands for Michigan on the form. Well, no symptoms.",
        "Monitor showed asystole, lead had come off. Talking, well.",
        "Booked as 'poisoning'. In fact ate a plum stone, feels fine, no symptoms.",
        "Ambulance called for 'unconscious man'. He was asleep on the bench, walking, sober.",
    ],
}

# By kind: what must.
_FIRING = {
    "a medicine of somebody else or of years ago": [
        "mum is on warfarin, fell and hit her head",
        "On methotrexate, T 38.9 and shivering.",
        "Hit his head on the door, takes apixaban, vomited twice.",
    ],
    "a value that a machine got wrong": [
        "BP 70/38, the cuff slipped off, cannot get another",
        "HR 32, leads checked, pale and sweaty",
    ],
    "hearsay and media": [
        "Crushing chest pain, she was recording a podcast. Sore thumb too, well otherwise.",
        "Read something online and thought it was a cold. Now unconscious, not breathing.",
        "Saw a TikTok about stroke and knew it: face drooping, arm weak since noon.",
        "Heard of sepsis on the radio. Now mottled, confused, temp 39.9.",
        "Googled his symptoms. Crushing chest pain down the left arm.",
        "Was watching a soap when her face drooped on one side.",
        "Listening to a podcast, then collapsed, no pulse.",
        "The horoscope predicted luck. Took an overdose of 40 paracetamol an hour ago.",
        "Reading a novel when the worst headache of her life came like a thunderclap.",
    ],
    "lessons and drills": [
        "Collapsed at the sepsis study day, not breathing.",
        "During compressions on the manikin he had crushing chest pain.",
        "At the stroke lecture his own face drooped and his speech slurred.",
        "Cardiac arrest in the simulation room, a real one, no pulse, CPR running.",
        "Mock stabbing, real knife: stab wound to the chest.",
        "After the haemorrhage drill she vomited blood.",
        "Showing anaphylaxis to a class, then stung: lips swollen, wheeze, voice hoarse.",
        "The volunteer with the role card is really unconscious, not responding.",
    ],
    "names of places and things": [
        "Cardiac arrest ward 5, crash team called.",
        "Outside the stroke unit his face drooped and his arm went weak.",
        "Drank poison in the museum cafe, swallowed a bottle of bleach.",
        "Gunshot wound to the chest in Market Lane.",
        "At the chest pain clinic with crushing chest pain now.",
        "Sings in the stroke choir; slurred speech and right arm weak since ten.",
        "In the car park of the major trauma centre, unconscious, not breathing.",
        "Told the suicide prevention charity that he will hang himself tonight.",
        "Found hanged at the Hanged Man, cut down, no pulse.",
    ],
    "jobs": [
        "Cardiac arrest nurse on scene doing compressions.",
        "Bomb disposal officer, blast injury, leg blown off.",
        "Carbon monoxide alarm fitter, unconscious in the boiler room.",
        "Retired trauma surgeon, tearing pain in chest and back.",
        "Sepsis nurse, mottled, confused, temp 40.",
        "Suicide line call handler, has taken an overdose of her tablets.",
        "Overdose researcher found unresponsive, pinpoint pupils.",
        "Detective, stabbed in the neck.",
        "Seizure dog trainer, has been fitting for ten minutes.",
    ],
    "others and animals": [
        "The chicken was stuck in his throat, cannot breathe.",
        "Husband choked her until she passed out, bruised neck, walking, wants a check.",
        "My neighbour collapsed, not breathing.",
        "Neighbour had a cardiac arrest in the garden, caller doing CPR.",
        "Her brother had a stroke last year, now her own face droops and speech is slurred.",
        "The dog was poisoned, and the boy ate the rat poison too.",
        "Friend overdosed on heroin, blue, on the floor.",
        "Thrown by the horse, unconscious, not breathing.",
        "Came with her husband who has a cold. She has crushing chest pain.",
        "The dog has bitten her throat, blood is spurting.",
        "Twin was well. This one is blue and floppy, not breathing.",
    ],
    "over and healed": [
        "Man in his thirties stabbed in the chest.",
        "BP in the eighties and collapsed, mottled.",
        "Stab wound to the chest an hour ago, stitches out last week from another.",
        "Once took an overdose, 2004. Today took 60 paracetamol.",
        "Follow up after anaphylaxis; now stridor, lips swelling, wheeze.",
        "Wound check, healed. Slurred speech and face droop since this morning.",
        "Swallowed a button battery two hours ago, drooling.",
        "Burn in 2018 healed. Acid splashed into both eyes just now.",
        "Stitches in two weeks ago, healed, now unrousable with a blown pupil.",
    ],
    "figures of speech": [
        "The shed collapsed on him, trapped by the chest.",
        "He calls it 'the worst headache of his life', sudden, walking, calm.",
        "Dying of boredom, he joked, then collapsed, no pulse.",
        "Heart stopped at the match, CPR running.",
        "Bomb went off beside him, leg blown off.",
        "Clothes on fire, burns to face and chest.",
        "He collapsed, not breathing, after laughing.",
        "The roof collapsed on him, trapped, crushed chest.",
        "Blue in the face, cannot breathe, choking on a grape.",
    ],
    "named so, set right, ruled out": [
        "PE ruled out last year. Crushing chest pain now.",
        "Struck by lightning in the field, unconscious.",
        "Stroke: face droops, arm weak.",
        "?MI, grey and sweaty.",
        "Monitor shows asystole, leads are on, no pulse.",
        "Booked as 'earache'. Unconscious in the waiting room.",
        "Ambulance called for 'unconscious man'. Cannot be woken, snoring.",
    ],
}


def _cases(table: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(kind, text) for kind, texts in table.items() for text in texts]


def _grave(text: str) -> list[str]:
    """The codes of the grave signs that fire."""
    fired = look(CaseFacts(text=text, age_years=40)).fired
    return [sign.code for sign in fired if sign.min_priority <= _GRAVE]


@pytest.mark.parametrize(("kind", "text"), _cases(_SILENT))
def test_frightening_words_alone_raise_no_grave_sign(kind: str, text: str) -> None:
    assert _grave(text) == [], kind


@pytest.mark.parametrize(("kind", "text"), _cases(_FIRING))
def test_the_same_words_of_a_danger_raise_one(kind: str, text: str) -> None:
    assert _grave(text), kind


def test_every_kind_has_as_many_dangers() -> None:
    assert all(len(_FIRING[kind]) >= len(texts) for kind, texts in _SILENT.items())
    assert sum(map(len, _SILENT.values())) >= 60
