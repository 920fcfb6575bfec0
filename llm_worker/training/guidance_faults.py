"""Faults of an answer of the embedded model, found without the code of the guard. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from llm_worker.engine.local.sbar_form import (
    CLOSING,
    CONSCIOUSNESS_PHRASES,
    MAX_QUOTED_BYTES,
    MAX_QUOTED_WORDS,
    opening,
)
from scheduling.core.brief import read_brief
from scheduling.core.guidance import HEADINGS
from triage_site.triage.brief import NONE_FOUND
from triage_site.triage.facts import CaseFacts

LENGTH_TOKENS: Final = (40, 300)
MAX_REPEATS: Final = 3  # of any five consecutive words
_MAY_WAIT: Final = re.compile(r"may wait|fast track|primary care fits", re.IGNORECASE)
# Faults that say something else than the case. None may be shown.
CONTRADICTIONS: Final = frozenset(
    {"patient or priority", "complaint", "wrong vital sign", "wrong consciousness"}
    | {"danger signs", "waits", "must not"}
)
_READING: Final = re.compile(
    r"^(Respiratory rate|Oxygen saturation|Blood pressure|Systolic blood pressure"
    r"|Diastolic blood pressure|Heart rate|Temperature|Pain): (.*)$",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationCase:
    """A case with the brief that the model gets. `must` and `must_not`: regular expressions."""

    facts: CaseFacts
    priority: int
    brief: str
    must: tuple[str, ...] = ()
    must_not: tuple[str, ...] = ()

    @property
    def danger_signs(self) -> tuple[str, ...]:
        """The danger signs in the brief."""
        signs = self.brief.rpartition("Danger signs: ")[2]
        return () if signs == NONE_FOUND else tuple(signs.split("; "))


@dataclass(frozen=True, slots=True)
class Answer:
    text: str
    num_tokens: int
    finished: bool


def faults(case: EvaluationCase, answer: Answer) -> list[str]:
    """The names of the requirements that an answer does not meet. Empty is good."""
    text, brief = answer.text, case.brief
    own = re.sub(r'"[^"]*"', "", text)
    checks = {
        "not finished": not answer.finished,
        "headings": not _in_order(text, [f"{heading}:" for heading in HEADINGS]),
        "patient or priority": not text.startswith(f"Situation: {opening(read_brief(brief))}"),
        "closing": not text.endswith(CLOSING),
        "complaint": not _complaint_quoted(text, brief),
        "vitals missing": any(
            _reading_phrase(*pair) not in text.lower() for pair in _readings(brief)
        ),
        "wrong vital sign": bool(_wrong_readings(text, brief)),
        "wrong consciousness": not _consciousness_correct(text, brief),
        "danger signs": not _signs_named(text, case),
        "repeat loop": _most_repeats(text) > MAX_REPEATS,
        "length": not LENGTH_TOKENS[0] <= answer.num_tokens <= LENGTH_TOKENS[1],
        "waits": case.priority < 2 and _MAY_WAIT.search(own) is not None,
        "must": any(not re.search(each, text, re.IGNORECASE) for each in case.must),
        "must not": any(re.search(each, own, re.IGNORECASE) for each in case.must_not),
    }
    return [name for name, broken in checks.items() if broken]


def _in_order(text: str, parts: Iterable[str]) -> bool:
    at = -1
    for part in parts:
        at = text.find(part, at + 1)
        if at < 0:
            return False
    return True


def _words_of(brief: str) -> str:
    match = re.search(r'^Caller\'s words: "(.*)"$', brief, re.MULTILINE)
    return match[1] if match else ""


def _complaint_quoted(text: str, brief: str) -> bool:
    """Whether the quotation is a part of the caller's words, neither too short nor too long."""
    words = _words_of(brief)
    if not words:
        return '"' not in text
    match = re.search(r'"([^"]*)"', text.partition("\n")[0])
    if not match:
        return False
    parts = match[1].removesuffix(" ...").split(" ... ")
    quote = max(parts, key=len)
    num_words = len(quote.split())
    enough = min(len(words.split()), 3) <= num_words <= MAX_QUOTED_WORDS + 4
    known = all(part in words for part in parts)
    return known and (enough or len(quote.encode()) > MAX_QUOTED_BYTES // 2)


def _consciousness_correct(text: str, brief: str) -> bool:
    """Whether the assessment gives the consciousness of the brief, and no other."""
    readings = text.partition("Assessment:")[2].partition("anger sign")[0].lower()
    match = re.search(r"^Consciousness: (.*)$", brief, re.MULTILINE)
    if match and match[1] not in CONSCIOUSNESS_PHRASES:  # with what the note says of it
        return match[1].lower() in readings
    expected = {match[1]} if match else set()
    return {
        phrase for phrase in CONSCIOUSNESS_PHRASES if re.search(rf"\b{phrase}[,.]", readings)
    } == expected


def _signs_named(text: str, case: EvaluationCase) -> bool:
    named = text.partition("Assessment:")[2].partition("Recommendation:")[0]
    return all(sign in named for sign in case.danger_signs or _abnormal(case.brief))


def _most_repeats(text: str, num_words: int = 5) -> int:
    words = text.split()
    runs = Counter(tuple(words[at : at + num_words]) for at in range(len(words)))
    return max(runs.values(), default=0)


def _readings(brief: str) -> list[tuple[str, str]]:
    return _READING.findall(brief)


def _reading_phrase(label: str, reading: str) -> str:
    return f"{label} {reading}".lower()


def _wrong_readings(text: str, brief: str) -> list[str]:
    """Readings in the assessment that differ from the reading in the brief."""
    known = {label.lower(): _first_number(reading) for label, reading in _readings(brief)}
    assessment = text.partition("Assessment:")[2].partition("Recommendation:")[0].lower()
    wrong = []
    for label in ("respiratory rate", "oxygen saturation", "heart rate", "temperature", "pain"):
        for number in re.findall(rf"\b{label} (\d[\d./]*\d|\d)", assessment):
            if known.get(label) != number:
                wrong.append(f"{label} {number}")
    for number in re.findall(r"\bblood pressure (\d+(?:/\d+)?)", assessment):
        if number not in {value for label, value in known.items() if "blood pressure" in label}:
            wrong.append(f"blood pressure {number}")
    return wrong


def _first_number(reading: str) -> str:
    match = re.match(r"\d[\d./]*", reading)
    return match.group() if match else ""


def _abnormal(brief: str) -> list[str]:
    """What is very far from usual; of an entered value and one of the note the first that is."""
    marked = [(label, re.search(r"\((very \w+)\)", reading)) for label, reading in _readings(brief)]
    return [f"{match[1]} {label.lower()}" for label, match in marked if match]
