"""The form of the guidance that the embedded model fills in. Pure.

What follows from the brief is fixed: patient, level, quotation, complaint, vital signs, danger
signs, medicines and allergies, and the actions that the vital signs ask for. The model writes
what is left: causes to think of, and the actions for the complaint. The text that the model
learns has the same form.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from scheduling.core.brief import Brief, is_latin, read_brief
from scheduling.core.request import LEVEL_NAMES

CLOSING: Final = "Written by a demonstration model: check every line."
NO_PATTERN: Final = "fit no usual pattern"
MIN_QUOTED_WORDS: Final = 8  # more than a greeting
MAX_QUOTED_WORDS: Final = 12
MAX_QUOTED_BYTES: Final = 110  # each is up to one token

_ON_CALL: Final = "emergency call, not yet here"
_ARRIVAL: Final = {
    "walked in": ", walked in",
    "ambulance": ", by ambulance",
    "private vehicle": ", by private vehicle",
    "private ambulance": ", by private ambulance",
    _ON_CALL: ", on an emergency call and not yet here",
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
_MAX_VITAL_ACTIONS: Final = (2, 2, 2, 1, 0)  # by level
_MAX_ACTIONS: Final = (4, 3, 3, 2, 1)
_COMPLAINT_ACTIONS: Final = 3
_CONSCIOUSNESS_SIGN: Final = {
    "newly confused": "new confusion",
    "responds to voice only": "responds to voice only",
    "responds to pain only": "responds to pain only",
    "unresponsive": "unresponsive",
}
CONSCIOUSNESS_PHRASES: Final = ("alert", *_CONSCIOUSNESS_SIGN)
# Label in the brief, action where the vital sign is low, action where it is high.
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
    "respiratory rate", "oxygen saturation", "blood pressure", "heart rate", "temperature",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fixed:
    """Text that follows from the brief."""

    text: str


@dataclass(frozen=True, slots=True)
class Causes:
    """Causes to think of: a few words with a full stop."""


@dataclass(frozen=True, slots=True)
class Action:
    """One action for the complaint: a few words with a full stop."""


Piece = Fixed | Causes | Action


def sbar_form(text: str) -> tuple[Piece, ...]:
    """The form for a brief; empty where the words are in a script that the model cannot read."""
    brief = read_brief(text)
    if not is_latin(brief.words):
        return ()
    facts = f"Situation: {_situation(brief)}\nBackground: {_background(brief)}"
    pieces: list[Piece] = [
        Fixed(f"{facts}\nAssessment: {_assessment(brief)}"),
        *_causes(brief),
        Fixed("\nRecommendation:" + "".join(f"\n- {line}" for line in _first_lines(brief))),
    ]
    for _ in range(_num_complaint_actions(brief)):
        pieces += [Fixed("\n-"), Action()]
    last = "".join(f"\n- {line}" for line in _last_lines(brief))
    return (*pieces, Fixed(f"{last}\n{CLOSING}"))


def quoted(words: str) -> str:
    """The part of the words that the guidance quotes: a short text is quoted whole.

    A longer text is quoted up to the first end of a sentence after `MIN_QUOTED_WORDS`, and up
    to `MAX_QUOTED_WORDS` and `MAX_QUOTED_BYTES` at most. A cut is marked with `...`.
    """
    parts = words.split()
    chosen = _first_sentence(parts)
    while len(chosen) > 1 and _num_bytes(" ".join(chosen)) > MAX_QUOTED_BYTES:
        chosen = chosen[:-1]
    quote = " ".join(chosen)
    if _num_bytes(quote) > MAX_QUOTED_BYTES:  # one long word
        cut = quote.encode()[:MAX_QUOTED_BYTES].decode(errors="ignore")
        return f"{cut} ..."
    whole = len(chosen) == len(parts) or quote.endswith((".", "!", "?"))
    return quote if whole else f"{quote} ..."


def _num_bytes(text: str) -> int:
    return len(text.encode())


def _first_sentence(parts: list[str]) -> list[str]:
    if len(parts) <= MAX_QUOTED_WORDS:
        return parts
    for num_words in range(MIN_QUOTED_WORDS, MAX_QUOTED_WORDS + 1):
        if parts[num_words - 1].endswith((".", "!", "?")):
            return parts[:num_words]
    return parts[:MAX_QUOTED_WORDS]


def opening(brief: Brief) -> str:
    """`71-year-old woman, by ambulance, emergent.`"""
    patient = _patient(brief) + _ARRIVAL.get(brief.line("Arrival"), "")
    level = "" if brief.priority is None else f", {LEVEL_NAMES[brief.priority].lower()}"
    return f"{patient}{level}."


def _age_years(brief: Brief) -> float | None:
    number, _, unit = brief.line("Age").partition(" ")
    if not number.isdecimal():
        return None
    return int(number) / {"y": 1, "m": 12, "d": 365}.get(unit[:1], 1)


def _patient(brief: Brief) -> str:
    age = _age_years(brief)
    young, teen = age is not None and age < 2, age is not None and age < 16
    noun = {
        "female": "girl" if teen else "woman",
        "male": "boy" if teen else "man",
    }.get(brief.line("Sex"), "baby" if young else "child" if teen else "person")
    if age is None:
        return f"{noun.capitalize()} of unknown age"
    number, unit = brief.line("Age").split()
    return f"{number}-{unit.rstrip('s')}-old {noun}"


def _situation(brief: Brief) -> str:
    quote, complaint = quoted(brief.words), brief.line("Complaint")
    quotation = f'The words "{quote}"' if quote else "The missing words"
    return f"{opening(brief)} {quotation} {f'suggest {complaint}' if complaint else NO_PATTERN}."


def _background(brief: Brief) -> str:
    injury = {"yes": "Injury reported.", "no": "No injury reported."}.get(brief.line("Injury"))
    named = [f"{label}: {brief.line(label)}." for label in _HISTORY if brief.line(label)]
    return " ".join([*([injury] if injury else []), *named, _ask(brief)])


_HISTORY: Final = ("Medicines", "Allergies")


def _ask(brief: Brief) -> str:
    age = _age_years(brief)
    if brief.priority == 0:
        return "Take the history while treatment starts."
    known = {label for label in _HISTORY if brief.line(label)}
    if known:
        return _ASK_FOR_REST[len(known) == len(_HISTORY), "Medicines" in known]
    if brief.priority == 4:
        return "Ask about medicines and allergies."
    if age is not None and age < 12:
        return "Ask the parent about birth, vaccinations and medicines."
    if age is not None and age >= 75:
        return "Ask about blood thinners, falls and who is at home."
    return "Ask about history, medicines and allergies."


_ASK_FOR_REST: Final = {
    (True, True): "Check them and ask about other history.",
    (False, True): "Ask about other medicines and allergies.",
    (False, False): "Ask about current medicines.",
}


def _assessment(brief: Brief) -> str:
    readings = _readings(brief)
    parts = [f"{_capitalised(', '.join(readings))}." if readings else "No vital sign recorded yet."]
    missing = _not_taken(brief)
    if readings and missing and len(missing) < 4 and brief.priority != 4:
        parts.append(f"Not taken: {', '.join(missing)}.")
    if brief.unmeasurable:
        parts.append(f"Could not be measured: {', '.join(brief.unmeasurable)}.")
    parts += _signs(brief)
    if not brief.line("Complaint") and brief.priority != 4:
        parts.append("Ask what is worst, when it began and what has changed.")
    return " ".join(parts)


def _signs(brief: Brief) -> list[str]:
    if brief.danger_signs:
        return [f"Danger signs: {'; '.join(brief.danger_signs)}."]
    far = _far_from_usual(brief)
    return ["No danger sign is listed.", *([f"Far from usual: {'; '.join(far)}."] if far else [])]


def _readings(brief: Brief) -> list[str]:
    out = [f"{reading.label.lower()} {reading.text}" for reading in brief.readings]
    consciousness = brief.line("Consciousness")
    return [*out, consciousness] if consciousness else out


def _not_taken(brief: Brief) -> list[str]:
    known = [r.label.lower() for r in brief.readings if not r.label.startswith("Diastolic")]
    known += [name for name in brief.unmeasurable if not name.startswith("diastolic")]
    return [name for name in _BASIC_SET if not any(label.endswith(name) for label in known)]


def _far_from_usual(brief: Brief) -> list[str]:
    far = [f"{r.band} {r.label.lower()}" for r in brief.readings if r.band.startswith("very")]
    sign = _CONSCIOUSNESS_SIGN.get(brief.line("Consciousness"))
    return [*far, sign] if sign else far


def _causes(brief: Brief) -> Iterator[Piece]:
    if brief.line("Complaint") and brief.priority in (1, 2):
        yield Fixed(" Think of")
        yield Causes()


def _is_on_call(brief: Brief) -> bool:
    return brief.line("Arrival") == _ON_CALL


def _level(brief: Brief) -> int:
    return 2 if brief.priority is None else brief.priority


def _first_lines(brief: Brief) -> list[str]:
    level = _level(brief)
    openers = _OPENERS_ON_CALL if _is_on_call(brief) else _OPENERS
    lines = [openers[level], *_by_vitals(brief)[: _MAX_VITAL_ACTIONS[level]]]
    if not brief.line("Complaint") and level < 3 and len(lines) - 1 < _MAX_ACTIONS[level]:
        lines.append("Examine from airway to skin and ask a senior clinician early.")
    return lines


def _num_complaint_actions(brief: Brief) -> int:
    if not brief.line("Complaint"):
        return 0
    level = _level(brief)
    num_by_vitals = min(len(_by_vitals(brief)), _MAX_VITAL_ACTIONS[level])
    return min(_COMPLAINT_ACTIONS, _MAX_ACTIONS[level] - num_by_vitals)


def _last_lines(brief: Brief) -> list[str]:
    lines = []
    if not _readings(brief) and not _is_on_call(brief):
        lines.append("Take a full set of vital signs first.")
    closer = _CLOSERS[_level(brief)]
    return [*lines, closer] if closer else lines


def _by_vitals(brief: Brief) -> list[str]:
    out = []
    if brief.unmeasurable:
        out.append("Repeat by hand what could not be measured.")
    if brief.line("Consciousness") in _CONSCIOUSNESS_SIGN:
        out.append("Protect the airway and check glucose.")
    bands = {reading.label: reading.band for reading in brief.readings}
    for label, low, high in _VITAL_ACTIONS:
        band = bands.get(label) or bands.get(f"Systolic {label.lower()}", "")
        action = low if band.endswith("low") else high if band.endswith("high") else ""
        if action:
            out.append(action)
    return out


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
