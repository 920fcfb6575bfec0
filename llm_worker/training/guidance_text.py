"""Writes the guidance that the embedded model learns: SBAR text from a case, by fixed rules.

All numbers come from the brief. The length depends on the case: short for a repeat
prescription, long for a resuscitation with a full set of vital signs.
"""

from __future__ import annotations

from typing import Final

from llm_worker.training.guidance_callers import quoted
from llm_worker.training.guidance_cases import TrainingCase
from triage_site.triage.brief import PRIORITY_NAMES, age_phrase, build_brief, neutral_words
from triage_site.triage.facts import UNMEASURABLE, ArrivalMode, CaseFacts, Consciousness, Sex
from triage_site.triage.vitals import VITAL_RANGES

CLOSING: Final = "Written by a demonstration model: check every line."
NO_PATTERN: Final = "fit no usual pattern"

_ARRIVAL: Final = {
    ArrivalMode.WALKING: ", walked in",
    ArrivalMode.AMBULANCE: ", by ambulance",
    ArrivalMode.PRIVATE_VEHICLE: ", by private vehicle",
    ArrivalMode.PRIVATE_AMBULANCE: ", by private ambulance",
    ArrivalMode.CALL: ", on an emergency call and not yet here",
}
_OPENERS: Final = (
    "Resuscitation area now, senior doctor and full team.",
    "See without delay in a monitored place; tell a senior clinician.",
    "See soon; keep in view of staff and start tests.",
    "May wait in turn; say when to call staff.",
    "Fast track or primary care fits.",
)
_OPENERS_ON_CALL: Final = (
    "Send the highest response, stay on the line, warn the team.",
    "Send an urgent ambulance and stay on the line.",
    "Arrange an ambulance and call back if it is delayed.",
    "Say how to come in and when to call again.",
    "Offer advice or an appointment.",
)
_CLOSERS: Final = (
    "Stay at the bedside and watch all vital signs.",
    "Repeat vital signs often and at any change.",
    "Repeat vital signs while waiting.",
    "Look again if anything changes.",
    "",
)
_CONSCIOUSNESS_PHRASE: Final = {
    Consciousness.ALERT: "alert",
    Consciousness.CONFUSED: "newly confused",
    Consciousness.VOICE: "responds to voice only",
    Consciousness.PAIN: "responds to pain only",
    Consciousness.UNRESPONSIVE: "unresponsive",
}
CONSCIOUSNESS_PHRASES: Final = tuple(_CONSCIOUSNESS_PHRASE.values())
_CONSCIOUSNESS_SIGN: Final = {
    Consciousness.CONFUSED: "new confusion",
    Consciousness.VOICE: "responds to voice only",
    Consciousness.PAIN: "responds to pain only",
    Consciousness.UNRESPONSIVE: "unresponsive",
}
# Shown label in the brief, label of the sign, action where it is low, action where it is high.
_VITAL_ACTIONS: Final = (
    ("Oxygen saturation", "Oxygen as the site's target orders; watch the saturation.", ""),
    ("Respiratory rate", "Support breathing and call the airway team if it slows.",
     "Sit upright and look at the work of breathing."),
    ("Blood pressure", "Lie flat, venous access, bloods and fluids as the doctor orders.",
     "Repeat the blood pressure on the other arm."),
    ("Heart rate", "ECG and monitor for the slow heart rate.",
     "ECG and monitor for the fast heart rate."),
    ("Temperature", "Warm gently and measure a core temperature.",
     "Screen for sepsis and look for the source of the fever."),
    ("Pain", "", "Treat the pain early and score it again."),
)  # fmt: skip
_BASIC_SET: Final = (
    ("rr_bpm", "respiratory rate"),
    ("spo2_percent", "oxygen saturation"),
    ("sbp_mmhg", "blood pressure"),
    ("hr_bpm", "heart rate"),
    ("temp_c", "temperature"),
)


def write_guidance(case: TrainingCase) -> tuple[str, str]:
    """Returns the brief of a case and its guidance."""
    brief = brief_of(case)
    parts = (
        f"Situation: {_situation(case)}",
        f"Background: {_background(case)}",
        f"Assessment: {_assessment(case, brief)}",
        "Recommendation:",
        *(f"- {line}" for line in _recommendation(case, brief)),
        CLOSING,
    )
    return brief, "\n".join(parts)


def brief_of(case: TrainingCase) -> str:
    """The brief of a case, as the model gets it."""
    return build_brief(
        case.facts,
        priority=case.priority,
        danger_signs=case.danger_signs,
        complaint=case.complaint.label if case.complaint and case.group_in_brief else None,
    )


def patient_phrase(facts: CaseFacts) -> str:
    """`71-year-old woman`, `6-month-old girl`, `Woman of unknown age`."""
    age = facts.age_years
    young, teen = age is not None and age < 2, age is not None and age < 16
    noun = {
        Sex.FEMALE: "girl" if teen else "woman",
        Sex.MALE: "boy" if teen else "man",
    }.get(facts.sex, "baby" if young else "child" if teen else "person")
    if age is None:
        return f"{noun.capitalize()} of unknown age"
    number, unit = age_phrase(age).split()
    return f"{number}-{unit.rstrip('s')}-old {noun}"


def opening(facts: CaseFacts, priority: int) -> str:
    """`71-year-old woman, by ambulance, emergent.`"""
    patient = patient_phrase(facts) + _ARRIVAL.get(facts.arrival_mode, "")
    return f"{patient}, {PRIORITY_NAMES[priority]}."


def _situation(case: TrainingCase) -> str:
    words = quoted(neutral_words(case.facts.text))
    quotation = f'The words "{words}"' if words else "The missing words"
    pattern = f"suggest {case.complaint.label}" if case.complaint else NO_PATTERN
    return f"{opening(case.facts, case.priority)} {quotation} {pattern}."


def _background(case: TrainingCase) -> str:
    parts = []
    if case.facts.injury is not None:
        parts.append("Injury reported." if case.facts.injury else "No injury reported.")
    if case.call.mentions:
        parts.append(f"Mentioned: {neutral_words('; '.join(case.call.mentions))}.")
    parts.append(_ask(case))
    return " ".join(parts)


def _ask(case: TrainingCase) -> str:
    age = case.facts.age_years
    if case.priority == 0:
        return "Take the history while treatment starts."
    if case.priority == 4:
        return "Ask about medicines and allergies."
    if age is not None and age < 12:
        return "Ask the parent about birth, vaccinations and medicines."
    if age is not None and age >= 75:
        return "Ask about blood thinners, falls and who is at home."
    if case.call.mentions:
        return "Ask about current medicines and allergies."
    return "History, medicines and allergies are not stated; ask."


def _assessment(case: TrainingCase, brief: str) -> str:
    facts = case.facts
    readings = _readings(facts, brief)
    parts = [f"{_capitalised(', '.join(readings))}." if readings else "No vital sign taken yet."]
    missing = [word for name, word in _BASIC_SET if getattr(facts, name) == "not_taken"]
    if readings and len(missing) < 4 and missing and case.priority < 4:
        parts.append(f"Not taken: {', '.join(missing)}.")
    failed = [
        VITAL_RANGES[name].label.lower()
        for name in VITAL_RANGES
        if getattr(facts, name) == UNMEASURABLE
    ]
    if failed:
        parts.append(f"Could not be measured: {', '.join(failed)}.")
    signs = [*map(neutral_words, case.danger_signs)] or _abnormal(facts, brief)
    parts.append(f"Danger signs: {'; '.join(signs)}." if signs else "No danger sign is listed.")
    if case.complaint and case.priority in (1, 2):
        parts.append(f"Think of {case.complaint.think}.")
    if not case.complaint and case.priority < 4:
        parts.append("Ask what is worst, when it began and what has changed.")
    return " ".join(parts)


def _vital_lines(brief: str) -> list[tuple[str, str]]:
    """Label and reading of each vital sign in `brief`."""
    labels = {label.label for label in VITAL_RANGES.values()} | {"Blood pressure"}
    lines = [line.partition(": ") for line in brief.splitlines()]
    return [(label, reading) for label, _, reading in lines if label in labels]


def _readings(facts: CaseFacts, brief: str) -> list[str]:
    out = [f"{label.lower()} {reading}" for label, reading in _vital_lines(brief)]
    if facts.consciousness in _CONSCIOUSNESS_PHRASE:
        out.append(_CONSCIOUSNESS_PHRASE[facts.consciousness])
    return out


def _abnormal(facts: CaseFacts, brief: str) -> list[str]:
    """Very abnormal readings, as `very high heart rate`, and abnormal consciousness."""
    out = []
    for label, reading in _vital_lines(brief):
        mark = reading.partition(" (")[2].rstrip(")")
        if mark.startswith("very"):
            out.append(f"{mark} {label.lower()}")
    if facts.consciousness in _CONSCIOUSNESS_SIGN:
        out.append(_CONSCIOUSNESS_SIGN[facts.consciousness])
    return out


def _recommendation(case: TrainingCase, brief: str) -> list[str]:
    on_call = case.facts.arrival_mode is ArrivalMode.CALL
    actions = _by_vitals(case.facts, brief)[: (2, 2, 2, 1, 0)[case.priority]]
    if case.complaint:
        actions += [f"{text}." for text in case.complaint.actions]
    elif case.priority < 3:
        actions.append("Examine from airway to skin and ask a senior clinician early.")
    lines = [(_OPENERS_ON_CALL if on_call else _OPENERS)[case.priority]]
    lines += actions[: (4, 3, 3, 2, 1)[case.priority]]
    if not _readings(case.facts, brief) and not on_call:
        lines.append("Take a full set of vital signs first.")
    return lines + [_CLOSERS[case.priority]][: case.priority < 4]


def _by_vitals(facts: CaseFacts, brief: str) -> list[str]:
    out = []
    if any(getattr(facts, name) == UNMEASURABLE for name in VITAL_RANGES):
        out.append("Repeat by hand what could not be measured.")
    if facts.consciousness in _CONSCIOUSNESS_SIGN:
        out.append("Protect the airway and check glucose.")
    marks = {label: reading for label, reading in _vital_lines(brief) if "(" in reading}
    for label, low, high in _VITAL_ACTIONS:
        reading = marks.get(label, "") or marks.get(f"Systolic {label.lower()}", "")
        action = low if "low)" in reading else high if "high)" in reading else ""
        if action:
            out.append(action)
    return out


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
