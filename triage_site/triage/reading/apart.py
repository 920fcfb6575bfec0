"""Which words of a note are told apart from the patient: of others, stories, what is over. Pure.

A cue (`statements`) reads the sentence alone. Here the rest of the note decides: "the neighbour
collapsed" is the patient unless the note speaks of a patient apart ("she herself has a wart").
What is told of the patient in the same sentence ("but now ...", "then she ...") is never covered.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from triage_site.triage.reading.statements import Assertion, Statement
from triage_site.triage.reading.tokens import Word

_TABLE: Final[dict[str, Any]] = tomllib.loads(
    (Path(__file__).parent / "apart.toml").read_text(encoding="utf-8")
)


def _pattern(written: Sequence[str]) -> re.Pattern[str]:
    joined = "|".join(written)
    for name in ("person", "animal", "event", "deed_done"):
        joined = joined.replace(f"{{{name}}}", _TABLE[name])
    return re.compile(joined, re.IGNORECASE)


_TURN: Final = _pattern([_TABLE["turn"]])
_REPORTS: Final = _pattern([_TABLE["reports"]])
_PATIENT: Final = _pattern(_TABLE["patient"])
_SMALL: Final = _pattern(_TABLE["small"])
_CALM: Final = _pattern(_TABLE["calm"])
_ALARM: Final = _pattern(_TABLE["alarm"])
# An apostrophe inside ("she's") ends no quotation.
_QUOTED: Final = re.compile(
    r"(?<!\w)['\u2018\"\u201c](?=\w)[^'\u2018\u2019\"\u201c\u201d.;]{2,90}(?:'(?=[a-z])"
    r"[^'\u2018\u2019\"\u201c\u201d.;]{0,60})?[.!?]{0,3}['\u2019\"\u201d](?!\w)"
)
_CALLER: Final = _pattern(_TABLE["caller"])
_DEED: Final = _pattern(_TABLE["deed"])
_HEALED: Final = _pattern(_TABLE["healed"])
_BOOKED: Final = _pattern(_TABLE["booked"])
_MOST_SET_RIGHT: Final = 60  # characters
_SHORT_QUESTION: Final = 30
_KIN: Final = _pattern([_TABLE["kin"]])
_PERSON: Final = re.compile(_TABLE["person"], re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Rule:
    name: str
    kind: Assertion
    rest: str
    covers: str
    told: re.Pattern[str]


_RULES: Final = tuple(
    _Rule(row["name"], Assertion(row["kind"]), row["rest"], row["covers"], _pattern(row["told"]))
    for row in _TABLE["rule"]
)


@dataclass(frozen=True, slots=True)
class _Told:
    """A text with the characters at which its sentences begin and end."""

    text: str
    sentences: tuple[tuple[int, int], ...]

    def quoted(self, number: int) -> Iterator[tuple[int, int]]:
        """What stands in quotation marks in a sentence."""
        begin, end = self.sentences[number]
        for match in _QUOTED.finditer(self.text, max(begin - 1, 0)):
            if match.start() >= end:
                return
            yield match.span()


def told_apart(
    text: str, words: Sequence[Word], statements: Sequence[Statement]
) -> Iterator[tuple[int, int, Assertion]]:
    """First word, word after the last and how they are meant, of all that is told apart."""
    text = text.replace("\u2019", "'")
    told = _Told(text, _sentences(words, statements))
    for rule in _RULES:
        for begin, end in _places(rule, told):
            if _rest_agrees(rule, text, begin, end):
                at = [n for n, word in enumerate(words) if begin <= word.start < end]
                if at:
                    yield at[0], at[-1] + 1, rule.kind


def _sentences(
    words: Sequence[Word], statements: Sequence[Statement]
) -> tuple[tuple[int, int], ...]:
    found: dict[int, tuple[int, int]] = {}
    for said in statements:
        first = found.get(said.sentence, (words[said.first].start, 0))[0]
        found[said.sentence] = (first, words[said.last - 1].end)
    return tuple(found.values())


def _places(rule: _Rule, told: _Told) -> Iterator[tuple[int, int]]:
    """The characters that a rule covers, whatever the rest of the note tells."""
    for number, (begin, end) in enumerate(told.sentences):
        sentence = told.text[begin:end]
        for match in rule.told.finditer(sentence):
            if rule.covers == "quoted":
                yield from told.quoted(number)
            elif rule.covers == "match":
                yield begin + match.start(), begin + match.end()
            elif rule.covers == "before":
                yield from _set_right(told, number, match.start())
            elif not _is_of_teller(rule, sentence, match):
                first = match.start() if rule.covers == "on" else 0
                yield begin + first, begin + _turn(sentence, match.end())


def _set_right(told: _Told, number: int, at: int) -> Iterator[tuple[int, int]]:
    """What words at character `at` of a sentence take back: the few before them; where they begin
    it, what the sentence before puts in quotation marks, a short question, or what it says that
    somebody was booked for."""
    begin, _ = told.sentences[number]
    if 0 < at <= _MOST_SET_RIGHT:
        yield begin, begin + at
    if at > 0 or number == 0:
        return
    earlier, last = told.sentences[number - 1]
    is_question = told.text[last : last + 1] == "?" and last - earlier <= _SHORT_QUESTION
    if is_question or _BOOKED.search(told.text, earlier, last):
        yield earlier, last
    yield from told.quoted(number - 1)


def _is_of_teller(rule: _Rule, sentence: str, match: re.Match[str]) -> bool:
    """Whether the person found tells of the patient, or is the patient: "Mum says", "lad, 19"."""
    if rule.name != "another person":
        return False
    person = _PERSON.search(match.group())
    return person is not None and bool(_REPORTS.match(sentence, match.start() + person.end()))


def _turn(sentence: str, at: int) -> int:
    turn = _TURN.search(sentence, at)
    return turn.start() if turn else len(sentence)


def _rest_agrees(rule: _Rule, text: str, begin: int, end: int) -> bool:
    """Whether what stands before and after speaks of a patient apart, or of somebody calm."""
    if rule.rest == "any":
        return True
    rest = f"{text[:begin]} | {text[end:]}"
    if _ALARM.search(rest):
        return False
    if rule.rest == "healed":
        return bool(_HEALED.search(text))
    if rule.rest == "calm":
        return _CALM.search(rest) is not None
    if rule.rest == "both":
        is_small = bool(_CALM.search(rest) and _SMALL.search(rest))
        return is_small and not _DEED.search(text[begin:end])
    if _CALLER.search(text) or _ALARM.search(text[begin:end]):
        return False
    if _PATIENT.search(rest) or rule.rest == "apart":
        return _PATIENT.search(rest) is not None
    is_calm = rule.rest == "small" or bool(_CALM.search(rest))
    return is_calm and bool(_SMALL.search(rest)) and not _may_be_patient(text, begin)


def _may_be_patient(text: str, begin: int) -> bool:
    """Whether the note begins there, and with kin: "Nan had a stroke" may be the patient."""
    return _KIN.match(text) is not None and not text[:begin].strip()
