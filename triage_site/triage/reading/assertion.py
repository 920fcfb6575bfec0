"""How words are meant: of this patient now, or denied, past, a relative's, only thought of. Pure.

A scope rule in the spirit of NegEx (Chapman et al. 2001): a trigger before the words covers
them unless something between the two ends its reach. Where English is ambiguous the words
count as present, since a rule that fires for nothing costs less than one that stays silent.
"""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache
from typing import Final

from triage_site.triage.reading import assertion_words as guard_words


class Standing(Enum):
    PRESENT = "present"
    DENIED = "denied"
    PAST = "past"
    RELATIVE = "relative"
    SUPPOSED = "supposed"


_WINDOW: Final = 500  # letters either side; a sentence is seldom longer
_MAX_ITEM_WORDS: Final = 5
_MAX_NEAR_WORDS: Final = 3
_MAX_FAR_WORDS: Final = 8
_MAX_BARE_ITEM_WORDS: Final = 3
_MIN_BARE_ITEMS: Final = 3


def standing(*, before: str, words: str, after: str, opens_note: bool, note: str = "") -> Standing:
    """`before` and `after`: the rest of the sentence, in standard spelling; `note`: all of it."""
    before, after = before[-_WINDOW:], after[:_WINDOW]
    if _is_denied(before, words, after):
        return Standing.DENIED
    nearby = _last_item(before) + _first_item(after)
    # A date takes the words' own "acute" or "sudden" with it into the past.
    current = bool(
        guard_words.NOW.search(
            nearby if guard_words.PAST_AFTER.search(after) else nearby + " " + words
        )
    )
    if _is_relative(before, after, opens_note, current=current):
        return Standing.RELATIVE
    if _is_other_person(before, words, after, note or before + words + after, current=current):
        return Standing.RELATIVE
    if not current and _is_past(before, after):
        return Standing.PAST
    if _is_supposed(before, after) or _is_figure(before, words, after):
        return Standing.SUPPOSED
    return Standing.PRESENT


def _is_denied(before: str, words: str, after: str) -> bool:
    if guard_words.DENIED_AFTER.search(after) or (
        guard_words.ASKS.search(before) and guard_words.ANSWERED_NO.search(after)
    ):
        return True
    undone = _last(guard_words.DENIAL_UNDONE, before)
    if undone is not None and not re.search(r",|\bbut\b", before[undone.end() :]):
        return False
    if guard_words.GOES_ON_AFTER.search(after) or guard_words.NEW_CLAUSE.search(words):
        return False
    strong = _last(guard_words.STRONG_DENIAL, before)
    if strong is not None and _denial_reaches(before[strong.end() :], lists=True):
        return True
    weak = _last(guard_words.WEAK_DENIAL, before)
    if weak is None or (weak.group() == "never" and guard_words.FIRST_EVER_AFTER.search(after)):
        return False
    gap = before[weak.end() :]
    if "," not in gap:
        return " and " not in gap and _denial_reaches(gap, lists=False)
    return _is_denied_list(gap, words, after)


def _denial_reaches(gap: str, *, lists: bool) -> bool:
    gap = guard_words.HOW.sub("", gap)
    return not guard_words.ENDS_DENIAL.search(gap) and _reaches(gap, lists=lists)


def _is_denied_list(gap: str, words: str, after: str) -> bool:
    """ "no fever, cough or rash" and "no fever, cough, rash", but not "no fever, chest pain"."""
    if not _denial_reaches(gap, lists=True):
        return False
    following = re.split(r"[.;!?]", after, maxsplit=1)[0]
    if re.search(r"\b(?:or|nor)\b", gap + words + " " + following):
        return True
    items = [item.split() for item in (gap + words + following).split(",")]
    bare = all(len(item) <= _MAX_BARE_ITEM_WORDS for item in items)
    return bare and len(items) >= _MIN_BARE_ITEMS and not guard_words.ENDS_REACH.search(following)


def _reaches(gap: str, *, lists: bool) -> bool:
    if guard_words.ENDS_REACH.search(gap):
        return False
    items = gap.split(",")
    if len(items) > 1 and not lists:
        return False
    return all(len(item.split()) <= _MAX_ITEM_WORDS for item in items)


def _is_past(before: str, after: str) -> bool:
    if guard_words.ALIKE.search(after) or guard_words.ALIKE_BEFORE.search(before):
        return False
    if guard_words.PAST_AFTER.search(after) or _is_dated(before):
        return True
    trigger = _last(guard_words.HISTORY, before)
    if trigger is None:
        return False
    gap = before[trigger.end() :]
    if trigger.group().split(":")[0] in guard_words.NEAR_HISTORY:
        return "," not in gap and len(gap.split()) <= _MAX_NEAR_WORDS
    return _reaches(gap, lists=True)


def _is_dated(before: str) -> bool:
    """ "In 2015, she had a", up to the next comma."""
    trigger = _last(guard_words.PAST_BEFORE, before)
    if trigger is None:
        return False
    gap = before[trigger.end() :].removeprefix(" ,")
    return (
        "," not in gap
        and len(gap.split()) <= _MAX_FAR_WORDS
        and not guard_words.BACK_TO_NOW.search(gap)
    )


def _is_relative(before: str, after: str, opens_note: bool, *, current: bool) -> bool:
    if current:
        return False
    if guard_words.FAMILY_AFTER.search(after):
        return True
    trigger = _last(guard_words.FAMILY, before)
    if trigger is None or re.search(r"\b(?:but|however|now|patient)\b", before[trigger.end() :]):
        return False
    caller_for_kin = opens_note and guard_words.OWN_PATIENT.search(before)
    return not caller_for_kin or bool(guard_words.LONG_AGO.search(before + after))


def _is_other_person(before: str, words: str, after: str, note: str, *, current: bool) -> bool:
    """Somebody else is the subject, and the note shows that the patient is not that person."""
    pet = _last(guard_words.PET_SUBJECT, before)
    if pet is not None and not guard_words.PET_HURTS.search(before[pet.end() :] + words):
        return not guard_words.NEW_SUBJECT.search(before[pet.end() :])
    other = _last(guard_words.OTHER, before)
    if other is None or guard_words.NEW_SUBJECT.search(before[other.end() :]):
        return False
    if len(before[other.end() :].split()) > _MAX_FAR_WORDS:
        return False
    if other["bare"] is not None and not guard_words.DOES_ALONE.search(words):
        return False
    patient, hints = _patients_in(note)
    mine = other["whose"] in ("my", "our")
    if other["has"] is not None or other["bare"] is not None or current:
        return patient and not mine
    if (
        other["whose"] in ("his", "her", "their", "patient's")
        and guard_words.ILL.search(other["had"])
        and not guard_words.NEAREST.search(other[0])
    ):
        return True
    hinted = bool(hints & {guard_words.PRONOUN.get(other["whose"], "he"), "patient", ""})
    dated = bool(guard_words.PAST_AFTER.search(after)) or bool(guard_words.DEAD.search(other[0]))
    return (patient and not mine) or hinted or dated


@lru_cache(maxsize=256)
def _patients_in(note: str) -> tuple[bool, frozenset[str]]:
    """Whether the note surely names a patient of its own, and by what words it perhaps does."""
    hints = frozenset(
        m["who"] or m["me"] or "" for m in guard_words.ALSO_THE_PATIENT.finditer(note)
    )
    return bool(guard_words.THE_PATIENT.search(note)), hints


def _is_supposed(before: str, after: str) -> bool:
    if guard_words.NAMED_AFTER.search(after):
        return True
    if guard_words.BELIEVED.search(before) and guard_words.PROVED_OTHERWISE.search(after):
        return True
    near = _supposed_by(
        guard_words.SUPPOSED, before, after, _MAX_ITEM_WORDS, guard_words.SUPPOSED_ENDS
    )
    return near or _supposed_by(
        guard_words.SUPPOSED_FAR, before, after, _MAX_FAR_WORDS, guard_words.FAR_ENDS
    )


def _supposed_by(
    triggers: re.Pattern[str], before: str, after: str, max_words: int, ends: re.Pattern[str]
) -> bool:
    trigger = _last(triggers, before)
    if trigger is None:
        return False
    gap = before[trigger.end() :]
    reach = 1 if trigger.group() == "query" else max_words
    if ends.search(gap):
        return False
    if "," in gap:
        return _is_list_of_choices(gap, after)
    return len(gap.split()) <= reach


def _is_list_of_choices(gap: str, after: str) -> bool:
    """ "Come back if short of breath, confused or drowsy"."""
    bare = all(len(item.split()) <= _MAX_BARE_ITEM_WORDS for item in gap.split(","))
    following = re.split(r"[,.;!?]", after, maxsplit=1)[0]
    return bare and bool(re.search(r"\bor\b", gap + following))


def _is_figure(before: str, words: str, after: str) -> bool:
    """ "Gave me a heart attack", "felt as if run over by a bus"."""
    if guard_words.FIGURE_WORDS.search(words):
        return bool(
            guard_words.FIGURE_BEFORE.search(before) or guard_words.FIGURE_AFTER.search(after)
        )
    return bool(guard_words.LIKENED.search(before) and guard_words.BLOW.search(words))


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    found = list(pattern.finditer(text))
    return found[-1] if found else None


def _last_item(before: str) -> str:
    return before.rsplit(",", 1)[-1]


def _first_item(after: str) -> str:
    """What is told of somebody after "and he" is another thing."""
    return guard_words.NEXT_ITEM.split(after, maxsplit=1)[0]
