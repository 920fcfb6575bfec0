"""Words in one form: abbreviations in full, one spelling, light stems. Pure.

Tables (`words.toml`) hold abbreviations, variants and irregular forms. A word that no English
dictionary knows is compared with the clinical vocabulary; an everyday word is never changed.
"""

from __future__ import annotations

import re
import tomllib
from difflib import get_close_matches
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

from spellchecker import SpellChecker

from triage_site.triage.reading import people

TABLES: Final[dict[str, Any]] = tomllib.loads(
    (Path(__file__).parent / "words.toml").read_text(encoding="utf-8")
)
ABBREVIATIONS: Final[dict[str, str]] = TABLES["abbreviations"]
# Shorthand only when written in capitals, because it is a word as well.
CAPITALS: Final[dict[str, str]] = TABLES["capitals"]
ANTICOAGULANTS: Final = tuple(TABLES["sets"]["anticoagulants"].split())
ANTIPLATELETS: Final = tuple(TABLES["sets"]["antiplatelets"].split())
_FORMS: Final[dict[str, str]] = TABLES["forms"]
_STEMS: Final[dict[str, str]] = {
    form: stem for stem, forms in TABLES["irregular"].items() for form in (stem, *forms.split())
}
_CLINICAL: Final = frozenset(TABLES["vocabulary"]["words"].split())
_KNOWN: Final = _CLINICAL.union(TABLES["vocabulary"]["known"].split(), *people.GROUPS.values())
_BRITISH: Final = tuple(
    (re.compile(pattern), plain)
    for pattern, plain in (
        ("haem", "hem"), ("oea", "ea"), ("^oe(?=dem|soph|str)", "e"), ("foet", "fet"),
        ("paed", "ped"), ("anaem", "anem"), ("(?<=[dl])yse(?=[ds]|$)", "yze"),
        ("caem", "cem"), ("kalaem", "kalem"), ("natraem", "natrem"), ("xaem", "xem"),
        ("haemi", "hemi"), ("tumour", "tumor"), ("colour", "color"), ("isch?aem", "ischem"),
        ("caec", "cec"), ("naes", "nes"), ("ydraem", "ydrem"), ("cemia", "cemia"),
        ("litre", "liter"), ("(?<=cent)re$", "er"), ("(?<=met)re(?=s?$)", "er"),
        ("(?<=fib)re", "er"),
        ("(?<=[a-z]{3})our(?=s?$|ed$|ing$|ite$)", "or"), ("aemi(?=a$|c$)", "emi"),
        ("leuk?aem", "leukem"),
    )
)  # fmt: skip
_MIN_LETTERS: Final = 5
_LONG: Final = 5
MOST_LETTERS: Final = 40  # of a word that is compared with others
_FOREIGN: Final = frozenset(TABLES["sets"]["foreign"].split())
_LEAST_LONG: Final = 8  # letters of a word that may have several slips
_LEAST_ALIKE: Final = 0.84  # of `difflib`: 1 is the same
_MOST_LETTERS_MORE: Final = 2
_LEAST_PART: Final = 3
_MAX_PARTS: Final = 4
_COMMON_COUNT: Final = 3000  # of a word of a run-on, in the dictionary's own count
_SHORT: Final = frozenset({"cpr", "gcs", "pain"})
_ENDINGS: Final = {"m": "am", "re": "are", "ve": "have", "ll": "will", "d": "had"}
_IS_AFTER: Final = frozenset(TABLES["sets"]["before_is"].split())  # fmt: skip
_FAMILY: Final = {
    word: ABBREVIATIONS[word] for word in ("dad", "daddy", "mam", "mom", "mum", "mummy")
}
_NOT: Final = {"can't": "can not", "won't": "will not", "couldn't": "can not", "shan't": "will not"}


@cache
def _dictionary() -> SpellChecker:
    return SpellChecker(language="en")


@cache
def _english() -> frozenset[str]:
    """The words of the dictionary that can be said aloud."""
    return frozenset(word for word in _dictionary().word_frequency.words() if _has_vowel(word))


@lru_cache(maxsize=50_000)
def is_english(word: str) -> bool:
    """Whether an English dictionary or a table of this project has the word."""
    return (
        word in _KNOWN
        or word in ABBREVIATIONS
        or word in CAPITALS
        or word in _FORMS
        or word in _english()
        or stem(word) in _CLINICAL_STEMS
    )


def one_letter_away(word: str) -> frozenset[str]:
    """All that one slip makes of a word: a letter wrong, missing, too much, or two exchanged."""
    return frozenset(_dictionary().edit_distance_1(word))


def is_clinical(word: str) -> bool:
    """Whether the clinical vocabulary has the word."""
    return word in _CLINICAL or stem(word) in _CLINICAL_STEMS


@lru_cache(maxsize=20_000)
def forms(word: str) -> tuple[str, ...]:
    """The standard words for one word in lower case; shorthand gives several."""
    if word in ABBREVIATIONS:
        return tuple(ABBREVIATIONS[word].split())
    if word in _FORMS:
        return tuple(_FORMS[word].split())
    if "'" in word:
        return _apart(word)
    plain = _american(word)
    if plain in _FORMS:
        return tuple(_FORMS[plain].split())
    return _corrected(plain)


def _american(word: str) -> str:
    for pattern, spelling in _BRITISH:
        word = pattern.sub(spelling, word)
    return word


def _apart(word: str) -> tuple[str, ...]:
    if word.endswith("n't"):
        return tuple(_NOT.get(word, word[:-3] + " not").split())
    root, _, ending = word.partition("'")
    if ending == "s":
        # "mum's" is said of the same person as "mum"; a name is left as it is.
        return (
            (root, "is") if root in _IS_AFTER else tuple(_FAMILY.get(root, _american(root)).split())
        )
    if ending in _ENDINGS:
        return (root, _ENDINGS[ending])
    return (word.replace("'", ""),)


def _corrected(word: str) -> tuple[str, ...]:
    """For a word that nobody knows: the clinical word one letter away, the words that were written
    without a blank, or a long clinical word that is nearly the same."""
    is_length = _MIN_LETTERS <= len(word) <= MOST_LETTERS
    if not is_length or not word.isalpha() or not word.isascii() or is_english(word):
        return (word,)
    near = sorted(
        (one for one in _dictionary().edit_distance_1(word) if _is_target(one, word)),
        key=lambda one: (abs(len(one) - len(word)), one),
    )
    return (near[0],) if near else _split(word, _MAX_PARTS) or (_nearly(word),)


def _nearly(word: str) -> str:
    """The long clinical word with several slips: "anaphalaxsis"; else the word as it is."""
    if word in _FOREIGN:
        return word
    alike = [
        one
        for one in _LONG_CLINICAL.get(word[0], ())
        if abs(len(one) - len(word)) <= _MOST_LETTERS_MORE
    ]
    return next(iter(get_close_matches(word, alike, n=1, cutoff=_LEAST_ALIKE)), word)


def _is_target(candidate: str, word: str) -> bool:
    return candidate[0] == word[0] and candidate in _CLINICAL


def _split(word: str, most: int) -> tuple[str, ...]:
    """In as few common or clinical words as possible; empty where that cannot be done."""
    if _is_common(word):
        return (word,)
    best: tuple[str, ...] = ()
    for end in range(_LEAST_PART, len(word) - _LEAST_PART + 1) if most > 1 else ():
        rest = _split(word[end:], most - 1) if _is_common(word[:end]) else ()
        if rest and (not best or len(rest) + 1 < len(best)):
            best = (word[:end], *rest)
    return best


def _is_common(word: str) -> bool:
    return word in _CLINICAL or word in _SHORT or _dictionary()[word] >= _COMMON_COUNT


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """One stem for the regular inflections of a word, and for the irregular ones of the table."""
    if word in _STEMS:
        return _STEMS[word]
    root = _without_ending(word)
    if len(root) > 3 and root[-1] == root[-2] and root[-1] not in "lsefoz" and root != word:
        root = root[:-1]
    if len(root) > 3 and root[-1] == "e":
        root = root[:-1]
    if len(root) > _LONG and root.endswith("iz"):
        root = root[:-1] + "s"
    return root[:-1] + "i" if len(root) > 2 and root[-1] == "y" else root


def _without_ending(word: str) -> str:
    for ending, least in (("ies", 3), ("ied", 3), ("ing", 3), ("ed", 3), ("es", 3), ("s", 3)):
        root = word[: -len(ending)]
        if word.endswith(ending) and len(root) >= least and _has_vowel(root):
            if ending in ("ies", "ied"):
                return root + "y"
            if ending == "ed" and root.endswith("e"):
                return word
            if ending == "es" and not root.endswith(("s", "x", "z", "ch", "sh", "o")):
                return root + "e"
            return word if ending == "s" and root.endswith(("s", "u", "i")) else root
    return word


def _has_vowel(root: str) -> bool:
    return any(letter in "aeiouy" for letter in root)


# By the first letter: those that can be recognised with more than one slip.
_LONG_CLINICAL: Final = {
    letter: sorted(word for word in _CLINICAL if word[0] == letter and len(word) >= _LEAST_LONG)
    for letter in "abcdefghijklmnopqrstuvwxyz"
}
_CLINICAL_STEMS: Final = frozenset(stem(word) for word in _CLINICAL)
