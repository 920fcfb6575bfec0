"""The reasons for a level in words for people: stored ones and those of a preview. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from triage_site.triage.types import CONTRADICTION

_OF_DISAGREEMENT: Final = "differs"  # the note from the form
KIND_WORDS: Final = {"rule": "sign", "word": "words", "vital": "vital sign", "model": "patient"}
# Complaint groups whose code is no word that people use.
GROUP_WORDS: Final = {
    "abdominal": "abdominal pain",
    "admin": "form, prescription or follow-up",
    "advice": "asks for advice",
    "arrest": "cardiac arrest",
    "back": "back pain",
    "breathless": "breathlessness",
    "chest_wall": "chest wall pain",
    "chronic": "long-standing",
    "cold_flu": "cold or flu",
    "deformity": "deformed or useless limb",
    "dental": "tooth or mouth problem",
    "device": "tube, line or device",
    "distension": "swollen abdomen",
    "ear": "ear problem",
    "epigastric": "upper abdominal pain",
    "epistaxis": "nosebleed",
    "eye": "eye problem",
    "facial_palsy": "facial weakness",
    "flank": "flank pain",
    "foreign_body_ingested": "swallowed object",
    "gi_bleed": "bleeding from the bowel",
    "hematemesis": "vomiting blood",
    "hematuria": "blood in the urine",
    "hemoptysis": "coughing up blood",
    "high_pressure": "high blood pressure",
    "hyperventilation": "overbreathing or panic",
    "intoxication": "poisoning or overdose",
    "joint_swelling": "swollen joint or limb",
    "lab_result": "laboratory result",
    "leg": "leg pain",
    "low_pressure": "low blood pressure",
    "mental_change": "confusion or drowsiness",
    "multi_trauma": "serious accident",
    "myalgia": "aching muscles",
    "neck": "neck pain",
    "needs_stitches": "wound that may need stitches",
    "palpitation": "palpitations",
    "pregnancy": "pregnancy problem",
    "procedure": "planned procedure",
    "psych": "mental health",
    "rash": "rash or itch",
    "resolved": "over or nearly over",
    "retention": "cannot pass urine",
    "right_lower": "pain in the right lower abdomen",
    "right_upper": "pain in the right upper abdomen",
    "shoulder_arm": "shoulder or arm pain",
    "sore_minor": "minor skin complaint",
    "stroke_sign": "sign of a stroke",
    "sudden": "sudden start",
    "sugar": "blood sugar",
    "suicidal": "self-harm or suicide",
    "swelling": "swelling or lump",
    "syncope": "fainting",
    "testis": "testicle or penis",
    "urinary": "urinary or genital complaint",
    "vision": "eyesight",
    "well": "otherwise well",
    "worsening": "getting worse",
}
# A sign and a figure of the model that say the same have the same words.
FIGURE_WORDS: Final = {
    "vital:a-vital-sign-that-could-not-be-measured": "vital sign could not be measured",
}
_GROUP: Final = "word:"  # how the code of a reason begins that names a group


def reasons_shown(reasons: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Returns the reasons with `text` and `kind_words` for people, and the size of a weight as a
    number of levels in words."""
    return [
        {
            **reason,
            "text": reason_text(str(reason["code"]), str(reason["text"])),
            "kind_words": _kind_words(str(reason["code"]), str(reason["kind"])),
            "weight_size": _weight_text(abs(reason.get("weight") or 0.0)),
        }
        for reason in reasons
    ]


def _kind_words(code: str, kind: str) -> str:
    return _OF_DISAGREEMENT if code == CONTRADICTION else KIND_WORDS.get(kind, "")


def reason_text(code: str, text: str) -> str:
    if code.startswith(_GROUP):
        return GROUP_WORDS.get(code.removeprefix(_GROUP), text)
    return FIGURE_WORDS.get(code, text)


def _weight_text(size: float) -> str:
    return f"{size:.1f} of a level" if size < 0.95 else f"{size:.1f} levels"
