"""Which lines of the recommendation fit a case, and what is said instead. Pure.

Nobody with a low blood pressure is asked to sit upright or to stand, no chest is compressed where
a pulse was measured, nothing is pressed that does not bleed, and nothing is measured that the brief
has. Where only a part of a line does not fit, that part is said in other words.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from scheduling.core.brief import (
    IN_THE_NOTE,
    NO_THINNER,
    OVER_LABEL,
    THINNER_LABEL,
    UNDER_ONE_YEAR,
    Brief,
)

_ANAPHYLAXIS: Final = (
    "possible anaphylaxis", "allergic reaction with airway, breathing or circulation signs",
    "allergy with breathing trouble or faintness",
)  # fmt: skip
_TODDLER_YEARS: Final = 2.0
_MENARCHE_YEARS: Final = 9.0
_MENOPAUSE_YEARS: Final = 60.0
_TEEN_YEARS: Final = 16.0
_FAST_BREATH, _SLOW_HEART = 40, 40
_HEART_YEARS: Final = 50.0
_BELLY: Final = frozenset({"abdominal pain", "vomiting or diarrhoea"})
# Complaints for which a pulse a little out of the usual range asks for no ECG.
_ELSEWHERE: Final = frozenset(
    {
        "abscess or skin infection", "bite or sting", "burn", "cough and cold symptoms",
        "cut or wound", "ear, nose or throat problem", "eye problem", "fall", "fever",
        "fever or illness in a child", "flank pain", "foreign body", "head injury",
        "joint or limb pain without injury", "limb injury", "object in the skin",
        "paperwork or medicine request", "possible sepsis", "road traffic collision",
        "serious injury", "skin rash", "stab or gunshot wound", "stuck ring", "testicular pain",
        "throat infection with a narrow airway", "toothache or mouth problem", "unwell infant",
        "urinary symptoms", "vaginal bleeding", "major bleeding", "nosebleed", "back pain",
        "rectal bleeding or black stool", "vomiting blood", "pregnancy problem", "assault",
        "breathing trouble in a child", "low mood or distress", "suicidal thoughts or self-harm",
    }
)  # fmt: skip
_OF_HEART: Final = ("faint", "chest", "rhythm", "heart attack", "palpitation", "potassium")
_OF_TRUNK: Final = frozenset(
    {
        "fall", "head injury", "road traffic collision", "serious injury", "spinal cord in danger",
    }
)  # fmt: skip
_FOR_SURGEON: Final = (
    "abdominal emergency", "belly pain with an alarm sign", "testicle, penis or groin in danger",
    "hernia that does not go back", "open fracture", "cold, pale or pulseless", "object in the",
    "severe belly", "pain out of proportion", "suspected ectopic",
    "pain or faintness with a known aneurysm", "possible aortic", "stab, gunshot",
    "heavy bleeding", "bleeding or a torn vessel", "torn, cut or blocked", "tourniquet on",
    "bleeding with collapse", "head bleeding with", "ruptured aneurysm",
    "weak swallowing", "possible stroke", "caustic substance", "battery, magnet",
    "button battery", "food stuck",
)  # fmt: skip
_CHEMICAL_IN_EYE: Final = "chemical in the eye"
_LEAST_OF_TARGET: Final = 88  # % of a patient whose lower target was agreed
_LATE_WEEKS: Final = 20
CONSCIOUSNESS_SIGN: Final = {
    "newly confused": "new confusion",
    "responds to voice only": "responds to voice only",
    "responds to pain only": "responds to pain only",
    "unresponsive": "unresponsive",
}
# "A pregnancy test where it applies" leaves it open.
_LEFT_OPEN: Final = re.compile(
    r", ([^,]+?),? and (?:a )?pregnancy (?:test )?where (?:it applies|possible)"
)
_CHOKED: Final = re.compile(r"\b(?:chok|stuck|swallow|inhal|lodged|aspirat|gag|foreign)", re.I)
_AWAKE: Final = frozenset({"alert", "newly confused", "responds to voice only"})


def for_patient(line: str, brief: Brief) -> str:
    """Without a pregnancy that is left open where there can be none, and what does not fit said
    in other words."""
    line = _LEFT_OPEN.sub(r" and \1", line) if cannot_be_pregnant(brief) else line
    for part, instead, is_so in _SAID_OTHERWISE:
        if part in line and is_so(brief):
            line = line.replace(part, instead)
    return line


def without_known(line: str, brief: Brief) -> str:
    """ "Check saturation, ECG and glucose first" without what was measured or told; empty where
    all was."""
    found = _LIST.fullmatch(line)
    lead, listed, rest = found.groups() if found else ("", line, "")
    parts = re.split(r"(, (?:and )?| and )", listed)
    items = [(mark, item) for mark, item in zip(["", *parts[1::2]], parts[::2], strict=True)]
    left = [one for one in items if not _is_known(one[1], brief)]
    if left == items or not left:
        return line if left else ""
    if left[-1] != items[-1] and not any("and" in mark for mark, _ in left):
        left[-1] = (" and ", left[-1][1])
    told = "".join(mark + item for mark, item in left).removeprefix(left[0][0])
    told = told if left[0][1].partition(" ")[0] in _VERBS else lead + told
    return told[0].upper() + told[1:] + rest


def band(brief: Brief, label: str) -> str:
    """How far from usual a vital sign is; empty where it is usual, not known, or a rate of 0."""
    bands = {one.label: one.band for one in brief.readings if not one.absent}
    return bands.get(label) or bands.get(f"Systolic {label.lower()}", "")


def fits(line: str, brief: Brief) -> bool:
    return not any(words.search(line) and is_so(brief) for words, is_so in _UNFIT)


def is_not_alert(brief: Brief) -> bool:
    return any(state in CONSCIOUSNESS_SIGN for state in brief.states)


def _is_alert(brief: Brief) -> bool:
    return brief.states == ("alert",)


def _is_awake(brief: Brief) -> bool:
    return bool(brief.states) and _AWAKE.issuperset(brief.states)


def _must_lie(brief: Brief) -> bool:
    """Low pressure, not alert, or too young to sit."""
    age = age_years(brief)
    return (
        band(brief, "Blood pressure").endswith("low")
        or is_not_alert(brief)
        or (age is not None and age < _TODDLER_YEARS)
    )


def _must_not_sit(brief: Brief) -> bool:
    """Must lie, or the spine may be hurt."""
    is_hurt = brief.line("Injury") == "yes" or brief.line("Complaint") in _OF_TRUNK or _FELL(brief)
    return _must_lie(brief) or (is_hurt and brief.line("Injury") != "no")


def _must_not_drink(brief: Brief) -> bool:
    """Level 0, not alert, or an operation may follow."""
    is_for_surgeon = any(has_sign(brief, name) for name in _FOR_SURGEON)
    return brief.priority == 0 or is_not_alert(brief) or is_for_surgeon


def _must_not_get_up(brief: Brief) -> bool:
    """Level 0, must lie, short of breath, or a very high fever."""
    return (
        brief.priority == 0
        or _must_lie(brief)
        or band(brief, "Oxygen saturation") == "very low"
        or band(brief, "Respiratory rate").endswith("high")
        or band(brief, "Temperature") == "very high"
    )


def _has_pulse(brief: Brief) -> bool:
    """Heart rate and blood pressure were both measured, or somebody who is awake was seen."""
    labels = {reading.label for reading in brief.readings if not reading.absent}
    measured = "Heart rate" in labels and any("lood pressure" in label for label in labels)
    return measured or _is_awake(brief)


def _is_awake_and_did_not_choke(brief: Brief) -> bool:
    return _is_awake(brief) and not _CHOKED.search(brief.words)


def _is_short_of_breath(brief: Brief) -> bool:
    return band(brief, "Respiratory rate").endswith("high") or band(
        brief, "Oxygen saturation"
    ).endswith("low")


def cannot_be_pregnant(brief: Brief) -> bool:
    age = age_years(brief)
    too_young_or_old = age is not None and not _MENARCHE_YEARS <= age < _MENOPAUSE_YEARS
    return brief.line("Sex") == "male" or too_young_or_old


def has_chemical_in_the_eye(brief: Brief) -> bool:
    return has_sign(brief, _CHEMICAL_IN_EYE)


def has_sign(brief: Brief, name: str) -> bool:
    """Also one that only the note has."""
    return any(sign.startswith(name) for sign in brief.danger_signs)


def _has_anaphylaxis(brief: Brief) -> bool:
    return any(has_sign(brief, name) for name in _ANAPHYLAXIS)


def _is_seizing(brief: Brief) -> bool:
    return has_sign(brief, "seizing now") and not _is_said_to_be_over(brief)


def at_once(brief: Brief) -> list[str]:
    """What comes before all: where heart or breathing stands still, or a seizure goes on."""
    absent = {reading.label: reading.absent for reading in brief.readings}
    has_arrest = has_sign(brief, "cardiac or breathing arrest")
    if any(absent.values()) or (has_arrest and not _has_pulse(brief)):
        if _is_awake(brief):
            return ["Feel for a pulse and look for breathing now; resuscitate if there is none."]
        if absent.get("Heart rate") == "":
            return ["Open the airway, give breaths with bag and mask and feel for a pulse."]
        return ["Start or continue chest compressions and attach the defibrillator."]
    treated = brief.priority in (0, 1) and "not yet here" not in brief.line("Arrival")
    return ["Treat the seizure by local protocol now."] if treated and _is_seizing(brief) else []


def _is_said_to_be_over(brief: Brief) -> bool:
    """Said so, and not contradicted by how awake somebody is."""
    return bool(brief.line(OVER_LABEL)) and set(brief.states) <= {"alert"}


def _says(words: str) -> Callable[[Brief], bool]:
    """Whether the words of the note have one of `words`, a regular expression."""
    pattern = re.compile(words, re.IGNORECASE)
    return lambda brief: pattern.search(brief.words) is not None


def _says_not(words: str) -> Callable[[Brief], bool]:
    says = _says(words)
    return lambda brief: not says(brief)


_FELL: Final = _says(
    r"\b(?:fell|fallen|falling|fall|crash\w*|collision|rt[ac]|mv[ac]|ladder|thrown|run over|hit by"
    r"|knocked (?:down|off|over)|whiplash|dived?|diving|rugby|trampoline)\b"
)
_USUAL_PULSE: Final = _says(
    r"\b(?:resting|usual|normal|always|baseline)\b[^.;]{0,25}\b(?:pulse|hr|heart rate)\b"
    r"|\b(?:pulse|hr|heart rate)\b[^.;]{0,25}\b(?:always|usual(?:ly)?|baseline|resting)\b"
)
_STOPPED: Final = _says(
    r"\b(?:ble+d\w*|blood) (?:has |have |is |all )?(?:now )?(?:stopped|settled|dried)"
    r"|\b(?:no|not|isn't|without) (?:much |longer )?(?:ble+d\w*|blood)\b|\bno blood"
)
_BLEEDS: Final = _says(r"\b(?:ble+d\w*|blood\w*|gush\w*|spurt\w*|pour\w*|oozing|soak\w*)\b")


def _does_not_bleed(brief: Brief) -> bool:
    return _STOPPED(brief) or not _BLEEDS(brief)


# The note tells of a pregnancy, or that there was a birth.
_needs_no_pregnancy_test: Final = _says(
    r"(?<!not )(?<!not currently )\b(?:\d{1,2} ?(?:\+ ?\d )?(?:weeks?|wks?|months?)"
    r" (?:pregnant|gestation)"
    r"|\d{1,2}(?:\+\d)?/40|(?:is|am|currently|known) pregnant"
    r"|pregnant (?:with|woman|lady)|gravid\w*|positive pregnancy test)\b"
    r"|\b(?:post[- ]?(?:partum|natal)|gave birth|delivered|after (?:the )?birth|c-?section"
    r"|caesarean)\b"
)
_WEEKS: Final = re.compile(
    r"\b(\d{1,2}) ?(?:\+ ?\d )?(?:weeks?|wks?)\b.{0,12}\bpreg"
    r"|\bpreg\w*\W.{0,12}?\b(\d{1,2}) ?(?:weeks|wks)"
    r"|\b(\d{1,2})(?:\+\d)?/40\b",
    re.IGNORECASE,
)


def _is_early_pregnancy(brief: Brief) -> bool:
    found = _WEEKS.search(brief.words)
    return found is not None and int(next(filter(None, found.groups()))) < _LATE_WEEKS


_GLUCOSE_TOLD: Final = _says(
    r"\b(?:glucose|sugars?|bm|cbg|bsl|bgl)\b\D{0,25}\d{1,2}(?:\.\d)?|\bhypo\b\D{0,12}\d"
)
_LOW_TARGET: Final = _says(r"\b88 ?(?:-|to|and) ?9[0-2]\b")


def _is_in_low_target(brief: Brief) -> bool:
    """Whether the saturation is in the range that the form or the note calls the target."""
    reading = next((r for r in brief.readings if r.label == "Oxygen saturation"), None)
    if reading is None or not reading.value.isdecimal() or int(reading.value) < _LEAST_OF_TARGET:
        return False
    return "lower target agreed" in reading.text or _LOW_TARGET(brief)


def _has_reading(label: str) -> Callable[[Brief], bool]:
    return lambda brief: any(reading.label == label for reading in brief.readings)


def differing(brief: Brief) -> list[str]:
    """The labels of the readings that the note tells differently."""
    return [one.label for one in brief.readings if IN_THE_NOTE in one.text]


def has_exchanged_rates(brief: Brief) -> bool:
    """Whether pulse and breathing rate may stand in each other's place: nobody breathes faster
    than a slow heart beats."""
    values = {one.label: one.value for one in brief.readings}
    heart, breath = values.get("Heart rate", ""), values.get("Respiratory rate", "")
    is_told = heart.isdecimal() and breath.isdecimal() and int(heart) > 0
    return is_told and int(breath) >= _FAST_BREATH and int(heart) <= _SLOW_HEART


def _has_differing_pulse(brief: Brief) -> bool:
    return "Heart rate" in differing(brief)


def _has_pulse_of_another_cause(brief: Brief) -> bool:
    """A pulse that is a little fast where pain, fever or loss of fluid explains it. From fifty
    years a pain of the belly may come from the heart."""
    age = age_years(brief)
    complaint = brief.line("Complaint")
    may_be_heart = complaint in _BELLY and (age is None or age >= _HEART_YEARS)
    return (
        band(brief, "Heart rate") == "high"
        and (complaint in _BELLY or complaint in _ELSEWHERE)
        and not may_be_heart
        and not any(sign in one for one in brief.danger_signs for sign in _OF_HEART)
    )


def _has_slow_pulse_of_old(brief: Brief) -> bool:
    """A pulse that is a little slow where the complaint is elsewhere, or that is usual."""
    is_low = band(brief, "Heart rate") == "low"
    return is_low and (brief.line("Complaint") in _ELSEWHERE or _USUAL_PULSE(brief))


def _is_child_with_a_pulse_a_little_high(brief: Brief) -> bool:
    age = age_years(brief)
    return age is not None and age < _TEEN_YEARS and band(brief, "Heart rate") == "high"


def tells_of_thinner(brief: Brief) -> bool:
    """That one is taken, or that none is."""
    return bool(brief.line(THINNER_LABEL))


def _takes_no_thinner(brief: Brief) -> bool:
    return brief.line(THINNER_LABEL) == NO_THINNER


def _takes_thinner(brief: Brief) -> bool:
    return tells_of_thinner(brief) and not _takes_no_thinner(brief)


def _is_known(item: str, brief: Brief) -> bool:
    is_known = _KNOWN_ITEMS.get(item.lower())
    return is_known is not None and is_known(brief)


_LIST: Final = re.compile(
    r"(Check |)(.*?)( first| early| as soon as possible| before calling it anxiety|)"
)
_VERBS: Final = frozenset({"do", "watch", "take"})  # of a line that tells two things
# What a list of a line may ask, and whether the brief has it.
_KNOWN_ITEMS: Final[dict[str, Callable[[Brief], bool]]] = {
    "glucose": _GLUCOSE_TOLD,
    "temperature": _has_reading("Temperature"),
    "saturation": _has_reading("Oxygen saturation"),
    "pressure": _has_reading("Blood pressure"),
    "blood pressure": _has_reading("Blood pressure"),
    "blood thinners": tells_of_thinner,
}

_HAS_HIP: Final = _says(
    r"\b(?:hips?|femur|femoral|thigh|pelvi\w+|nof|#nof|spine|collarbone|ribs?)\b"
)
_NO_GLASS: Final = _says_not(r"\b(?:glass|windscreen|window|bottle|mirror|jar)")
_NO_LIMB: Final = _says_not(
    r"\b(?:arms?|legs?|limbs?|hands?|wrists?|fingers?|foot|feet|toes?|thighs?|calf|elbow|knee|ankle"
    r"|forearm|stump|fistula)\b"
)
_NO_FIRE: Final = _says_not(
    r"\b(?:fire|flames?|smok\w*|explo\w*|blast|house|bonfire|petrol|gas|soot|stove|barbecue|bbq"
    r"|engulfed|candle|lighter|hoarse|firework)\b"
)
_NO_CHEMICAL: Final = _says_not(
    r"\b(?:chemical\w*|acid|alkali|bleach|lye|cement|lime|caustic|cleaner|solvent|battery|petrol)\b"
)
_NO_CURRENT: Final = _says_not(
    r"\b(?:electr\w*|shock|volt\w*|current|socket|wires?|cables?|lightning)\b"
)
_IN_EAR: Final = _says(r"\b(?:ears?|earache|eardrum|wax|hearing|deaf\w*|tinnitus|otitis)\b")
_NO_THROAT: Final = _says_not(
    r"\b(?:throat|swallow\w*|tonsil\w*|drool\w*|voice|jaw|neck|tongue|quinsy|trismus)\b"
)
_IS_ANOTHER_OBJECT: Final = _says(
    r"\b(?:fish ?bone|bones?|food|meat|steak|bolus|tablet|splinter|thorn|insect|moth|fly|beads?"
    r"|cotton|bud|coins?|hearing aid|lens|grit|metal|dust|sand|glass|pea|foam|tampon|condom)\b"
)
_NO_BATTERY: Final = _says_not(r"\b(?:batter(?:y|ies)|magnets?)\b")
_KETONES_TOLD: Final = _says(r"\bketones?\b\D{0,15}\d")
_ADRENALINE_GIVEN: Final = _says(
    r"(?<!\bno )(?<!\bnil )(?<!without )\b(?:epi-?pens?|jext|emerade|adrenaline|epinephrine)\b"
    r"(?:(?!\bno[tr]?\b|n't\b|\bnever\b|\bunused\b)[^.;]){0,25}"
    r"\b(?:given|used|taken|once|twice|administered|x ?\d|by)\b"
    r"|(?<!not )(?<!n't )\b(?:used|gave|given|took|had)\b(?:(?!\bno\b)[^.;]){0,20}"
    r"\b(?:epi-?pen|jext|emerade|adrenaline|epinephrine)\b"
)


def _is_not_of_throat(brief: Brief) -> bool:
    return _IN_EAR(brief) and _NO_THROAT(brief)


def _is_no_battery(brief: Brief) -> bool:
    return _IS_ANOTHER_OBJECT(brief) and _NO_BATTERY(brief)


def _is_glucose_and_ketones_told(brief: Brief) -> bool:
    return _GLUCOSE_TOLD(brief) and _KETONES_TOLD(brief)


# A part of a line, what is said instead, and when.
_SAID_OTHERWISE: Final[tuple[tuple[str, str, Callable[[Brief], bool]], ...]] = (
    ("Check whether the seizure has stopped, clear", "Clear", _is_seizing),
    ("Press on the bleeding and check feeling and movement beyond it",
     "Check feeling and movement beyond the wound", _does_not_bleed),
    ("Ask about blood thinners and reverse them", "Reverse the blood thinner", _takes_thinner),
    ("Ask about blood thinners and reverse them as the doctor orders; head up", "Head up",
     _takes_no_thinner),
    ("Direct pressure or tourniquet now",
     "Stop the bleeding by pressure where it can be reached; massive transfusion call", _NO_LIMB),
    ("look for glass", "look for what is left in it", _NO_GLASS),
    ("glass left in the wound", "what is left in the wound", _NO_GLASS),
    ("Call obstetrics and ask for weeks, bleeding, pain and movements",
     "Call gynaecology or the early pregnancy team; ask about bleeding and pain",
     _is_early_pregnancy),
    ("Measure glucose now and treat by mouth or vein as the protocol orders",
     "Nothing by mouth; treat by vein or injection as the protocol orders and measure again",
     is_not_alert),
    (" and treat by mouth or vein as the protocol orders", "", _is_said_to_be_over),
    ("Measure glucose now", "Measure glucose again", _GLUCOSE_TOLD),
    (" and check glucose.", ".", _GLUCOSE_TOLD),
    (" on the rash and take the temperature", " on the rash", _has_reading("Temperature")),
    ("Splint, raise and cool", "Support it as it lies", _HAS_HIP),
    ("Catheter as ordered if retained", "Flush or change the catheter as ordered",
     _says(r"\bcatheter")),
    ("Oxygen as the site's target orders; watch the saturation.",
     "Keep the saturation in the patient's own target; too much oxygen can harm.",
     _is_in_low_target),
    ("ECG and monitor for the fast heart rate.",
     "Record an ECG and monitor the rhythm of the heart.", _has_differing_pulse),
    ("ECG and monitor for the slow heart rate.",
     "Record an ECG and monitor the rhythm of the heart.", _has_differing_pulse),
    ("ECG and monitor for the fast heart rate.",
     "Count the pulse again when settled; pain, fear and fever raise it.",
     _is_child_with_a_pulse_a_little_high),
    ("ECG and monitor for the fast heart rate.",
     "Look for why the pulse is fast: pain, fever, fear, blood or fluid loss.",
     _has_pulse_of_another_cause),
    ("ECG and monitor for the slow heart rate.",
     "Count the pulse again and ask whether a slow one is usual.", _has_slow_pulse_of_old),
    ("Small sips or fluids by vein as ordered", "Nothing by mouth; fluids by vein as ordered",
     _must_not_drink),
    ("Pain relief and fluids by mouth as the protocol orders",
     "Pain relief and fluids by vein as ordered", _must_not_drink),
    (", cross-match, pregnancy test", ", cross-match", _needs_no_pregnancy_test),
    ("Pregnancy test, pulse and pressure first", "Watch pulse and pressure for loss of blood",
     _needs_no_pregnancy_test),
    (", ECG and a pregnancy test where it applies", " and ECG", _needs_no_pregnancy_test),
    (" and a pregnancy test where it applies", "", _needs_no_pregnancy_test),
    ("Look for soot, hoarse voice and burnt nasal hair",
     "Judge size, depth and place: face, hands, groin and all round a limb are worse", _NO_FIRE),
    ("; rinse chemicals long", "", _NO_CHEMICAL),
    ("ECG after electricity; burns", "Burns", _NO_CURRENT),
    ("Look for drooling, muffled voice and a stiff jaw",
     "Examine the ear and the bone behind it", _is_not_of_throat),
    ("Examine throat and ears", "Test the hearing on both sides", _is_not_of_throat),
    ("Measure glucose and ketones now; treat what is found as the protocol orders",
     "Blood gas and potassium now; fluids and insulin as the protocol orders",
     _is_glucose_and_ketones_told),
    ("Measure glucose and ketones, blood gas early", "Measure glucose and ketones again",
     _is_glucose_and_ketones_told),
    ("Adrenaline into the muscle now as the protocol orders",
     "Adrenaline into the muscle again as the protocol orders if it is not better",
     _ADRENALINE_GIVEN),
    ("and take the blood pressure", "and what stops the bleeding", _has_reading("Blood pressure")),
)  # fmt: skip

_UNFIT: Final[tuple[tuple[re.Pattern[str], Callable[[Brief], bool]], ...]] = (
    (re.compile(r"\bupright\b"), _must_not_sit),
    (re.compile(r"\b(?:walking|standing|sitting|gait|gentle movement)\b"), _must_not_get_up),
    (re.compile(r"\bchest compressions\b"), _has_pulse),
    (re.compile(r"\bback blows\b"), _is_awake_and_did_not_choke),
    (re.compile(r"\brecovery position\b|^Open the airway and give breaths"), _is_alert),
    (re.compile(r"^Lie flat until\b"), _is_short_of_breath),
    (re.compile(r"\bpregnancy(?! test where)|^Pregnancy test"), cannot_be_pregnant),
    (re.compile(r"^Lie on the left side\b"), _is_early_pregnancy),
    (re.compile(r"^Check whether the seizure has stopped\b"), _is_said_to_be_over),
    (re.compile(r"^Lean forward and pinch\b|^Prepare packing\b"), _is_said_to_be_over),
    (re.compile(r"^Lie flat until\b"), _is_said_to_be_over),
    (re.compile(r"^Open and clear the airway now\b|^Call the airway team\b"), _is_said_to_be_over),
    (re.compile(r"^Open the airway, recovery position\b"), _is_said_to_be_over),
    (re.compile(r"\bbutton battery or magnet as\b"), _is_no_battery),
    (re.compile(r"^Pregnancy test where"), _needs_no_pregnancy_test),
    (re.compile(r"^Sips of cold water\b"), _must_not_drink),
    (re.compile(r"^Adrenaline into the muscle as\b"), _has_anaphylaxis),
    (re.compile(r"\brinse only if a chemical\b|^Test the sight\b"), has_chemical_in_the_eye),
)


def age_years(brief: Brief) -> float | None:
    if brief.line("Age") == UNDER_ONE_YEAR:
        return 0.0
    number, _, unit = brief.line("Age").partition(" ")
    if not number.isdecimal():
        return None
    return int(number) / {"y": 1, "m": 12, "w": 52, "d": 365}.get(unit[:1], 1)
