"""What is too much of one kind among the medicines of a note. Pure.

Several products hold paracetamol, or an anti-inflammatory: somebody who takes two of them may not
know. A total above `_MOST_GRAMS` of paracetamol is told where the note counts tablets or grams.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from triage_site.triage.history.names import HOLDS
from triage_site.triage.reading.tokens import Word

_PARACETAMOL: Final = "with paracetamol"
_MOST_GRAMS: Final = 4.0  # of an adult in 24 hours (BNF)
_GRAMS_OF_TABLET: Final = 0.5
_NUMBERS: Final = {
    "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8",
    "nine": "9", "ten": "10", "eleven": "11", "twelve": "12", "twenty": "20", "thirty": "30",
    "forty": "40", "fifty": "50",
}  # fmt: skip
_COUNTED: Final = frozenset({"x", "tablet", "tablets", "tab", "tabs", "caplets", "pills", "of"})
_LIQUID: Final = frozenset({"calpol", "lemsip", "night nurse", "day nurse"})
_COUNT: Final = re.compile(r"\d{1,4}$")
_GRAMS: Final = {"g": 1.0, "gram": 1.0, "grams": 1.0, "mg": 0.001}


def warnings(words: Sequence[Word], taken: Sequence[tuple[str, int, int]]) -> Iterator[str]:
    """`taken`: the name in standard form of each medicine, and its first and last words."""
    for what, products in HOLDS.items():
        of_kind = [one for one in taken if one[0] in products]
        if len({name for name, _, _ in of_kind}) > 1:
            yield f"more than one {what}"
        if what == _PARACETAMOL and sum(_grams(words, *one) for one in of_kind) > _MOST_GRAMS:
            yield "paracetamol above 4 g"


def _grams(words: Sequence[Word], name: str, first: int, last: int) -> float:
    """Told before or after the name; 0 where no amount is told."""
    before = [_in_digits(word) for word in words[max(0, first - 5) : first]]
    while before and before[-1] in ("of", "x", "the", "his", "her", "my"):
        before.pop()
    if len(before) > 1 and before[-1] in _GRAMS and _COUNT.match(before[-2]):
        return float(before[-2]) * _GRAMS[before[-1]] * _times(before[:-2])
    while before and before[-1] in _COUNTED:
        before.pop()
    if name in _LIQUID:
        return 0.0
    if before and _COUNT.match(before[-1]):
        return float(before[-1]) * _GRAMS_OF_TABLET
    after = [_in_digits(word) for word in words[last : last + 3]]
    if after[:1] == ["x"] and len(after) > 1 and _COUNT.match(after[1]):
        return float(after[1]) * _GRAMS_OF_TABLET
    if len(after) > 1 and _COUNT.match(after[0]) and after[1] in _COUNTED - {"of", "x"}:
        return float(after[0]) * _GRAMS_OF_TABLET
    if len(after) > 1 and _COUNT.match(after[0]) and after[1] in _GRAMS:
        return float(after[0]) * _GRAMS[after[1]]
    return 0.0


def _in_digits(word: Word) -> str:
    return _NUMBERS.get(word.form, word.form)


def _times(before: Sequence[str]) -> int:
    """How often an amount was taken that stands after these words ("16 x 500 mg", "8 500 mg")."""
    counts = before[:-1] if before[-1:] == ["x"] else before
    return int(counts[-1]) if counts and _COUNT.match(counts[-1]) else 1
