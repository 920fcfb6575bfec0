"""Whether a note tells of more than one patient, so that a person must say whose it is. Pure."""

from __future__ import annotations

import re
from typing import Final

_PATIENT: Final = r"(?:pts?|patients?|pupil|casualty|victim|passenger)"
_TWO: Final = re.compile(
    r"\b(?:two|2|three|3|both|several) (?:pts|patients|casualties|victims|(?<!both )pupils)\b"
    rf"|\b{_PATIENT}\s?#?(?-i:[1A])\b(?!\s*[./-]).*\b{_PATIENT}\s?#?(?-i:[2B])\b"
    r"|\bnote (?:covers|is for|on) (?:two|2|both)\b",
    re.IGNORECASE | re.DOTALL,
)
# "seen two patients with flu", "works with two patients".
_OF_OTHERS: Final = re.compile(
    r"\b(?:of|with|by|for|from|after|saw|seen|nurse[sd]?|treat\w*|contact|between|other|last|among)\s+"
    r"(?:the |her |his |my )?$",
    re.IGNORECASE,
)


def tells_of_several(text: str) -> bool:
    """Whether two patients are counted ("car crash, two pts") or numbered ("Pt 1 ... Pt 2")."""
    found = _TWO.search(text)
    return found is not None and not _OF_OTHERS.search(text[: found.start()])
