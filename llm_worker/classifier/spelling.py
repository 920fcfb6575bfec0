# ruff: noqa: E501
"""Words of a note brought to one spelling: abbreviations, British forms, common slips. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

# One token of shorthand -> the words it stands for.
ABBREVIATIONS: Final[Mapping[str, str]] = {
    "abd": "abdominal", "abdo": "abdominal", "abdomen": "abdomen", "afib": "atrial fibrillation",
    "aloc": "altered mental status", "alterd": "altered", "ams": "altered mental status",
    "ant": "anterior", "approx": "about", "b/l": "bilateral", "bilat": "bilateral",
    "bp": "blood pressure", "brbpr": "rectal bleeding", "bst": "blood sugar", "bsl": "blood sugar",
    "c/o": "complains of", "cp": "chest pain", "cva": "stroke", "d/t": "due to",
    "dib": "difficulty breathing", "dm": "diabetes", "doe": "dyspnea on exertion",
    "dx": "diagnosis", "dyspnoeic": "dyspneic", "dz": "dizziness", "ekg": "ecg",
    "etoh": "alcohol", "f/c": "fever chills", "fb": "foreign body", "fh": "family history",
    "fhx": "family history", "fx": "fracture", "g/w": "general weakness", "gsw": "gunshot wound",
    "h/a": "headache", "h/o": "history of", "ha": "headache", "htn": "hypertension",
    "hx": "history", "inj": "injury", "k/c/o": "known", "l/e": "leg", "lac": "laceration",
    "lbp": "low back pain", "llq": "left lower quadrant", "loc": "loss of consciousness",
    "lt": "left", "luq": "left upper quadrant", "meds": "medication", "mi": "heart attack",
    "mod": "moderate", "mva": "traffic accident", "mvc": "traffic accident", "n/v": "nausea vomiting",
    "n/v/d": "nausea vomiting diarrhea", "neg": "negative", "nkda": "", "od": "overdose",
    "p/w": "presents with", "palp": "palpitation", "pe": "pulmonary embolism",
    "pmh": "past medical history", "pmhx": "past medical history", "post-op": "postoperative",
    "ppt": "precipitated", "pt": "patient", "pts": "patients", "r/o": "rule out",
    "rlq": "right lower quadrant", "rt": "right", "rta": "traffic accident",
    "ruq": "right upper quadrant", "rx": "prescription", "s/p": "status post",
    "sah": "subarachnoid hemorrhage", "si": "suicidal ideation", "sob": "shortness of breath",
    "ta": "traffic accident", "tia": "stroke", "unconsc": "unconscious", "uri": "upper respiratory infection",
    "urti": "upper respiratory infection", "uti": "urinary tract infection", "w/": "with",
    "w/o": "without", "x-ray": "xray", "y/o": "year old", "yo": "year old", "yr": "year", "yrs": "years",
    "min": "minutes", "mins": "minutes", "hrs": "hours", "wks": "weeks",
    "rr": "respiratory rate", "temp": "temperature", "sats": "oxygen saturation",
    "sat": "sat", "spo2": "oxygen saturation", "o2": "oxygen", "mum": "mother", "mom": "mother",
    "mommy": "mother", "mummy": "mother", "dad": "father", "daddy": "father",
}  # fmt: skip

# Also ordinary words, in English or in Spanish: shorthand only when written in capitals.
CAPITALS_ONLY: Final = frozenset({"ha", "loc", "mi", "od", "pe", "si", "ta", "tia"})

# Slips that the general rule below does not reach.
_SLIPS: Final[Mapping[str, str]] = {
    "accross": "across", "alergic": "allergic", "alergy": "allergy", "asma": "asthma",
    "astma": "asthma", "bleading": "bleeding", "breathe": "breathe", "breatheing": "breathing",
    "brething": "breathing", "breth": "breath", "cant": "can not", "cannot": "can not",
    "ches": "chest", "chets": "chest", "chset": "chest", "hcest": "chest", "cheast": "chest", "concious": "conscious",
    "conciousness": "consciousness", "couldnt": "can not", "couldn't": "can not", "decerased": "decreased",
    "diarrea": "diarrhea", "diarrhea": "diarrhea", "diarhea": "diarrhea", "didnt": "did not",
    "doesnt": "does not", "dont": "do not", "dyspena": "dyspnea", "dysnea": "dyspnea",
    "faning": "fainting", "hasnt": "has not", "havent": "have not", "headach": "headache",
    "isnt": "is not", "numbnes": "numbness", "overdoes": "overdose", "pian": "pain", "paine": "pain",
    "rigth": "right", "seizre": "seizure", "sezure": "seizure", "siezure": "seizure",
    "seziure": "seizure", "sorethroat": "sore throat", "stomache": "stomach", "stomack": "stomach",
    "strok": "stroke", "storke": "stroke", "suiside": "suicide", "toothache": "toothache",
    "tummy": "abdomen", "belly": "abdomen", "stomach": "stomach", "unconcious": "unconscious",
    "uncontious": "unconscious", "vomitting": "vomiting", "vomitted": "vomited", "wasnt": "was not",
    "wheesing": "wheezing", "wont": "will not", "voming": "vomiting", "fevr": "fever",
}  # fmt: skip

_SPELT_OUT: Final = {
    "can't": "can not",
    "won't": "will not",
    "couldn't": "can not",
    "shan't": "shall not",
}

# Words worth rescuing from a slip of one letter (two letters from nine on).
_TARGETS: Final = frozenset(
    [
        "abdomen",
        "abdominal",
        "airway",
        "allergic",
        "altered",
        "anaphylaxis",
        "antifreeze",
        "arrest",
        "asthma",
        "attack",
        "awake",
        "bleeding",
        "bleach",
        "breath",
        "breathe",
        "breathing",
        "breathless",
        "chemotherapy",
        "choking",
        "clammy",
        "collapse",
        "collapsed",
        "collision",
        "confused",
        "confusion",
        "conscious",
        "consciousness",
        "convulsion",
        "convulsions",
        "convulsing",
        "cyanosed",
        "crushed",
        "crushing",
        "diabetic",
        "diarrhea",
        "difficulty",
        "dizziness",
        "dizzy",
        "drooping",
        "drowning",
        "drowsy",
        "dysarthria",
        "dyspnea",
        "ectopic",
        "electrocuted",
        "epistaxis",
        "exertion",
        "fainted",
        "fainting",
        "fracture",
        "fractured",
        "gasping",
        "headache",
        "hematemesis",
        "hematuria",
        "hemorrhage",
        "hemoptysis",
        "hypoglycemia",
        "hypotension",
        "ingestion",
        "injury",
        "intoxication",
        "kidney",
        "laceration",
        "lethargic",
        "medication",
        "melena",
        "meningitis",
        "mental",
        "numbness",
        "overdose",
        "overdosed",
        "palpitation",
        "palpitations",
        "paralysis",
        "paralyzed",
        "penetrating",
        "poisoned",
        "poisoning",
        "pregnant",
        "pregnancy",
        "prescription",
        "pressure",
        "pulseless",
        "purpura",
        "scrotal",
        "seizing",
        "seizure",
        "seizures",
        "sepsis",
        "septic",
        "shortness",
        "shoulder",
        "slurred",
        "speech",
        "stabbed",
        "stridor",
        "stroke",
        "struggling",
        "sudden",
        "suddenly",
        "suicidal",
        "suicide",
        "swallowed",
        "swallow",
        "swelling",
        "swollen",
        "syncope",
        "testicle",
        "testicular",
        "throat",
        "thunderclap",
        "torsion",
        "trauma",
        "unconscious",
        "unresponsive",
        "urination",
        "vaginal",
        "vomiting",
        "vomited",
        "weakness",
        "wheezing",
        "whistling",
    ]
)
# Common words within reach of a target that are right as they stand.
_PROTECTED: Final = frozenset(
    [
        "affects",
        "allergies",
        "allergy",
        "attach",
        "attacks",
        "attract",
        "awoke",
        "bleedings",
        "bleeds",
        "breadth",
        "breaths",
        "cheated",
        "chocking",
        "collapses",
        "confuse",
        "confuses",
        "crashing",
        "crush",
        "crusher",
        "crushes",
        "diabetes",
        "dizzily",
        "faint",
        "fracturing",
        "fractures",
        "headaches",
        "injure",
        "injured",
        "injures",
        "injuries",
        "lacerations",
        "medical",
        "mentally",
        "metal",
        "overdoses",
        "pressured",
        "pressures",
        "pregnancies",
        "prescriptions",
        "rental",
        "dental",
        "septal",
        "scepter",
        "seizes",
        "shorten",
        "stab",
        "stable",
        "staked",
        "shoulders",
        "smoke",
        "spoke",
        "stoke",
        "strike",
        "strikes",
        "stroked",
        "strokes",
        "sweating",
        "smelling",
        "spelling",
        "dwelling",
        "suddenness",
        "swallows",
        "throats",
        "wheeze",
        "weaknesses",
        "screech",
        "speeches",
        "prevention",
        "preventing",
        "presence",
        "present",
        "pleasure",
        "treasure",
        "measure",
        "breathed",
        "breather",
        "breathes",
        "breathable",
        "broth",
        "wealth",
        "beneath",
        "heart",
        "hearts",
        "arrests",
        "arrested",
        "attacked",
        "abandoned",
        "trauma",
        "traumas",
        "strokes",
        "contusion",
        "conclusion",
        "conclusive",
        "convulsive",
        "depression",
        "impression",
        "expression",
        "compression",
        "invention",
        "station",
        "vacation",
        "intention",
        "medications",
        "dedication",
        "meditation",
    ]
)
_BY_LETTER: Final[Mapping[str, tuple[str, ...]]] = {
    letter: tuple(sorted(word for word in _TARGETS if word[0] == letter))
    for letter in {word[0] for word in _TARGETS}
}
_BRITISH: Final = (
    (re.compile("haem"), "hem"), (re.compile("oea"), "ea"), (re.compile("^oe(?=dema|soph|strog)"), "e"),
    (re.compile("foet"), "fet"), (re.compile("paed"), "ped"), (re.compile("anaem"), "anem"),
    (re.compile("(?<=[dl])yse(?=[ds]|$)"), "yze"), (re.compile("glycaem"), "glycem"),
    (re.compile("tumour"), "tumor"), (re.compile("colour"), "color"),
)  # fmt: skip
_MIN_LETTERS: Final = 6
_LETTERS_FOR_TWO: Final = 10


@lru_cache(maxsize=20_000)
def standard_form(word: str) -> str:
    """The spelling that patterns are written in; may be several words, or none."""
    if word in ABBREVIATIONS and word not in CAPITALS_ONLY:
        return ABBREVIATIONS[word]
    if word in _SLIPS:
        return _SLIPS[word]
    if word.endswith("n't"):
        return _SPELT_OUT.get(word, word[:-3] + " not")
    for pattern, plain in _BRITISH:
        word = pattern.sub(plain, word)
    if word in _TARGETS or word in _PROTECTED or len(word) < _MIN_LETTERS or not word.isalpha():
        return word
    return _nearest_target(word)


def _nearest_target(word: str) -> str:
    for target in _BY_LETTER.get(word[0], ()):
        allowed = 2 if min(len(word), len(target)) >= _LETTERS_FOR_TWO else 1
        if abs(len(word) - len(target)) > allowed or _is_inflection(word, target):
            continue
        if _within(word, target, allowed):
            return target
    return word


def _is_inflection(word: str, target: str) -> bool:
    """Endings carry meaning ("bleeds", "fainter"): only slips inside the stem are mended."""
    shared = min(len(word), len(target)) - 2
    return word[:shared] == target[:shared] and word[-2:] != target[-2:]


def _within(left: str, right: str, allowed: int) -> bool:
    """Whether the optimal string alignment distance is at most `allowed`."""
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        before, previous, row = row, before, [i]
        for j, b in enumerate(right, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, previous[j - 2] + 1)
            row.append(cost)
        if min(row) > allowed:
            return False
    return row[-1] <= allowed
