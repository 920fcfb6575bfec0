"""Passwords that an attacker tries first although they are long."""

from __future__ import annotations

import math
import re
from functools import cache
from typing import Any, Final

from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError

MOST_PARTS: Final = 2
MOST_OTHERS: Final = 4  # letters of no part, and runs of digits or signs
_SHORTEST: Final = 4
_LONGEST: Final = 64  # a longer password is not looked at: nobody guesses it, and it takes long
_LETTERS: Final = str.maketrans("013457@$!", "oieastasi")
_RUN: Final = re.compile(r"(.)\1{3,}")


class CommonPartsValidator:
    """Refuses what is put together from one or two common passwords and a few other characters.

    Lists of breached passwords are short where 12 characters are asked for (190 of Django's 19,640
    are as long), and the long ones that people choose are mostly such: `passwordpassword`,
    `qwerty123456`, `Dragon-2024!`. Letters that are written as digits count as letters.
    """

    def validate(self, password: str, user: Any = None) -> None:
        """Raises ValidationError."""
        lower = password.lower()
        if any(map(_is_common, {lower, lower.translate(_LETTERS)})):
            raise ValidationError(
                "This password is made of common passwords. Use three or more unrelated words.",
                code="common_parts",
            )

    def get_help_text(self) -> str:
        return "Your password can't be one or two common passwords with some digits."


def _is_common(text: str) -> bool:
    """Whether one or two parts leave few other characters.

    `fewest[i]` is the smallest number of those in the first `i` characters.
    """
    if len(text) > _LONGEST:
        return False
    costs = _costs(text)
    fewest = [float(sum(costs[:end])) for end in range(len(text) + 1)]
    for _ in range(MOST_PARTS):
        fewest = _with_one_part_more(text, costs, fewest)
        if fewest[-1] <= MOST_OTHERS:
            return True
    return False


def _with_one_part_more(text: str, costs: list[int], fewest: list[float]) -> list[float]:
    words, found = _words(), [math.inf] * (len(text) + 1)
    for end in range(1, len(text) + 1):
        before = [
            fewest[start]
            for start in range(end - _SHORTEST + 1)
            if text[start:end] in words or _RUN.fullmatch(text, start, end)
        ]
        found[end] = min([found[end - 1] + costs[end - 1], *before])
    return found


def _costs(text: str) -> list[int]:
    """A letter counts as one character, and so does a whole run of digits or of signs."""
    kinds = [one.isalpha() + 2 * one.isdigit() for one in text]
    pairs = zip(kinds, [None, *kinds], strict=False)
    return [int(kind == 1 or kind != before) for kind, before in pairs]


@cache
def _words() -> frozenset[str]:
    found = CommonPasswordValidator().passwords
    return frozenset(word for word in found if len(word) >= _SHORTEST)
