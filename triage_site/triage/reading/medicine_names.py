"""Whether a word is the name of a medicine, or one slip away from one. Pure.

Names are the same in many languages, so they tell nothing of the language of a note. `history`
reads what a note says of medicines; its table is the only list of them.
"""

from __future__ import annotations

import tomllib
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

from triage_site.triage.reading.words import MOST_LETTERS, one_letter_away

_TABLE: Final = Path(__file__).parent.parent / "history" / "medicines.toml"
_LEAST_LETTERS: Final = 5  # of a name that is misspelt


@lru_cache(maxsize=20_000)
def is_medicine(word: str) -> bool:
    """`word` in lower case."""
    if word in _names():
        return True
    is_length = _LEAST_LETTERS <= len(word) <= MOST_LETTERS
    if not is_length or not (word.isascii() and word.isalpha()):
        return False
    near = (name for name in one_letter_away(word) & _names() if len(name) >= _LEAST_LETTERS)
    return any(name[0] == word[0] for name in near)


@cache
def _names() -> frozenset[str]:
    names = tomllib.loads(_TABLE.read_text(encoding="utf-8"))["names"]
    told = f"{names['single']} {names['more']}".split()
    return frozenset(form for name in told for form in (name.removesuffix("s?"), name.rstrip("?")))
