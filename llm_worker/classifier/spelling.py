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
    "aur": "acute urinary retention", "di": "drug intoxication", "dib": "difficulty breathing", "dm": "diabetes", "doe": "dyspnea on exertion",
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
CAPITALS_ONLY: Final = frozenset({"di", "ha", "loc", "mi", "od", "pe", "si", "ta", "tia"})

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
    "hes": "he is", "shes": "she is", "im": "i am", "ive": "i have", "thats": "that is", "theres": "there is",
    "theyre": "they are", "colour": "color", "spit": "saliva", "wheesing": "wheezing", "wont": "will not", "voming": "vomiting", "fevr": "fever",
}  # fmt: skip

_SPELT_OUT: Final = {
    "can't": "can not",
    "won't": "will not",
    "couldn't": "can not",
    "shan't": "shall not",
}

_PRONOUNS: Final = frozenset(
    {"he", "she", "it", "that", "there", "who", "what", "here", "everything"}
)
_ENDINGS: Final = {"m": "am", "re": "are", "ve": "have", "ll": "will", "d": "had"}
_NUMBERS: Final = {
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70,
    "eighty": 80, "ninety": 90,
}  # fmt: skip
_ONES: Final = {
    "": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
    "eight": 8, "nine": 9,
}  # fmt: skip

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
        "bleach",
        "bleeding",
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
        "convulsing",
        "convulsion",
        "convulsions",
        "crushed",
        "crushing",
        "cyanosed",
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
        "hemoptysis",
        "hemorrhage",
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
        "pregnancy",
        "pregnant",
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
        "swallow",
        "swallowed",
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
        "vomited",
        "vomiting",
        "weakness",
        "wheezing",
        "whistling",
    ]
)
# Common words within reach of a target that are right as they stand.
_PROTECTED: Final = frozenset(
    [
        "abandoned",
        "affects",
        "airways",
        "alerted",
        "allergies",
        "allergy",
        "altered",
        "always",
        "anyway",
        "armrest",
        "armrests",
        "arrested",
        "arrests",
        "aseptic",
        "asthmatic",
        "attach",
        "attaches",
        "attacked",
        "attacks",
        "attract",
        "attracts",
        "awoke",
        "backache",
        "backrest",
        "beneath",
        "bleached",
        "bleating",
        "bleedings",
        "bleeds",
        "bleeping",
        "blending",
        "blessing",
        "blister",
        "blushed",
        "breach",
        "breached",
        "breads",
        "breadth",
        "breast",
        "breasted",
        "breasts",
        "breathable",
        "breathed",
        "breather",
        "breathes",
        "breaths",
        "breathy",
        "breeding",
        "broth",
        "bruising",
        "brushed",
        "chalking",
        "chasing",
        "cheated",
        "checking",
        "cheering",
        "chocking",
        "cocking",
        "coiling",
        "coking",
        "collapses",
        "compression",
        "conclusion",
        "conclusions",
        "conclusive",
        "concussion",
        "concussions",
        "confuse",
        "confuses",
        "congestion",
        "consulting",
        "contusion",
        "conversation",
        "conversations",
        "conversion",
        "conversions",
        "convolving",
        "convulsive",
        "cracked",
        "crashed",
        "crashes",
        "crashing",
        "cruising",
        "crush",
        "crusher",
        "crushers",
        "crushes",
        "dedication",
        "dental",
        "depression",
        "diabetes",
        "digest",
        "digestion",
        "diverse",
        "diversity",
        "dizziest",
        "dizzily",
        "dramatic",
        "dripping",
        "drooling",
        "dropping",
        "drowning",
        "dwelling",
        "earache",
        "expression",
        "factored",
        "facture",
        "faint",
        "fainting",
        "faints",
        "fasting",
        "faulted",
        "feinting",
        "founded",
        "fractures",
        "fracturing",
        "frosted",
        "gaping",
        "gasping",
        "grasping",
        "gripping",
        "headaches",
        "headachy",
        "headrest",
        "heart",
        "hearts",
        "hyperglycemia",
        "hypertension",
        "hypertensive",
        "impression",
        "indigestion",
        "ingestion",
        "injection",
        "injections",
        "injure",
        "injured",
        "injures",
        "injuries",
        "intention",
        "invention",
        "juggling",
        "kidding",
        "kidneys",
        "kindly",
        "lacerations",
        "lateral",
        "lethal",
        "lethargy",
        "letterings",
        "measure",
        "mediation",
        "medical",
        "medications",
        "medicine",
        "medicines",
        "meditation",
        "mentally",
        "mention",
        "metal",
        "numbered",
        "numbers",
        "overdoses",
        "painting",
        "paralyzing",
        "peeing",
        "plasters",
        "pleasure",
        "portion",
        "pregnancies",
        "prescriptions",
        "presence",
        "present",
        "pressed",
        "pressing",
        "pressured",
        "pressures",
        "preventing",
        "prevention",
        "procure",
        "produce",
        "rental",
        "rizzier",
        "rushed",
        "sainted",
        "scabbed",
        "scepter",
        "screech",
        "season",
        "sedation",
        "seeing",
        "seized",
        "seizes",
        "seizing",
        "selling",
        "sepals",
        "septal",
        "septum",
        "shallow",
        "shallower",
        "shelling",
        "shirtless",
        "shorten",
        "shortly",
        "shoulders",
        "sickness",
        "sizing",
        "skeptic",
        "slabbed",
        "sloping",
        "slurped",
        "slurring",
        "smelling",
        "smoke",
        "smolder",
        "smoulder",
        "smuggling",
        "snubbed",
        "softness",
        "soldier",
        "speeches",
        "spelling",
        "spoke",
        "sprained",
        "stab",
        "stabbing",
        "stable",
        "stacked",
        "staked",
        "starling",
        "starred",
        "startling",
        "station",
        "stirring",
        "stoke",
        "stopping",
        "straggling",
        "strained",
        "straying",
        "strike",
        "strikes",
        "string",
        "stroke",
        "stroked",
        "strokes",
        "stroller",
        "struggled",
        "stubbed",
        "styptic",
        "sudden",
        "suddenly",
        "suddenness",
        "suicides",
        "swallowing",
        "swallows",
        "sweating",
        "sweeping",
        "swelled",
        "swilling",
        "swollen",
        "swooning",
        "syncopated",
        "tainting",
        "tension",
        "thread",
        "threat",
        "threats",
        "throats",
        "throws",
        "toothache",
        "tortion",
        "trauma",
        "traumas",
        "treasure",
        "vacation",
        "voiding",
        "vomits",
        "weaken",
        "weakening",
        "weakens",
        "weaknesses",
        "wealth",
        "weekends",
        "welling",
        "wheeling",
        "wheels",
        "wheeze",
        "whistle",
        "whistled",
        "whittling",
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
    if "'" in word:
        return _apart(word)
    if word in _NUMBERS or word.split("-")[0] in _NUMBERS:
        return _in_digits(word)
    for pattern, plain in _BRITISH:
        word = pattern.sub(plain, word)
    if word in _TARGETS or word in _PROTECTED or len(word) < _MIN_LETTERS or not word.isalpha():
        return word
    return _nearest_target(word)


def _apart(word: str) -> str:
    """Contractions in full: "he's" as "he is", "isn't" as "is not"; possessives stay."""
    if word.endswith("n't"):
        return _SPELT_OUT.get(word, word[:-3] + " not")
    stem, _, ending = word.partition("'")
    if ending == "s":
        return f"{stem} is" if stem in _PRONOUNS else word
    return f"{stem} {_ENDINGS[ending]}" if ending in _ENDINGS else word


def _in_digits(word: str) -> str:
    """Tens in digits: "thirty-five" as "35". Smaller numbers stay words, as people read them."""
    tens, _, ones = word.partition("-")
    if ones not in _ONES:
        return word
    return str(_NUMBERS[tens] + _ONES[ones])


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
