"""The table of medicines and of the words beside them (`medicines.toml`). Pure."""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from triage_site.triage.reading.people import ADULTS, CHILDREN, COMPANIONS
from triage_site.triage.reading.words import ANTICOAGULANTS, ANTIPLATELETS

TABLE: Final[dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("medicines.toml").read_text(encoding="utf-8")
)


def whole_words(source: str) -> re.Pattern[str]:
    """A pattern for `source` where no letter and no digit is glued to it."""
    return re.compile(rf"(?<![^\W_])(?:{source})(?![^\W_])")


def any_of(sources: Iterable[str]) -> str:
    """One pattern; by the first letters of `sources`, so that few are tried at a place."""
    by_letter: dict[str, list[str]] = defaultdict(list)
    for source in sources:
        letter = source[0] if source[0].isalpha() and source[1:2] not in ("?", "*") else ""
        by_letter[letter].append(source.removeprefix(letter))
    several = by_letter.pop("", [])
    told = (f"{letter}(?:{'|'.join(rests)})" for letter, rests in by_letter.items())
    return "|".join([*several, *told])


def _any_of(names: list[str]) -> re.Pattern[str]:
    return whole_words(any_of(sorted(names, key=len, reverse=True)))


_SINGLE: Final = TABLE["names"]["single"].split()
_MORE: Final = TABLE["names"]["more"].split()
SINGLE_NAMES: Final = tuple(name.rstrip("?") for name in _SINGLE)  # a feature of the model
# Names that a misspelt word can stand for: not short brands, which words of other languages
# resemble ("alegre", "Vittoria").
_GENERIC: Final = tuple(TABLE["spelling"]["endings"])
_SPELT: Final = frozenset((*SINGLE_NAMES, *TABLE["spelling"]["brands"]))
SPELT_NAMES: Final = frozenset(
    name
    for name in (one.removesuffix("s?") for one in (*_SINGLE, *_MORE))
    if (name in _SPELT or name.endswith(_GENERIC)) and name not in TABLE["spelling"]["never"]
)
SHORT: Final[dict[str, str]] = TABLE["short"]
SHORT_BESIDE_AMOUNT: Final[dict[str, str]] = TABLE["short_beside_amount"]
SHORT_IN_ALLERGIES: Final[dict[str, str]] = TABLE["short_in_allergies"]
MEDICINE: Final = _any_of([*TABLE["names"]["several"], *_SINGLE, *_MORE])
BRANDS: Final[dict[str, str]] = TABLE["brand"]
_THINNERS: Final = (*ANTICOAGULANTS, *ANTIPLATELETS, *BRANDS, *TABLE["names"]["thinners"].split())
THINNER: Final = _any_of([one.replace("*", r"\w*") for one in _THINNERS])
ALLERGEN: Final = _any_of(TABLE["names"]["allergens"])
_SHORT: Final = whole_words("|".join(SHORT_IN_ALLERGIES))
KNOWN: Final = re.compile(rf"(?:{MEDICINE.pattern}|{ALLERGEN.pattern}|{_SHORT.pattern})")
HOLDS: Final[dict[str, frozenset[str]]] = {
    row["what"]: frozenset((*row["names"].split(), *row["several"])) for row in TABLE["holds"]
}
# Of each kind: its medicines, and what an allergy to it is called.
KINDS: Final = tuple(
    (names, names | frozenset(row["allergens"].split()))
    for row in TABLE["kind"]
    for names in [frozenset((*row["names"].split(), *row["several"]))]
)
RELATIVES: Final = (*ADULTS, *CHILDREN, *COMPANIONS, *TABLE["groups"]["family"])
