"""The form of the guidance that the embedded model fills in. Pure.

What follows from the brief is fixed: patient, level, quotation, complaint and its causes, vital
signs, danger signs, medicines and allergies, and the actions that vital and danger signs ask for.
The model chooses what is left: the actions for the complaint beside the most important one, of
those that it has learned and that fit the case. The text that it learns has the same form.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Final

from llm_worker.engine.local.sbar_fit import CONSCIOUSNESS_SIGN, age_years, at_once, differing
from llm_worker.engine.local.sbar_lines import (
    causes,
    complaint_actions,
    known_complaint,
    sign_actions,
    vital_actions,
)
from llm_worker.engine.local.sbar_questions import without_answered
from scheduling.core.brief import (
    CHECK_LABEL,
    OVER_LABEL,
    STATE_LABEL,
    UNDER_ONE_YEAR,
    Brief,
    read_brief,
)
from scheduling.core.request import LEVEL_NAMES

CLOSING: Final = "Written by a demonstration model: check every line."
MIN_QUOTED_WORDS: Final = 8  # more than a greeting
MAX_QUOTED_WORDS: Final = 12
_LEAST_QUOTED_WORDS: Final = 3
_HEAD_WORDS, _HEAD_BYTES = 5, 50  # of the sentence, before words that stand far in it
MAX_QUOTED_BYTES: Final = 110  # each is up to one token

# An answer has at most 300 tokens. The longest line is not always the one of most tokens.
MOST_TOKENS: Final = 290
_MORE: Final = "more in the note"
_ONLY_THERE: Final = "told in the note"
_QUOTED: Final = re.compile(r"\s*\(?'(?:[^']|'(?=\w))*'\)?")
_ITEM_ENDS: Final = re.compile(r", (?=(?:[^']|\b'\b)*(?:'(?:[^']|\b'\b)*'(?:[^']|\b'\b)*)*$)")


class Brevity(Enum):
    """How much a form leaves out so that it fits, in the order in which it is tried."""

    WHOLE = auto()
    WITHOUT_QUOTATIONS = auto()
    FEW_NAMES = auto()
    FEW_LINES = auto()


# Of medicines, and of allergies.
_MOST_NAMES: Final = {
    Brevity.WITHOUT_QUOTATIONS: 12,
    Brevity.FEW_NAMES: 6,
    Brevity.FEW_LINES: 3,
}


def _num_tokens(text: str) -> int:
    """About as many as the tokenizer of the embedded model makes."""
    return math.ceil(len(text.encode()) / _BYTES_OF_TOKEN)


_BYTES_OF_TOKEN: Final = 4.0
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
# Whether treatment cannot wait -> when to measure.
_MEASURE: Final = {
    False: "Take a full set of vital signs first.",
    True: "Take vital signs while treatment starts.",
}
_MAX_VITAL_ACTIONS: Final = (3, 2, 2, 1, 0)  # by level
_MAX_ACTIONS: Final = (4, 3, 3, 2, 1)
_COMPLAINT_ACTIONS: Final = 3
# Of these the first two belong together: what to look at, and the treatment that cannot wait.
_FIRST_TWO: Final = frozenset({"allergic reaction"})
CONSCIOUSNESS_PHRASES: Final = ("alert", *CONSCIOUSNESS_SIGN)
_BASIC_SET: Final = (
    "respiratory rate", "oxygen saturation", "blood pressure", "heart rate", "temperature",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fixed:
    """Text that follows from the brief."""

    text: str


@dataclass(frozen=True, slots=True)
class Action:
    """One of `choices`, with a space before it and a full stop after it; none is chosen twice."""

    choices: tuple[str, ...]


Piece = Fixed | Action


def sbar_form(text: str, count: Callable[[str], int] = _num_tokens) -> tuple[Piece, ...]:
    """The form for a brief; empty where the words are in a language that was not read.

    Where it has more than `MOST_TOKENS`, which `count` counts, the background leaves out what it
    quotes, then names, and says so; then the recommendation has fewer lines for the complaint.
    """
    brief = read_brief(text)
    if not brief.is_read:
        return ()
    form: tuple[Piece, ...] = ()
    for brevity in Brevity:
        form = _form(_shortened(brief, brevity), few=brevity is Brevity.FEW_LINES)
        if sum(count(_longest(piece)) for piece in form) <= MOST_TOKENS:
            break
    return form


def _longest(piece: Piece) -> str:
    return piece.text if isinstance(piece, Fixed) else f" {max(piece.choices, key=len)}."


def _form(brief: Brief, *, few: bool) -> tuple[Piece, ...]:
    facts = f"Situation: {_situation(brief)}\nBackground: {_background(brief)}"
    first = _first_lines(brief)
    pieces: list[Piece] = [
        Fixed(f"{facts}\nAssessment: {_assessment(brief)}"),
        Fixed("\nRecommendation:" + "".join(f"\n- {line}" for line in first)),
    ]
    choices = complaint_actions(brief, first)
    num = _num_important(brief) if few else _num_complaint_actions(brief)
    for number in range(min(len(choices), num)):
        # The most important ones are never left to choice.
        fixed = number < _num_important(brief)
        pieces += [Fixed("\n-"), Action(choices[number : number + 1] if fixed else choices)]
    last = "".join(f"\n- {line}" for line in _last_lines(brief))
    return (*pieces, Fixed(f"{last}\n{CLOSING}"))


def _shortened(brief: Brief, brevity: Brevity) -> Brief:
    if brevity is Brevity.WHOLE:
        return brief
    most = _MOST_NAMES[brevity]
    short = {label: _short_list(brief.line(label), most) for label in _HISTORY if brief.line(label)}
    return replace(brief, lines={**brief.lines, **short})


def _short_list(line: str, most: int) -> str:
    """The names of a list, "in doubt" where something is quoted beside them; "more in the note" for
    those that are left out, and for a quotation alone."""
    listed, mark, warning = line.rpartition("; ") if "; " in line else (line, "", "")
    items = [_without_quotation(item) for item in _ITEM_ENDS.split(listed)]
    names = [item for item in dict.fromkeys(items) if item]
    left_out = len(names) > most or not all(items)
    more = [_MORE if names else _ONLY_THERE] if left_out else []
    return ", ".join([*names[:most], *more]) + mark + warning


def _without_quotation(item: str) -> str:
    if item.startswith("contradicted by"):
        return item
    name = _QUOTED.sub("", item).strip()
    return f"{name} (in doubt)" if name and name != item else name


def quoted(words: str, told_by: str = "") -> str:
    """The part of the words that the guidance quotes: a short text is quoted whole.

    A longer text is quoted up to the first end of a sentence after `MIN_QUOTED_WORDS`, and up
    to `MAX_QUOTED_WORDS` and `MAX_QUOTED_BYTES` at most. Where that misses the words that the
    complaint is `told_by`, the quotation begins at their sentence, or with them. A cut is
    marked with `...`. Between the beginning of a long sentence and words far in it, as well.
    """
    parts = words.split()
    quote = _cut(parts)
    if not told_by or told_by.lower() in quote.lower():
        return quote
    at = _place_of(told_by, parts)
    if at is None:
        return quote
    sentence = _sentence_of(parts, at)
    later = _cut(parts[min(sentence, len(parts) - _LEAST_QUOTED_WORDS) :])
    if told_by.lower() in later.lower():
        return later
    begin = min(at, len(parts) - _LEAST_QUOTED_WORDS)
    told = _cut(parts[begin:])
    if told_by.lower() not in told.lower():
        return quote
    head = " ".join(parts[sentence : min(sentence + _HEAD_WORDS, begin)])
    return f"{head} ... {told}" if head and _num_bytes(head) <= _HEAD_BYTES else told


def _with_end(quote: str, words: str, over: str) -> str:
    """The quotation with the words that say that what it tells is over."""
    told = quote.removesuffix(" ...")
    start, end = words.find(told), words.find(over)
    if not over or over in quote or start < 0 or end < 0:
        return quote
    if end <= start + len(told) + 1:
        return words[start : end + len(over)]
    return f"{told} ... {over}"


def _place_of(told_by: str, parts: list[str]) -> int | None:
    """The index of the word of `parts` at which `told_by` begins."""
    before, found, _ = " ".join(parts).lower().partition(told_by.lower())
    return before.count(" ") if found else None


def _sentence_of(parts: list[str], at: int) -> int:
    return next((begin for begin in range(at, 0, -1) if _ends(parts[begin - 1])), 0)


def _ends(word: str) -> bool:
    return word.endswith((".", "!", "?"))


def _cut(parts: list[str]) -> str:
    chosen = _first_sentence(parts)
    while len(chosen) > 1 and _num_bytes(" ".join(chosen)) > MAX_QUOTED_BYTES:
        chosen = chosen[:-1]
    quote = " ".join(chosen)
    if _num_bytes(quote) > MAX_QUOTED_BYTES:  # one long word
        cut = quote.encode()[:MAX_QUOTED_BYTES].decode(errors="ignore")
        return f"{cut} ..."
    whole = len(chosen) == len(parts) or _ends(quote)
    return quote if whole else f"{quote} ..."


def _num_bytes(text: str) -> int:
    return len(text.encode())


def _first_sentence(parts: list[str]) -> list[str]:
    if len(parts) <= MAX_QUOTED_WORDS:
        return parts
    for num_words in range(MIN_QUOTED_WORDS, MAX_QUOTED_WORDS + 1):
        if _ends(parts[num_words - 1]):
            return parts[:num_words]
    return parts[:MAX_QUOTED_WORDS]


def opening(brief: Brief) -> str:
    """`71-year-old woman, by ambulance, emergent.`"""
    patient = _patient(brief) + _ARRIVAL.get(brief.line("Arrival"), "")
    level = "" if brief.priority is None else f", {LEVEL_NAMES[brief.priority].lower()}"
    return f"{patient}{level}."


def _patient(brief: Brief) -> str:
    age = age_years(brief)
    young, teen = age is not None and age < 2, age is not None and age < 16
    noun = {
        "female": "girl" if teen else "woman",
        "male": "boy" if teen else "man",
    }.get(brief.line("Sex"), "baby" if young else "child" if teen else "person")
    if age is None:
        sex = {"female": "Female patient", "male": "Male patient"}.get(brief.line("Sex"), "Patient")
        return f"{sex} of unknown age"
    if brief.line("Age") == UNDER_ONE_YEAR:
        return f"{noun.capitalize()} {UNDER_ONE_YEAR} old"
    number, unit = brief.line("Age").split()
    return f"{number}-{unit.rstrip('s')}-old {noun}"


def _situation(brief: Brief) -> str:
    complaint = brief.line("Complaint")
    quote = quoted(brief.words, brief.line("Complaint words"))
    quote = _with_end(quote, brief.words, brief.line(OVER_LABEL))
    if not quote:
        return f"{opening(brief)} No words were recorded."
    if not complaint:
        return f'{opening(brief)} The words of the note: "{quote}".'
    return f'{opening(brief)} The words "{quote}" suggest {complaint}.'


def _background(brief: Brief) -> str:
    injury = {"yes": "Injury reported.", "no": "No injury reported."}.get(brief.line("Injury"))
    named = [f"{label}: {brief.line(label)}." for label in _HISTORY if brief.line(label)]
    return " ".join(filter(None, [injury, *named, _ask(brief)])) or "Nothing more is known."


_HISTORY: Final = ("Medicines", "Allergies")


def _ask(brief: Brief) -> str:
    if brief.priority == 0:
        return "Take the history while treatment starts."
    line = without_answered(_questions(brief), brief)
    return f"{line}." if line else ""


def _questions(brief: Brief) -> str:
    age = age_years(brief)
    known = {label for label in _HISTORY if brief.line(label)}
    if brief.line("Medicines") == "none taken" and "Allergies" not in known:
        return "Ask about allergies and other history"
    if known:
        return _ASK_FOR_REST[len(known) == len(_HISTORY), "Medicines" in known]
    if brief.priority == 4:
        return "Ask about medicines and allergies"
    if age is not None and age < 12:
        return "Ask the parent about birth, vaccinations and medicines"
    if age is not None and age >= 75:
        return "Ask about blood thinners, falls and who is at home"
    return "Ask about history, medicines and allergies"


_WHAT_IS_IT: Final = "Ask what is worst, when it began and what has changed"
_ASK_FOR_REST: Final = {
    (True, True): "Check them and ask about other history",
    (False, True): "Ask about other medicines and allergies",
    (False, False): "Ask about current medicines",
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
    if brief.priority in (1, 2) and causes(brief):
        parts.append(f"Think of {causes(brief)}.")
    if not known_complaint(brief) and brief.priority != 4:
        parts.append(f"{without_answered(_WHAT_IS_IT, brief)}.")
    return " ".join(parts)


def _signs(brief: Brief) -> list[str]:
    if brief.danger_signs:
        return [f"Danger signs: {'; '.join(brief.danger_signs)}."]
    far = _far_from_usual(brief)
    return ["No danger sign is listed.", *([f"Far from usual: {'; '.join(far)}."] if far else [])]


def _readings(brief: Brief) -> list[str]:
    out = [one.absent or f"{one.label.lower()} {one.text}" for one in brief.readings]
    consciousness = brief.line(STATE_LABEL)
    named = f"consciousness {consciousness}" if brief.has_two_states else consciousness
    return [*out, named] if named else out


def _not_taken(brief: Brief) -> list[str]:
    known = [r.label.lower() for r in brief.readings if not r.label.startswith("Diastolic")]
    known += [name for name in brief.unmeasurable if not name.startswith("diastolic")]
    return [name for name in _BASIC_SET if not any(label.endswith(name) for label in known)]


def _far_from_usual(brief: Brief) -> list[str]:
    very = [reading for reading in brief.readings if reading.band.startswith("very")]
    far = [one.absent or f"{one.band} {one.label.lower()}" for one in very]
    return [*far, *(CONSCIOUSNESS_SIGN[one] for one in brief.states if one in CONSCIOUSNESS_SIGN)]


def _is_on_call(brief: Brief) -> bool:
    return brief.line("Arrival") == _ON_CALL


def _level(brief: Brief) -> int:
    return 2 if brief.priority is None else brief.priority


def _first_lines(brief: Brief) -> list[str]:
    level = _level(brief)
    openers = _OPENERS_ON_CALL if _is_on_call(brief) else _OPENERS
    by_signs = _sign_actions(brief)
    most = min(_MAX_VITAL_ACTIONS[level], _MAX_ACTIONS[level] - len(by_signs) - 1)
    records = any("ECG" in line for line in by_signs)
    actions = [one for one in vital_actions(brief) if not (records and one.startswith("ECG"))]
    # To measure and to check again displaces nothing.
    checks = bool(differing(brief)) + brief.has_two_states + bool(brief.line(CHECK_LABEL))
    actions = actions[: max(1, most) + checks]
    lines = [*at_once(brief), openers[level], *by_signs]
    lines += [line for line in actions if line not in lines]
    if not known_complaint(brief) and level < 3 and len(actions) < _MAX_ACTIONS[level]:
        lines.append("Examine from airway to skin and ask a senior clinician early.")
    return lines


def _sign_actions(brief: Brief) -> list[str]:
    """At least one; a second only where vital signs ask for little."""
    level = _level(brief)
    if level > 2:
        return []
    by_vitals = vital_actions(brief)
    num = _MAX_ACTIONS[level] - min(len(by_vitals), _MAX_VITAL_ACTIONS[level])
    return sign_actions(brief, [*at_once(brief), *by_vitals])[:num]


def _num_important(brief: Brief) -> int:
    return 2 if known_complaint(brief) in _FIRST_TWO else 1


def _num_complaint_actions(brief: Brief) -> int:
    level = _level(brief)
    num = min(len(vital_actions(brief)), _MAX_VITAL_ACTIONS[level]) + len(_sign_actions(brief))
    return min(_COMPLAINT_ACTIONS, max(_num_important(brief), _MAX_ACTIONS[level] - num))


def _last_lines(brief: Brief) -> list[str]:
    lines = []
    measured = any(not reading.is_of_the_note for reading in brief.readings)
    if not measured and not _is_on_call(brief):
        lines.append(_MEASURE[_level(brief) == 0])
    closer = _CLOSERS[_level(brief)]
    return [*lines, closer] if closer else lines


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
