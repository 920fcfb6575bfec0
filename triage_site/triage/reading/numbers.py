"""Numbers in words brought to digits: "ninety-nine", "thirty eight point five". Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

_SMALL: Final = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
)
_TENTHS: Final = "twenty thirty forty fifty sixty seventy eighty ninety"
_ONES: Final = {word: value for value, word in enumerate(_SMALL.split())}
_TENS: Final = {word: 10 * value for value, word in enumerate(_TENTHS.split(), 2)}
IN_WORDS: Final = _ONES | _TENS  # the numbers of one word
_NUMBER: Final = "|".join([*_ONES, *_TENS, "hundred"])
# "sats in the seventies"
_DECADE: Final = "|".join(word[:-1] + "ies" for word in _TENS)
_RUN: Final = re.compile(
    rf"\b(?:a (?=hundred\b))?(?:{_NUMBER})(?:(?:[ -](?:and )?)(?:{_NUMBER}))*"
    rf"(?: point (?:{_NUMBER}))*\b"
    rf"|\b(?:{_DECADE})\b", re.IGNORECASE,
)  # fmt: skip
_ANY: Final = re.compile(rf"\b(?:{_NUMBER}|{_DECADE})", re.IGNORECASE)
# A small number stays a word ("one of them") unless a unit or a fraction follows.
_UNIT: Final = re.compile(
    r"[ -]*(?:years?|yrs?|months?|weeks?|days?|hours?|minutes?|out of|over|percent|per ?cent|"
    r"degrees|litres?|liters?|/|(?:times |breaths? |beats? )?(?:a|per|each|every) min)",
    re.IGNORECASE,
)
_BEFORE: Final = re.compile(
    r"(?:out of|over|pain|\b(?:gcs|g\.c\.s\.?|glasgow|coma scale|score|glucose|sugar|t?ews|news"
    r"|rr|resps?|resp(?:iratory)? rate|respirations?|breathing rate|refill)"
    r"[:=-]?(?: (?:of|is|was|now|only|just|about))*) $", re.IGNORECASE,
)  # fmt: skip
_BEFORE_REACH: Final = 40  # characters


def in_digits(chars: str, source: Sequence[int]) -> tuple[str, tuple[int, ...]]:
    """The text with numbers in digits, and the place of each of its characters."""
    if not _ANY.search(chars):
        return chars, tuple(source)
    out: list[str] = []
    places: list[int] = []
    at = 0
    for match in _RUN.finditer(chars):
        digits = _digits(match, chars)
        if digits is None:
            continue
        out += [chars[at : match.start()], digits]
        places += [*source[at : match.start()], *_spread(source, match, len(digits))]
        at = match.end()
    return "".join([*out, chars[at:]]), (*places, *source[at:])


def _spread(source: Sequence[int], match: re.Match[str], length: int) -> list[int]:
    """The first and the last place keep the ends of the words, so that quotes are whole."""
    first, last = source[match.start()], source[match.end() - 1]
    return [first] * (length - 1) + [last] if length > 1 else [last]


def _digits(match: re.Match[str], chars: str) -> str | None:
    written = match.group().lower()
    if written.endswith("ties"):
        return f"{_TENS[written.removesuffix('ies') + 'y']}s"
    whole, *tenths = written.split(" point ")
    words = [word for word in re.split(r"[ -]+", whole) if word not in ("and", "a")]
    value = _value(words)
    if value is None:
        return None
    if tenths:
        return ".".join([str(value), *(str(_ONES.get(word, 0)) for word in tenths)])
    plain = value < 13 and len(words) == 1
    if plain and not (
        _UNIT.match(chars, match.end())
        or _BEFORE.search(chars[max(0, match.start() - _BEFORE_REACH) : match.start()])
    ):
        return None
    return str(value)


def _value(words: list[str]) -> int | None:
    """None for words that make no number, such as a row of ones."""
    total = 0
    room = 1000
    for word in words:
        if word == "hundred" and total < 10:
            total, room = max(1, total) * 100, 100
            continue
        part = _ONES.get(word, _TENS.get(word, 0))
        if word == "hundred" or part >= room:
            return None
        total += part
        room = 10 if word in _TENS else 0
    return total
