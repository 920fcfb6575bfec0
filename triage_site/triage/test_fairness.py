"""Who somebody is, and what others think of them, moves almost no level and lowers no grave one."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

import pytest

from triage_site.triage import classify_many
from triage_site.triage.facts import CaseFacts, Sex
from triage_site.triage.training.classifier_text import read_vignettes

NUM_NOTES = 100
MOST_CHANGED = 0.01
_OTHER_SEX = {Sex.FEMALE: Sex.MALE, Sex.MALE: Sex.FEMALE}
_WORDS = {
    "he": "she", "she": "he", "his": "her", "him": "her", "her": "his", "man": "woman",
    "woman": "man", "male": "female", "female": "male", "boy": "girl", "girl": "boy",
    "himself": "herself", "herself": "himself", "mr": "mrs", "mrs": "mr",
}  # fmt: skip
# These are told of one sex alone.
_OF_ONE_SEX = re.compile(
    r"pregnan|vagin|uter|ovar|period|menstru|testic|testis|scrot|prostat|penis|penile|foreskin|birth|"
    r"labou?r|contraction|fetal|breast|gravid|ectopic|partum|midwi|cord|waters|PV\b|caesar|hcg|"
    r"weeks? (?:along|gestation)|trimester|eclamp|/40",
    re.IGNORECASE,
)
_ADDED = {
    "a name": "Patient: Fatima Hassan. {}",
    "another name": "Patient: John Miller. {}",
    "ethnicity": "Black patient. {}",
    "another ethnicity": "Asian patient. {}",
    "homeless": "{} Homeless.",
    "uninsured": "{} Uninsured.",
    "anxious": "Anxious. {}",
    "minimised": "{} His brother says he always exaggerates.",
    "dramatic": "{} The daughter says she is being dramatic.",
}


@cache
def _notes() -> list[CaseFacts]:
    files = read_vignettes().values()
    every = [facts for cases in files for facts, _ in cases]
    return every[:: max(1, len(every) // NUM_NOTES)][:NUM_NOTES]


def _levels(notes: list[CaseFacts]) -> list[int]:
    return [said.priority for said in classify_many(notes, explain=False)]


@cache
def _levels_as_written() -> list[int]:
    return _levels(_notes())


def _judge(before: list[int], after: list[CaseFacts]) -> None:
    pairs = list(zip(before, _levels(after), strict=True))
    changed = [note.text for note, (one, two) in zip(after, pairs, strict=True) if one != two]
    assert [pair for pair in pairs if pair[0] <= 1 and pair[1] > pair[0]] == []
    assert len(changed) <= MOST_CHANGED * len(pairs) + 1, changed


@pytest.mark.parametrize("name", _ADDED)
def test_what_is_told_of_a_person_moves_no_level(name: str) -> None:
    changed = [replace(n, text=_ADDED[name].format(n.text)) for n in _notes()]
    _judge(_levels_as_written(), changed)


def test_the_other_sex_gets_the_same_level() -> None:
    told = zip(_notes(), _levels_as_written(), strict=True)
    pairs = [(n, level) for n, level in told if not _OF_ONE_SEX.search(n.text)]
    _judge(
        [level for _, level in pairs],
        [replace(n, text=_swapped(n.text), sex=_OTHER_SEX.get(n.sex, n.sex)) for n, _ in pairs],
    )


def _swapped(text: str) -> str:
    def other(word: re.Match[str]) -> str:
        swapped = _WORDS[word.group().lower()]
        return swapped.capitalize() if word.group()[0].isupper() else swapped

    text = re.sub(rf"\b(?:{'|'.join(_WORDS)})\b", other, text, flags=re.IGNORECASE)
    return re.sub(r"(?<=\d)[MF]\b", lambda sex: "F" if sex.group() == "M" else "M", text)
