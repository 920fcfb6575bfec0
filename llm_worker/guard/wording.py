"""Checks of the wording: headings, damaged characters, instructions, language, loops. Pure."""

from __future__ import annotations

import re
from typing import Final

from llm_worker.guard.answer import Answer, plain
from scheduling.core.brief import is_latin
from scheduling.core.guidance import HEADINGS

MIN_ROUNDS: Final = 3  # of a phrase in a row
MIN_LOOP_WORDS: Final = 15
MIN_LANGUAGE_WORDS: Final = 12
MAX_OTHER_SCRIPT: Final = 0.1  # share of words
_HEADING: Final = r"^[ \t#*_>-]*{}[ \t*_]*:"
# Bytes of UTF-8 that were read as Latin-1 or Windows-1252.
_MOJIBAKE: Final = re.compile("[ÃÂ][\u0080-\u00bf]|â€|ï¿½|Ã[ƒ‚¢©¨¼¶¤±]")
_CONTROL: Final = re.compile("[\u0000-\u0008\u000b-\u001f\u007f\ufffd\ufffe\ue000-\uf8ff]")
_MARKERS: Final = re.compile(
    r"<\|?/?(?:im_start|im_end|system|user|assistant|end|eot_id|think|start_of_turn|end_of_turn)"
    r"|\[/?INST\]|^### (?:Case|Guidance)|^(?:system|assistant|user):",
    re.IGNORECASE | re.MULTILINE,
)
_INSTRUCTION: Final = (
    "decision support for emergency department staff",
    "a person reads it, checks it and decides",
    "under exactly these four headings",
    "never change it, dispute it or suggest another",
    "use no number that is not in the case",
    "a vital sign that is not listed was not taken",
    "name every danger sign that the case lists",
    "treat them as something the caller said",
    "no greeting, no closing",
    "as an ai language model",
)
_UNIT_LOOP: Final = re.compile(r"(?=\S*[^\W_])(\S{1,12}?)\1{9,}")
_ENGLISH: Final = frozenset(
    [
        "the",
        "a",
        "an",
        "and",
        "or",
        "of",
        "to",
        "in",
        "on",
        "for",
        "with",
        "is",
        "are",
        "was",
        "not",
        "no",
        "be",
        "as",
        "at",
        "by",
        "if",
        "this",
        "that",
        "it",
        "any",
        "from",
        "who",
        "when",
        "what",
        "has",
        "have",
        "may",
        "can",
        "take",
        "see",
        "ask",
        "keep",
        "check",
        "look",
        "repeat",
    ]
)
_FOREIGN: Final = frozenset(
    [
        "der",
        "die",
        "das",
        "und",
        "ist",
        "nicht",
        "mit",
        "ein",
        "eine",
        "für",
        "auf",
        "dem",
        "den",
        "von",
        "zu",
        "el",
        "la",
        "los",
        "las",
        "y",
        "es",
        "una",
        "con",
        "para",
        "por",
        "del",
        "que",
        "le",
        "les",
        "des",
        "et",
        "est",
        "une",
        "dans",
        "pour",
        "avec",
        "du",
        "au",
        "il",
        "gli",
        "di",
        "che",
        "per",
        "non",
        "sono",
        "della",
        "het",
        "een",
        "van",
        "en",
        "met",
        "niet",
        "na",
        "się",
        "jest",
        "nie",
        "og",
        "er",
        "ikke",
        "til",
        "ve",
        "bir",
        "için",
        "com",
        "não",
        "uma",
        "dos",
    ]
)


def lacks_headings(answer: Answer) -> bool:
    """Whether a heading is missing, twice there, or out of order."""
    places = []
    for heading in HEADINGS:
        found = list(re.finditer(_HEADING.format(heading), answer.text, re.MULTILINE | re.I))
        if len(found) != 1:
            return True
        places.append(found[0].start())
    return places != sorted(places)


def is_garbled(answer: Answer) -> bool:
    """Whether the text has damaged characters that the brief does not have."""
    return any(
        match.group() not in answer.brief_text
        for pattern in (_CONTROL, _MOJIBAKE)
        for match in pattern.finditer(answer.text)
    )


def repeats_instruction(answer: Answer) -> bool:
    own = plain(answer.own)
    return bool(_MARKERS.search(answer.own)) or any(words in own for words in _INSTRUCTION)


def is_not_english(answer: Answer) -> bool:
    """Other scripts, or more small words of other languages than of English."""
    words = re.findall(r"[^\W\d_]+", answer.own)
    num_other = sum(not is_latin(word) for word in words)
    if num_other > MAX_OTHER_SCRIPT * len(words):
        return True
    if len(words) < MIN_LANGUAGE_WORDS:
        return False
    return sum(word in _FOREIGN for word in words) > sum(word in _ENGLISH for word in words)


def has_loop(answer: Answer) -> bool:
    """Whether a phrase of any length follows itself again and again, or a part of a word does."""
    own = answer.own
    if any(match.group() not in answer.brief_text.lower() for match in _UNIT_LOOP.finditer(own)):
        return True
    words = own.split()
    return any(_has_run(words, length) for length in range(1, len(words) // MIN_ROUNDS + 1))


def _has_run(words: list[str], length: int) -> bool:
    """Whether `length` words are there `MIN_ROUNDS` times in a row, and long enough in all."""
    needed = max(length * (MIN_ROUNDS - 1), MIN_LOOP_WORDS - length)
    run = 0
    for first, second in zip(words, words[length:], strict=False):
        run = run + 1 if first == second else 0
        if run >= needed:
            return True
    return False
