"""The lines of the recommendation, and which of them fit a case. Pure but for reading them.

The lines for a complaint are those that the embedded model has learned; they are kept beside its
weights. A line that the facts of the case speak against is left out: nobody with a low blood
pressure is asked to sit upright or to stand, and no chest is compressed where a pulse was measured.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from scheduling.core.brief import Brief

LINES_FILE: Final = "lines.json"
_FOLDER: Final = Path(__file__).parents[2] / "models" / "embedded"
_TODDLER_YEARS: Final = 2.0
_MENARCHE_YEARS: Final = 9.0
_MENOPAUSE_YEARS: Final = 60.0
_CHEMICAL_IN_EYE: Final = "chemical in the eye"
_BASIC_BREATHING: Final = "Look at the work of breathing and listen to the chest."
# Label in the brief, action where the vital sign is low, action where it is high.
_VITAL_ACTIONS: Final = (
    ("Oxygen saturation", "Oxygen as the site's target orders; watch the saturation.", ""),
    ("Respiratory rate", "Support breathing and call the airway team if it slows.",
     "Sit upright and look at the work of breathing."),
    ("Blood pressure",
     "Lie flat if breathing allows, venous access, bloods and fluids as the doctor orders.",
     "Repeat the blood pressure on the other arm."),
    ("Heart rate", "ECG and monitor for the slow heart rate.",
     "ECG and monitor for the fast heart rate."),
    ("Temperature", "Warm gently and measure a core temperature.",
     "Screen for sepsis and look for the source of the fever."),
    ("Pain", "", "Treat the pain early and score it again."),
)  # fmt: skip
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


@cache
def learned() -> Mapping[str, Mapping[str, Any]]:
    """Complaint -> `causes` (a phrase) and `actions` (lines without a full stop)."""
    text = (_FOLDER / LINES_FILE).read_text(encoding="utf-8")
    found: dict[str, dict[str, Any]] = json.loads(text)
    return found


def known_complaint(brief: Brief) -> str:
    """The complaint of the brief where the model has learned it; otherwise empty."""
    name = brief.line("Complaint")
    return name if name in learned() else ""


def causes(brief: Brief) -> str:
    """What to think of, or empty."""
    complaint = known_complaint(brief)
    return _for_patient(learned()[complaint]["causes"], brief) if complaint else ""


def complaint_actions(brief: Brief, beside: list[str]) -> tuple[str, ...]:
    """Actions for the complaint that fit the case and say another thing than those `beside`."""
    complaint = known_complaint(brief)
    if not complaint:
        return ()
    said = any("upright" in line for line in beside)
    return tuple(
        _for_patient(line, brief)
        for line in learned()[complaint]["actions"]
        if _fits(line, brief) and not (said and "upright" in line)
    )


def _for_patient(line: str, brief: Brief) -> str:
    """Without a pregnancy that is left open where there can be none."""
    return _LEFT_OPEN.sub(r" and \1", line) if _cannot_be_pregnant(brief) else line


def vital_actions(brief: Brief) -> list[str]:
    """Actions that the vital signs ask for, those far from usual first."""
    out = ["Repeat by hand what could not be measured."] if brief.unmeasurable else []
    if _has_chemical_in_the_eye(brief):  # every minute counts, before any measurement
        out.append("Rinse the eye with much water now; take out a contact lens.")
    if brief.line("Consciousness") in CONSCIOUSNESS_SIGN:
        out.append("Protect the airway and check glucose.")
    found = [
        (not band.startswith("very"), _fitting(line, brief))
        for label, low, high in _VITAL_ACTIONS
        for band in [_band(brief, label)]
        for line in [low if band.endswith("low") else high if band.endswith("high") else ""]
        if line
    ]
    return [*out, *(line for _, line in sorted(found, key=lambda one: one[0]))]


def _band(brief: Brief, label: str) -> str:
    bands = {reading.label: reading.band for reading in brief.readings}
    return bands.get(label) or bands.get(f"Systolic {label.lower()}", "")


def _fitting(line: str, brief: Brief) -> str:
    return line if _fits(line, brief) else _BASIC_BREATHING


def _fits(line: str, brief: Brief) -> bool:
    return not any(words.search(line) and is_so(brief) for words, is_so in _UNFIT)


def _must_not_sit(brief: Brief) -> bool:
    """Low pressure, not alert, possibly hurt spine, or too young to sit."""
    age = age_years(brief)
    return (
        _band(brief, "Blood pressure").endswith("low")
        or brief.line("Consciousness") in CONSCIOUSNESS_SIGN
        or brief.line("Injury") == "yes"
        or (age is not None and age < _TODDLER_YEARS)
    )


def _must_not_get_up(brief: Brief) -> bool:
    """Level 0, low pressure, not alert, or very short of breath."""
    return (
        brief.priority == 0
        or _band(brief, "Blood pressure").endswith("low")
        or brief.line("Consciousness") in CONSCIOUSNESS_SIGN
        or _band(brief, "Oxygen saturation") == "very low"
        or _band(brief, "Respiratory rate") == "very high"
    )


def _has_pulse(brief: Brief) -> bool:
    """Heart rate and blood pressure were both measured, or somebody who is awake was seen."""
    labels = {reading.label for reading in brief.readings}
    measured = "Heart rate" in labels and any("lood pressure" in label for label in labels)
    return measured or brief.line("Consciousness") in _AWAKE


def _is_awake_and_did_not_choke(brief: Brief) -> bool:
    return brief.line("Consciousness") in _AWAKE and not _CHOKED.search(brief.words)


def _is_short_of_breath(brief: Brief) -> bool:
    return _band(brief, "Respiratory rate").endswith("high") or _band(
        brief, "Oxygen saturation"
    ).endswith("low")


def _cannot_be_pregnant(brief: Brief) -> bool:
    age = age_years(brief)
    too_young_or_old = age is not None and not _MENARCHE_YEARS <= age < _MENOPAUSE_YEARS
    return brief.line("Sex") == "male" or too_young_or_old


def _has_chemical_in_the_eye(brief: Brief) -> bool:
    return _CHEMICAL_IN_EYE in brief.danger_signs


_UNFIT: Final[tuple[tuple[re.Pattern[str], Callable[[Brief], bool]], ...]] = (
    (re.compile(r"\bupright\b"), _must_not_sit),
    (re.compile(r"\b(?:walking|standing|sitting|gait|gentle movement)\b"), _must_not_get_up),
    (re.compile(r"\bchest compressions\b"), _has_pulse),
    (re.compile(r"\bback blows\b"), _is_awake_and_did_not_choke),
    (re.compile(r"^Lie flat until\b"), _is_short_of_breath),
    (re.compile(r"\bpregnancy(?! test where)|^Pregnancy test"), _cannot_be_pregnant),
    (re.compile(r"\brinse only if a chemical\b|^Test the sight\b"), _has_chemical_in_the_eye),
)


def age_years(brief: Brief) -> float | None:
    number, _, unit = brief.line("Age").partition(" ")
    if not number.isdecimal():
        return None
    return int(number) / {"y": 1, "m": 12, "w": 52, "d": 365}.get(unit[:1], 1)
