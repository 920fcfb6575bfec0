"""Passwords that an attacker guesses early although they are long."""

from __future__ import annotations

from typing import Any, Final

from django.core.exceptions import ValidationError
from zxcvbn import zxcvbn

WANTED_SCORE: Final = 4  # zxcvbn's scale: 10^10 guesses or more
_LONGEST: Final = 64  # of a longer password the beginning is judged, because the time grows
_SITE_WORDS: Final = (
    "triage",
    "emergency",
    "hospital",
    "department",
    "clinician",
    "nurse",
    "doctor",
)


class GuessingValidator:
    """Refuses what an attacker guesses with fewer than 10^10 tries, by the library zxcvbn.

    It knows common passwords, names, words, dates, rows of keys, repeats, and letters written as
    digits (Wheeler: zxcvbn, USENIX Security 2016). The words of the account and of the site count
    as known to the attacker.
    """

    def validate(self, password: str, user: Any = None) -> None:
        """Raises ValidationError."""
        if not password:  # the library cannot judge it
            raise ValidationError("This password is empty.", code="easy_to_guess")
        known = [getattr(user, name, "") or "" for name in ("username", "first_name", "last_name")]
        judged = zxcvbn(password[:_LONGEST], user_inputs=[*known, *_SITE_WORDS])
        if judged["score"] >= WANTED_SCORE:
            return
        raise ValidationError(
            " ".join(
                [
                    "This password is easy to guess.",
                    judged["feedback"]["warning"] or "Use three or more unrelated words.",
                ]
            ),
            code="easy_to_guess",
        )

    def get_help_text(self) -> str:
        return "Your password can't be easy to guess. Three or more unrelated words are good."
