"""Ages in bands, for statistics about cases that no longer have an age. Pure."""

from __future__ import annotations

from typing import Any, Final

# From this age in years on. Few people are older than 89, so that an age above names a person
# (45 CFR 164.514(b)(2)(i)(C)).
_FROM: Final = ((90, "90+"), (75, "75-89"), (65, "65-74"), (40, "40-64"), (18, "18-39"))
_CHILDREN: Final = ((12, "12-17"), (5, "5-11"), (1, "1-4"), (0, "under 1"))
BANDS: Final = tuple(reversed([words for _, words in (*_FROM, *_CHILDREN)]))


def age_band(years: Any) -> str:
    """Returns the band of an age, such as "40-64"; empty for no age."""
    if not isinstance(years, int | float) or isinstance(years, bool):
        return ""
    return next((words for least, words in (*_FROM, *_CHILDREN) if years >= least), "")
