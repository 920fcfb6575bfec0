"""The presenting complaint in a few words, from what rules and complaint groups found. Pure.

It goes into the brief of the language model, which then need not guess it. A rule that fired
says more than a group, a more urgent one more than a less urgent one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from triage_site.triage.model.concepts import CONCEPTS

CHILD_YEARS: Final = 12.0
INFANT_YEARS: Final = 1.0

_CODES: Final[dict[str, str]] = {
    "cardiac arrest": "T0-ARREST L0-RESUSCITATION T0-NOT-BREATHING L0-HARDLY-BREATHES arrest",
    "choking or airway trouble": "T0-AIRWAY L0-CHOKING L0-BURNED-AIRWAY L1-STRANGLED",
    "seizure": "T0-SEIZING L0-STILL-FITTING T2-SEIZURE L1-SEIZURE-ALARM L2-FIT-OVER seizure",
    "allergic reaction": (
        "T0-ANAPHYLAXIS T0-ALLERGY-ABC L0-ALLERGY-AIRWAY L1-ALLERGY-SPREADING allergy"
    ),
    "major bleeding": "T0-BLEEDING L0-SPURTING T1-BLEEDING-WONT-STOP L1-BLEEDS-ON",
    "heat, cold or drowning": "T0-HANGING-DROWNING L1-ELECTRIC-DROWN",
    "pregnancy problem": (
        "T0-CORD L0-CORD-LAY T1-ECTOPIC T1-ECTOPIC-NAMED T1-PREGNANCY-LATE T1-BIRTH "
        "L1-ECTOPIC-LAY L1-PREGNANCY-LATE-LAY L1-BIRTH-LAY L1-AFTER-BIRTH L2-PREGNANT-ILL "
        "pregnancy"
    ),
    "unwell infant": (
        "L0-NEWBORN T1-INFANT-DANGER L1-LIMP-CHILD T1-FEVER-INFANT "
        "T1-FEVER-INFANT-TEXT L1-BABY-FEVER-LAY"
    ),
    "chest pain": "T1-CHEST-PAIN L1-HEART L1-CHEST-WORDS T2-CHEST-YOUNG chest_pain chest_wall",
    "possible stroke": (
        "T1-STROKE L1-STROKE-SPEECH L1-STROKE-LIMB stroke_sign facial_palsy numbness"
    ),
    "headache": "T1-HEADACHE-ALARM L1-HEADACHE-LAY L2-MIGRAINE headache",
    "new confusion": "T1-CONFUSION L1-NOT-HERSELF L1-FELL-CONFUSED mental_change",
    "fainting": "T1-SYNCOPE-ALARM T1-SYNCOPE-OLD T2-FAINT L1-FAINT-ALARM syncope low_pressure",
    "breathlessness": (
        "T1-BREATHLESS-SEVERE T2-BREATHLESS L0-TIRING L0-FROTH L1-BREATH-WORDS L1-CLOT-LUNG "
        "breathless hyperventilation"
    ),
    "asthma or wheeze": "L1-PUFFER-FAILS",
    "breathing trouble in a child": "T1-CHILD-BREATHING L1-CHILD-BREATH-LAY L2-CROUP",
    "rectal bleeding or black stool": "T1-GI-BLEED-DIZZY L1-GUT-BLEED T2-GI-BLEED gi_bleed",
    "vomiting blood": "T1-HEMATEMESIS L1-VOMITS-BLOOD hematemesis",
    "overdose or poisoning": (
        "T1-OVERDOSE L0-OPIOID L1-OVERDOSE-LAY L1-CARBON-MONOXIDE L1-SWALLOWED"
    ),
    "suicidal thoughts or self-harm": "T1-SUICIDE L1-SUICIDE-LAY suicidal",
    "possible sepsis": (
        "T1-SEPSIS L1-SEPSIS-LAY T1-MENINGISM T1-MENINGITIS L1-MENINGISM-LAY T1-RASH-FEVER "
        "T1-FEVER-IMMUNE L1-IMMUNE-LAY"
    ),
    "testicular pain": "T1-TORSION L1-TORSION-LAY testis",
    "burn": "T1-BURN L1-BURN-LAY L2-BURN-MODERATE burn",
    "eye problem": "T1-EYE-CHEMICAL L1-EYE-PIERCED L1-VISION-GONE eye vision eye_injury",
    "limb injury": (
        "T1-LIMB L1-LIMB-LAY L1-BONE-GRINDS T2-FRACTURE L2-BENT L2-HIP-LAY L1-CRUSHED "
        "limb_injury hip_fracture deformity"
    ),
    "road traffic collision": "L1-CRASH L1-MANY-HURT",
    "stab or gunshot wound": "L1-PENETRATING",
    "fall": "L1-FALL-HEIGHT",
    "head injury": "T1-HEAD-INJURY L1-HEAD-ALARM L2-HEAD-KNOCK L0-TRAUMA-COMA head_injury",
    "high blood sugar": "T1-DKA T1-DKA-BREATH L1-DKA-LAY L2-SUGAR sugar",
    "abdominal pain": (
        "T1-AORTA L1-AORTA-LAY T2-APPENDIX L1-ABDOMEN-ALARM L2-BELLY L2-TESTIS-PELVIS abdominal "
        "epigastric right_lower right_upper distension constipation"
    ),
    "agitation or psychosis": "T1-VIOLENT L1-PSYCHOSIS T2-PSYCH psych",
    "anxiety or panic": "L2-MIND",
    "alcohol or drug intoxication": "L1-WITHDRAWAL intoxication alcohol",
    "assault": "T2-ASSAULT assault",
    "coughing blood": "T2-HEMOPTYSIS hemoptysis",
    "palpitations": "T2-PALPITATION L1-FAST-HEART L1-ICD-PACER palpitation",
    "flank pain": "T2-RETENTION-KIDNEY L2-COLIC flank",
    "abscess or skin infection": "T2-DEEP-INFECTION L2-SPREADING L1-FLESH",
    "leg swelling or pain": "T2-DVT L2-CLOT-LEG leg",
    "vomiting or diarrhoea": "T2-DEHYDRATED L2-DRY L1-CHILD-DRY vomiting diarrhea",
    "urinary symptoms": "L2-RETENTION-LAY urinary retention hematuria",
    "back pain": "L1-CORD-ROOTS L1-SPINE back",
    "dizziness": "L2-SPINNING dizziness",
    "foreign body": "L2-COIN foreign_body foreign_body_ingested",
    "cough and cold symptoms": "L2-CHEST-INFECTION cough cold_flu",
    "fever": "L2-LONG-FEVER L1-TROPICAL fever",
    "vaginal bleeding": "vaginal_bleeding",
    "general weakness": "weakness",
    "nosebleed": "epistaxis",
    "ear, nose or throat problem": "ear sore_throat hearing_loss",
    "cut or wound": "open_wound needs_stitches face_injury",
    "joint or limb pain without injury": "joint_swelling shoulder_arm myalgia neck",
    "skin rash": "rash",
    "toothache or mouth problem": "dental",
    "high blood pressure reading": "high_pressure",
    "paperwork or medicine request": "admin",
}
_LABELS: Final = {code: label for label, codes in _CODES.items() for code in codes.split()}
_GROUP_LEVELS: Final = {concept.code: concept.level for concept in CONCEPTS}
_OF_CHILDREN: Final = {
    "fever": "fever or illness in a child",
    "breathlessness": "breathing trouble in a child",
}


def complaint(rules: Iterable[str], groups: Iterable[str], age_years: float | None) -> str | None:
    """The words for the complaint, None when nothing was found that names one.

    `rules` are codes of rules that fired on the text, the most urgent first; `groups` codes of
    complaint groups in any order.
    """
    by_urgency = sorted(groups, key=lambda code: (_GROUP_LEVELS.get(code, 5.0), code))
    found = [_LABELS[code] for code in (*rules, *by_urgency) if code in _LABELS]
    label = found[0] if found else None
    if age_years is None or age_years >= CHILD_YEARS:
        return label
    if label is None:
        return "unwell infant" if age_years < INFANT_YEARS else None
    return _OF_CHILDREN.get(label, label)


def labels() -> frozenset[str]:
    """Every answer that `complaint` can give."""
    return frozenset(_CODES) | frozenset(_OF_CHILDREN.values()) | {"unwell infant"}
