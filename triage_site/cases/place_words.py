"""The place of a case in the queue, in one plain sentence. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.utils.text import get_text_list

from scheduling.selectors import QueuePlace

_ORDINALS: Final = (
    *("Next", "Second", "Third", "Fourth", "Fifth", "Sixth", "Seventh", "Eighth", "Ninth"),
    "Tenth",
)
_NUMBERS: Final = (
    *("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
)


def place_sentence(rank: int, ahead: Sequence[int]) -> str:
    """Returns "Third in the queue: two cases of level 1 stand before it."

    `rank` is 0 for the next one; `ahead` are the numbers of cases before it, by level.
    """
    return f"{ordinal(rank)} in the queue: {ahead_words(ahead)}."


def ahead_words(ahead: Sequence[int]) -> str:
    """Returns "two cases of level 1 and one of level 2 stand before it"."""
    parts = [(num, level) for level, num in enumerate(ahead) if num]
    if not parts:
        return "no case stands before it"
    words = [
        f"{number_word(num)}{_cases(num) if at == 0 else ''} of level {level}"
        for at, (num, level) in enumerate(parts)
    ]
    stand = "stands" if sum(num for num, _ in parts) == 1 else "stand"
    return f"{get_text_list(words, 'and')} {stand} before it"


def ordinal(rank: int) -> str:
    """Returns "Next", "Second" ... "Tenth", "11th"."""
    if rank < len(_ORDINALS):
        return _ORDINALS[rank]
    number = rank + 1
    is_teen = number // 10 % 10 == 1
    ending = "th" if is_teen else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def number_word(number: int) -> str:
    return _NUMBERS[number] if number < len(_NUMBERS) else str(number)


def steps_words(steps_up: int) -> str:
    """Returns "up by 2", "down by 1"; for 0 the words of a place that the policy gives again."""
    if steps_up == 0:
        return "back to the place of the policy"
    return f"{'up' if steps_up > 0 else 'down'} by {abs(steps_up)}"


def moved_words(place: QueuePlace | None) -> str:
    """Returns "moved up by 2 (anna)"; empty for a case that stands where the policy puts it."""
    if place is None or place.manual_steps is None:
        return ""
    steps = place.manual_steps
    words = f"moved {steps_words(steps)}" if steps else "moved by a person"
    return f"{words} ({place.manual_by})" if place.manual_by else words


def _cases(num: int) -> str:
    return " case" if num == 1 else " cases"
