"""Kinds of misreadings that an outsider found, in other words: dangers that sound mild, and
everyday words, jokes, old facts and errands that sound dangerous."""

from __future__ import annotations

from collections.abc import Sequence

from triage_site.triage import classify_many
from triage_site.triage.classify import look
from triage_site.triage.facts import CaseFacts
from triage_site.triage.signs.rules import most_urgent

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
# What is told, age, and the most urgent level that may be given: 2 where nothing but the model
# speaks, which takes short notes of a sore limb for 2 or 3.
_CONTROLS = [
    # Teaching, jokes, everyday words.
    ("Ran a resuscitation lesson for the guides, my wrists ache", 40, 2),
    ("taught the Heimlich to scouts, elbow sore", 35, 2),
    ("first aid test tomorrow: asks how to check a pulse", 20, 3),
    ("An overdose of chocolate, she jokes; small spot on the chin", 24, 2),
    ("'I'll bleed to death,' jokes the barber, nick on a finger, dry now", 45, 2),
    ("dying to get this plaster off, toes warm and pain-free", 30, 3),
    ("by a stroke of luck the nail only pierced the shoe, tetanus in date?", 44, 3),
    ("stab of envy, she laughs; wants her ears checked", 50, 3),
    ("shot a wedding film all day, sore shoulder", 38, 2),
    ("he drowned his chips in vinegar, cut lip stings", 15, 2),
    ("heart stopper of a match, hoarse from shouting", 29, 3),
    ("killer boots, blister on toe", 26, 3),
    ("fit as a fiddle, needs her hay fever spray again", 31, 3),
    ("the flu shot left my arm stiff, moving it fine", 52, 3),
    ("hung the washing, shoulder twinge", 47, 2),
    ("bitten by the travel bug, wants a yellow fever jab", 33, 3),
    ("thought I was going to die laughing, now hiccups", 28, 3),
    ("unconscious bias course tomorrow, needs a sick note", 36, 3),
    ("pain like being hit with a hammer in my big toe, gout again", 57, 2),
    # Sweat, skin, old reactions.
    ("soaked her pyjamas with sweat in the night, flu, drinking well", 37, 2),
    ("sweated right through the mattress, cold for two days", 33, 2),
    ("ring stuck, finger going purple", 30, 1),
    ("Allergies: aspirin - lips swell up. Twisted ankle", 41, 2),
    ("allergic to nuts (throat swells), here for a verruca", 19, 3),
    ("Penicillin allergy - tongue swells. Splinter in palm", 60, 2),
    # Functions that are there.
    ("back went lifting a sofa, no numbness, bladder and bowels normal, legs strong", 42, 3),
    ("no saddle numbness, normal bladder, walks, lumbago since Monday", 48, 3),
    ("low back pain, no leg weakness, normal perineal sensation", 39, 3),
    ("No chest pain, no breathlessness, no collapse; insurance medical", 50, 3),
    # Not this patient, or not now.
    ("sometimes hopes she would not wake up, no plan, sleeps badly", 40, 1),
    # A friend of whom a caller tells may be the patient, so this still raises an alarm.
    ("friend took an overdose, she found him, can't sleep, took nothing herself", 20, 1),
    ("six years without a fit, licence form needs a signature", 35, 3),
    ("insurance letter for her old heart attack, feels fine", 66, 2),
    # Errands and questions about somebody who is well.
    ("lost the passport for his pacemaker, asks for another, feels well", 70, 3),
    ("her EpiPens expire this month, never needed, wants new ones", 22, 3),
    ("his inhaler is past its date, no wheeze", 18, 3),
    ("glucose meter out of batteries, sugars fine", 60, 2),
    ("oxygen stand broke, no change in breathing", 72, 2),
    ("hearing aid broken, where does she go", 81, 2),
    ("seizure alert bracelet broke, no seizures for years", 30, 2),
    ("the defib on our hall wall has a low battery, nobody ill", 50, 3),
    ("asks what to do if a toddler ever swallows a coin; the child is fine", 2, 3),
    ("can a jellyfish ever kill you? stung in May, no trouble then", 27, 3),
    ("would nuts make my baby swell up? never had any", 0.6, 2),
    ("is 5 ml or 10 ml of his syrup right, he hasn't had any yet", 4, 3),
    ("toddler sucked one vitamin gummy, poisons centre says no harm, wants a note", 2, 3),
    ("school asks whether he may swim with grommets, he's well", 8, 3),
    ("asks if a mole can turn into cancer, unchanged for ten years", 45, 3),
    ("lost his badge form, needs it stamped", 62, 3),
    ("walked in for his results, phone battery dead", 34, 3),
]

# Written after the mending and scored once before more was mended.
_MORE_DANGERS = [
    ("lifeguard here: boy off the bottom of the deep end, white, no response", 9, 0),
    ("officer with woman, rope still round her neck, purple, snoring noises", 22, 0),
    ("nurse says carotid impalpable, pads going on", 77, 0),
    ("she's a funny colour and I can't feel any breath on my hand", 68, 0),
    ("Dad's heart monitor just shows a flat line", 71, 0),
    ("my nan won't come to even when I slap her cheeks", 85, 0),
    ("eyes shut, I rubbed his breastbone hard and got nothing", 49, 0),
    ("trapezius squeeze - no response, pupils small", 36, 0),
    ("fitted twice, didn't come round in between, now going again", 19, 0),
    ("he keeps on jerking, it's been quarter of an hour", 28, 0),
    ("38 weeks, puffy face, jerking all over on the sofa", 31, 0),
    ("choked on a piece of apple, now silent and dusky", 4, 0),
    ("tongue so fat she can't close her mouth, new blood pressure tablet", 66, 1),
    ("born at noon, bed is soaked with blood, mum says she feels far away", 30, 0),
    ("his fistula has blown, blood up the wall", 58, 0),
    ("blood is coming like from a hose out of his thigh", 33, 0),
    ("a fork stuck in his throat, talks", 25, 1),
    ("garden stake through the left side of her belly", 52, 1),
    ("emptied his dad's heart pills, some 35 bisoprolol gone", 16, 1),
    ("coin cell from the toy can't be found and the toddler won't swallow", 1.5, 1),
    ("orchard sprayer, eyes like pinpoints, sweating and dribbling", 44, 0),
    ("perched on the parapet of the flyover, negotiator on the way", 29, 1),
    ("feet over the platform edge, crying, won't talk", 18, 1),
    ("revolver loaded on the table, wrote to his kids that he is sorry", 60, 1),
    ("five days after delivery, certain the nurses swapped the baby", 27, 1),
    ("heart 245/min on the monitor, 3 weeks old, pale", 0.06, 1),
    ("rash does not go when pressed with a glass, sleepy", 6, 1),
    ("swoolen tounge and hevy brething", 40, 1),
    ("mi hija no respira", 6, 0),
    ("mon père est inconscient", 70, 0),
    ("meine Oma ist bewusstlos", 80, 0),
    ("mia moglie non riesce a parlare, bocca storta", 66, 1),
    ("moja żona nie oddycha", 50, 0),
    ("meu pai não respira", 61, 0),
]
_MORE_CONTROLS = [
    ("sat a CPR exam, thumb cramps", 30, 2),
    ("showed the recovery position to cadets, stiff neck", 33, 1),  # the model alone
    ("overdose of Christmas cake, tummy a bit full, laughing", 51, 2),
    ("feels as if run over by a train, cold since Monday, drinking", 35, 2),
    ("pins dropped, not even a bruise, finger fine", 28, 2),
    ("shook hands with a fan, thumb sore", 40, 2),
    ("no leg numbness, bowel function normal, back sore from digging", 44, 2),
    ("Aspirin allergy - face swells. Here for a blister", 60, 3),
    ("wishes she would not wake so early, wants sleeping advice", 55, 1),
    ("the monitor in our nursery has a flat battery, baby well", 0.8, 3),
    ("climbed over the fence for a ball, grazed shin", 12, 3),
    ("toy gun broke, pinched his finger", 6, 2),
    ("lost the watch battery, wants to know where to buy one", 50, 3),
    ("deodorant spray in the eye, a little pink, no drooling", 16, 2),
    ("gave birth last year, wants a coil check", 29, 3),
    ("bedsheets soaked after the hot night, no fever, feels well", 40, 2),
    ("toe turned blue after the door, nail loose", 23, 2),
    ("tossed a fork into the sink, chest cold for a week", 38, 2),
    ("EpiPen training pen lost, wants another", 20, 3),
    ("inhaler expired, breathing fine, wants a new one", 25, 3),
    ("fit-free for ten years, asks for a driving form to be signed", 36, 3),
    ("what should I do if my boy ever has a nosebleed? He is well", 7, 3),
    ("no está inconsciente, tiene tos", 30, 2),
    ("nicht bewusstlos, nur Husten", 30, 2),
]

# A third time, after the second mending.
_THIRD_DANGERS = [
    ("tried everything to wake him, he just lies there", 47, 0),
    ("Mam is sleeping and I can't get her to wake", 60, 0),
    ("doesn't know we're here, eyes rolled up, no response at all", 55, 0),
    ("patient floppy on bed, no response to verbal or painful stim", 70, 0),
    ("snoring like a pig and won't open her eyes whatever we do", 52, 0),
    ("knuckles on the chest bone, no movement", 63, 0),
    ("auntie has gone all limp and isn't taking any breaths", 58, 0),
    ("don't know if he's alive, he is cold and grey, no breathing seen", 66, 0),
    ("arrested twice on scene, currently in PEA", 59, 0),
    ("police: female in car, hose from exhaust, slumped, not rousable", 40, 0),
    ("he has been fitting since lunch and the rescue med did nothing", 12, 0),
    ("one fit straight after another, hasn't been awake since", 33, 0),
    ("throat is swelling shut after the prawns, voice is squeaky", 35, 0),
    ("my boy put a marble in his mouth and now he can't breathe", 3, 0),
    ("steam up his nose none, chest still, lips navy", 61, 0),
    ("I want to know what to do, my dad isn't breathing", 70, 0),
    ("I know he's dying, there is no pulse", 80, 0),
    ("stabbed with a biro in the neck", 24, 1),
    ("arrow in left chest, crossbow accident", 37, 1),
    ("barbed wire round thigh, blood jumping out in time with his heart", 45, 0),
    ("postnatal ward sent her home, now bleeding through towels and grey", 28, 0),
    ("ate grandpa's nifedipine, blister of ten is empty, drowsy toddler", 2, 1),
    ("about 60 of his own quetiapine, told nobody till now", 38, 1),
    ("seven months pregnant, headache, then stiff and shaking", 26, 0),
    ("hanging out of the window of the tenth floor, screaming she'll let go", 23, 1),
    ("has a kitchen knife at his throat, officers back off", 31, 1),
    ("says goodbye to everybody on the phone, on the railway line now", 20, 1),
    ("newborn, pulse too fast to count, breathing fast, grey", 0.02, 1),
    ("opioid patch x6 on, breathing 5 a minute", 72, 0),
    ("chest pain i know its my heart", 58, 1),
]
_THIRD_CONTROLS = [
    ("I know I should have come earlier, verruca since May", 30, 3),
    ("don't know whether I need stitches, 1 cm cut on the shin, dry", 34, 2),
    ("wants to know her blood group", 29, 3),
    ("slept like the dead, woke with a crick in the neck", 41, 1),  # the model alone
    ("no response from the surgery about her cream", 50, 3),
    ("he never answers the phone, came for his results", 44, 3),
    ("pulled a towel out of the bath, back twinge", 39, 2),
    ("swam in the lake, ear blocked since", 22, 2),
    ("found a hair in her tea, feels sick about it", 33, 2),
    ("flat battery in the car made him miss his appointment, wants another", 48, 3),
    ("put the marble run together, thumb sore", 9, 2),
    ("ate a peanut, no reaction, mother wants to be sure", 3, 2),
    ("the monitor on the wall is flat and new, ward visitor with a headache", 50, 1),
    ("fork in the road, stumbled, ankle swollen, can walk", 27, 2),
    ("glass of water in hand, chest cold for a week", 31, 2),
    ("gun dog bit his thumb, small puncture", 46, 2),
    ("note from school asks for a form", 8, 3),
    ("sitting on the edge of the bed he felt dizzy a moment, fine now", 60, 2),
    ("climbed on a chair to reach the barrier cream, knee sore", 55, 2),
    ("spraying roses with soapy water, eyes itch", 62, 2),
    ("had her baby last year, drops of blood after brushing teeth", 30, 2),
    ("baby swapped to another formula, well", 0.4, 2),
    ("nobody can get him out of bed for school, he is sixteen and grumpy", 16, 2),
    ("stays asleep through thunder, mother wonders if that is normal", 6, 2),
    ("shook his head, nothing to report, repeat tablets please", 64, 3),
]
# A fourth time: absences with "nil", heights in words, pupils, a head injury in lay words.
_FOURTH_DANGERS = [
    ("nil signs of life", 80, 0),
    ("nil pulse, nil breathing", 71, 0),
    ("says nobody pushed him, dropped seven metres from the scaffolding", 33, 1),
    ("twelve foot fall onto concrete", 45, 1),
    ("fell 3 m, no loss of consciousness", 40, 1),
    ("FOUR score 4", 66, 1),
    ("cannt breath", 52, 1),
    ("one of her pupils, the right pupil, is wider than the left", 60, 1),
    ("his left pupil was bigger than the right one after the ball hit him", 14, 1),
    (
        "bruise over the eyebrow after a fall, sick twice, asks again and again what day it is",
        84,
        1,
    ),
    ("knocked by a plank on the back of the head, been sick, drowsy", 30, 1),
]
_FOURTH_CONTROLS = [
    ("P 12 of the booklet says come back, dressing dry", 44, 3),
    ("glucose 75 g drink for the test this morning, felt queasy for a minute", 29, 2),
    ("INR 2.6, in range, lost the yellow book", 67, 3),
    ("SAH (subtotal abdominal hysterectomy) in 2009, asks for an HRT review", 55, 3),
    ("MI (motivational interviewing) went well, asks for patches", 41, 3),
    ("under arrest, graze from the handcuffs", 27, 3),
    ("came from room 71, bed 38, for a dressing change", 62, 3),
    ("weighs 31 kg, verruca", 10, 3),
    ("both pupils reacting, bumped head on a shelf, no vomiting", 30, 2),
    ("had mumps as a child with a fever of 41, today wants a form signed", 38, 2),
]
# A fifth time: old facts, lessons and errands, names of streets.
_FIFTH_DANGERS = [
    ("RLS 85 5, brought from the ferry", 60, 1),
    ("stopped breathing at the machine in the gym", 44, 0),
    ("left arm weak since noon, stroke in 2015 fully recovered", 70, 1),
    ("cpr on the landing by his son", 66, 0),
    ("dx I63.9, drip running", 72, 1),
    ("anaphalaxis after a wasp", 30, 1),
    ("melaena, postural giddiness", 58, 1),
    ("blue lips after choking on a boiled sweet", 40, 0),
]
_FIFTH_CONTROLS = [
    ("stopped breathing exercises, feels better, letter please", 60, 3),
    ("CPR on a dummy for the course, certificate to sign", 30, 3),
    ("one febrile fit at 14 months, never again. Nappy rash today", 3, 3),
    ("right arm weakness unchanged since the stroke in 2014, splinter in thumb", 71, 3),
    ("ROS chin, day 5", 20, 3),
    ("AOx4, GCS 15, callus on the hand", 33, 2),
    ("neighbour's dog has fits, worried it is catching, well herself", 44, 3),
    ("swims breast stroke, sore shoulder", 45, 2),
    ("tetanus booster due, fit and well", 50, 3),
]
MOST_ALARMS = 0.15


def _said(cases: Sequence[tuple[str, float, int]]) -> list[int]:
    facts = [CaseFacts(text=text, age_years=age) for text, age, _ in cases]
    return [one.priority for one in classify_many(facts, explain=False)]


def test_a_danger_is_heard_in_other_words() -> None:
    dangers = [*_DANGERS, *_MORE_DANGERS, *_THIRD_DANGERS, *_FOURTH_DANGERS, *_FIFTH_DANGERS]
    said = zip(dangers, _said(dangers), strict=True)
    assert [(text, got) for (text, _, most), got in said if got > most] == []


def test_everyday_words_and_errands_raise_few_alarms() -> None:
    """No list names them all: some sound grave to the model of words."""
    controls = [*_CONTROLS, *_MORE_CONTROLS, *_THIRD_CONTROLS, *_FOURTH_CONTROLS, *_FIFTH_CONTROLS]
    said = zip(controls, _said(controls), strict=True)
    assert sum(got < least for (_, _, least), got in said) <= MOST_ALARMS * len(controls)


def test_everyday_words_and_errands_fire_no_sign() -> None:
    controls = [*_CONTROLS, *_MORE_CONTROLS, *_THIRD_CONTROLS, *_FOURTH_CONTROLS, *_FIFTH_CONTROLS]
    facts = [CaseFacts(text=text, age_years=age) for text, age, _ in controls]
    fired = {one.text: most_urgent(look(one).fired) for one in facts}
    wrong = {text: fired[text] for text, _, least in controls if fired[text] < least}
    assert wrong == {}
