"""Medicines that a note shortens or misspells. Pure.

Only a word that no dictionary and no table knows is compared with the names, and only where one
letter left out of each makes them sound alike: `metformn`, `codiene`, `clopidrogel`. So an
everyday word never becomes a medicine.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Set
from functools import cache, lru_cache
from typing import Final

from triage_site.triage.history.names import MEDICINE, SHORT, SHORT_BESIDE_AMOUNT, SPELT_NAMES
from triage_site.triage.reading.words import MOST_LETTERS, is_english, one_letter_away, stem

_LEAST_LETTERS: Final = 6
_LONG: Final = 8
_AMOUNT: Final = re.compile(r"\d")
_SOUNDS: Final = (("ph", "f"), ("y", "i"), ("ck", "k"), ("ce", "se"), ("ci", "si"), ("th", "t"))
_FOREIGN_ENDINGS: Final = ("a", "e", "o", "um")

_ALLERGY_WORDS: Final = ("allergic", "allergies", "allergy")
_LIKE_ALLERGY: Final = re.compile(r"(?<![^\W_])al[a-z]{3,9}(?![^\W_])", re.IGNORECASE)
_NO_SLIP: Final = re.compile(r"al+erg(?:i|ia|ias|ie|ien|iques?|ic[oa]|isk|ens?)")


def medicine_meant(written: str, *, before: str) -> tuple[str, str]:
    """The name that the word stands for, and the same where it is told instead of the word;
    both empty for any other word. `before`: the word that it stands before."""
    word = written.lower()
    if word in SHORT or (word in SHORT_BESIDE_AMOUNT and _AMOUNT.match(before)):
        name = SHORT.get(word) or SHORT_BESIDE_AMOUNT[word]
        return name, name
    return _misspelt(word)


def with_allergies_spelt(text: str) -> tuple[str, dict[str, str]]:
    """The text with each misspelt "allergic" and the like as it should be written; and how the
    text spells each of these words, where it does so throughout. Words of other languages stay:
    they are read as they are."""
    written: dict[str, set[str]] = defaultdict(set)

    def spelt(match: re.Match[str]) -> str:
        meant = _allergy_meant(match[0].lower())
        meant = meant.capitalize() if match[0][0].isupper() else meant
        written[meant or match[0]].add(match[0])
        return meant or match[0]

    told = _LIKE_ALLERGY.sub(spelt, text)
    return told, {right: found.pop() for right, found in written.items() if len(found) == 1}


@lru_cache(maxsize=2_000)
def _allergy_meant(word: str) -> str:
    """The English word that it sounds like, or is one slip away from."""
    if word in _ALLERGY_WORDS or _NO_SLIP.fullmatch(word):
        return ""
    sound = _sound_of_allergy(word)
    near = {sound} if sound in _ALLERGY_SOUNDS else one_letter_away(sound) & _ALLERGY_SOUNDS.keys()
    meant = [_ALLERGY_SOUNDS[one] for one in near]
    return min(meant, key=lambda one: (abs(len(one) - len(word)), one), default="")


def _sound_of_allergy(word: str) -> str:
    return _plain(word.replace("j", "g").replace("k", "c"))


@lru_cache(maxsize=20_000)
def _misspelt(word: str) -> tuple[str, str]:
    """A name with an ending of another language, and one that several names are near to, is
    told as written."""
    if MEDICINE.fullmatch(word):
        return word, ""
    is_length = _LEAST_LETTERS <= len(word) <= MOST_LETTERS
    if not is_length or not (word.isascii() and word.isalpha()):
        return "", ""
    if is_english(word) and stem(word) not in _stems():  # but "insuline" is no other word
        return "", ""
    found = _near(word)
    if not found:
        return "", ""
    told = "" if len(found) > 1 or _is_foreign(word, found[0]) else found[0]
    return found[0], told


def _near(word: str) -> list[str]:
    """The names that the word may stand for, the likeliest first; of a short one only a letter
    may be wrong, missing, too much or in the place of the next."""
    sounds = {_sound(word), _plain(word)}
    alike = (name for sound in sounds for name in _index().get(sound, ()))
    same = {name for name in alike if _sounds_as(name, sounds)}
    left = (*sounds, *(one for sound in sounds for one in _shortened(sound)))
    found = {name for one in left for name in _index().get(one, ()) if name[0] == word[0]}
    fits = {name for name in same or found if len(name) >= _LONG or name in same}
    if short := {name for name in found - fits if len(name) >= _LEAST_LETTERS and not same}:
        near = {one for sound in sounds for one in one_letter_away(sound)}
        fits |= {name for name in short if _sounds_as(name, near)}
    fits = fits or {name for name in SPELT_NAMES if _is_cut(word, name)}
    letters = sorted(word)  # "xeralto"
    fits = fits or {n for n in SPELT_NAMES if n[0] == word[0] and sorted(n) == letters}
    return sorted(fits, key=lambda name: (abs(len(name) - len(word)), name))


def _is_cut(word: str, name: str) -> bool:
    """ "bisoprol", "simvastin": the beginning of a name, or a long one without two letters."""
    if len(word) >= _LONG - 1 and name.startswith(word):
        return True
    letters = iter(name)
    missing = len(name) - len(word)
    is_long = len(name) > _LONG + 1 and missing == 2 and name[:3] == word[:3]
    return is_long and all(letter in letters for letter in word)


def _sounds_as(name: str, sounds: Set[str]) -> bool:
    return _sound(name) in sounds or _plain(name) in sounds


def _is_foreign(word: str, name: str) -> bool:
    sound, own = _sound(word), _sound(name)
    stems = {own, own.removesuffix("e"), own.removesuffix("i")}
    return sound != own and any(sound == one + end for one in stems for end in _FOREIGN_ENDINGS)


@cache
def _stems() -> frozenset[str]:
    return frozenset(map(stem, SPELT_NAMES))


@cache
def _index() -> dict[str, frozenset[str]]:
    """Names by their sound, and by it with one letter left out."""
    found: dict[str, set[str]] = defaultdict(set)
    for name in SPELT_NAMES:
        for sound in {_sound(name), _plain(name)}:
            for one in (sound, *_shortened(sound)):
                found[one].add(name)
    return {sound: frozenset(names) for sound, names in found.items()}


def _shortened(word: str) -> Iterator[str]:
    return (word[:at] + word[at + 1 :] for at in range(len(word)))


def _sound(word: str) -> str:
    for letters, plain in _SOUNDS:
        word = word.replace(letters, plain)
    return _plain(word)


def _plain(word: str) -> str:
    return re.sub(r"(.)\1", r"\1", word)


_ALLERGY_SOUNDS: Final = {_sound_of_allergy(word): word for word in _ALLERGY_WORDS}
