"""The lines of the recommendation, and which of them fit a case. Pure but for reading them.

The lines for a complaint are those that the embedded model has learned; they are kept beside its
weights. Those for a danger sign are in `sign_lines.toml`. What the facts of the case speak against
is left out or said otherwise (`sbar_fit`).
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from llm_worker.engine.local.sbar_fit import (
    band,
    differing,
    fits,
    for_patient,
    has_chemical_in_the_eye,
    has_exchanged_rates,
    has_sign,
    is_not_alert,
    without_known,
)
from llm_worker.engine.local.sbar_questions import without_answered
from scheduling.core.brief import CHECK_LABEL, Brief

LINES_FILE: Final = "lines.json"
_FOLDER: Final = Path(__file__).parents[2] / "models" / "embedded"
# A complaint without lines of its own that needs those of another one.
_LINES_OF: Final = {"blocked catheter": "urinary symptoms"}
_MOST_SIGN_ACTIONS: Final = 2
_SEPSIS: Final = "possible sepsis"
# Where one line says it, no other one does.
_SAID_ONCE: Final = ("upright", "ecord an ECG", "welve-lead ECG")
_WEAK_DEFENCE: Final = "fever with weak immune defence"
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


@cache
def learned() -> Mapping[str, Mapping[str, Any]]:
    """Complaint -> `causes` (a phrase) and `actions` (lines without a full stop)."""
    text = (_FOLDER / LINES_FILE).read_text(encoding="utf-8")
    found: dict[str, dict[str, Any]] = json.loads(text)
    return found


def known_complaint(brief: Brief) -> str:
    """The complaint of the brief where the model has learned it; otherwise empty."""
    name = brief.line("Complaint")
    name = _LINES_OF.get(name, name)
    return name if name in learned() else ""


def causes(brief: Brief) -> str:
    """What to think of, or empty."""
    complaint = known_complaint(brief)
    return for_patient(learned()[complaint]["causes"], brief) if complaint else ""


def complaint_actions(brief: Brief, beside: list[str]) -> tuple[str, ...]:
    """Actions for the complaint that fit the case and say another thing than those `beside`."""
    complaint = known_complaint(brief)
    if not complaint:
        return ()
    return tuple(_that_fit(learned()[complaint]["actions"], brief, beside))


def sign_actions(brief: Brief, beside: list[str]) -> list[str]:
    """What the danger signs ask for first, the most urgent ones before others. Not for a sign that
    only the note has where the form says otherwise."""
    complaint = known_complaint(brief)
    found: list[str] = []
    for sign in brief.danger_signs:
        rows = sign_lines().get(sign, ())
        row = next((row for row in rows if row.is_for(brief.words)), None)
        if row and not (complaint and row.said_by == complaint):
            found += [f"{line}." for line in _that_fit([row.action], brief, [*beside, *found])]
    return found[:_MOST_SIGN_ACTIONS]


def _that_fit(lines: Sequence[str], brief: Brief, beside: list[str]) -> Iterator[str]:
    said = [word for word in _SAID_ONCE if any(word in line for line in beside)]
    for line in lines:
        if fits(line, brief) and not any(word in line for word in said):
            fitting = without_answered(without_known(for_patient(line, brief), brief), brief)
            if fitting and f"{fitting}." not in beside:
                yield fitting


@dataclass(frozen=True, slots=True)
class _SignLine:
    action: str
    says: str = ""  # a regular expression of the words of the note
    said_by: str = ""  # a complaint whose lines say it

    def is_for(self, words: str) -> bool:
        return re.search(self.says, words, re.IGNORECASE) is not None


@cache
def sign_lines() -> Mapping[str, Sequence[_SignLine]]:
    """Danger sign -> its rows of the table."""
    table = tomllib.loads((Path(__file__).parent / "sign_lines.toml").read_text(encoding="utf-8"))
    found: dict[str, list[_SignLine]] = {}
    for row in table["line"]:
        signs = row.pop("signs")
        for sign in signs:
            found.setdefault(sign, []).append(_SignLine(**row))
    for complaint, signs in table["first_line_of"].items():
        for sign in signs:
            row = _SignLine(learned()[complaint]["actions"][0], said_by=complaint)
            found.setdefault(sign, []).append(row)
    return found


def vital_actions(brief: Brief) -> list[str]:
    """Actions that the vital signs ask for, those far from usual first."""
    out = ["Repeat by hand what could not be measured."] if brief.unmeasurable else []
    if has_chemical_in_the_eye(brief):  # every minute counts, before any measurement
        out.append("Rinse the eye with much water now; take out a contact lens.")
    if has_sign(brief, _WEAK_DEFENCE):
        out.append(f"{learned()[_SEPSIS]['actions'][0]}.")
    if again := brief.line(CHECK_LABEL):
        out.append(f"{CHECK_LABEL}: {again}.")
    if brief.has_two_states:
        out.append("Check consciousness again now; form and note differ.")
    if is_not_alert(brief):
        out.append(for_patient("Protect the airway and check glucose.", brief))
    differ = differing(brief)
    if differ:
        named = " and ".join(label.lower() for label in differ)
        out.append(f"Measure the {named} again now; form and note differ.")
    if has_exchanged_rates(brief):
        out.append("Count pulse and breathing by hand now: the two values may be exchanged.")
        return out
    found = [
        (not how.startswith("very"), _fitting(line, brief))
        for label, low, high in _VITAL_ACTIONS
        for how in [band(brief, label)]
        for line in [low if how.endswith("low") else high if how.endswith("high") else ""]
        if line
    ]
    return [*out, *(line for _, line in sorted(found, key=lambda one: one[0]))]


def _fitting(line: str, brief: Brief) -> str:
    if line.startswith("Sit upright") and not fits(line, brief):
        return _BASIC_BREATHING
    return for_patient(line, brief)
