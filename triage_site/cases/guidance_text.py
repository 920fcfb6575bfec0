"""Splits guidance at its headings. Pure; the text is not escaped."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from scheduling.core.guidance import HEADINGS

_HEADING: Final = re.compile(
    rf"^[ \t]*[#*_]*[ \t]*({'|'.join(HEADINGS)})[ \t]*[*_]*[ \t]*:[ \t]*[*_]*[ \t]*",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Section:
    """`heading` is empty for text before the first heading."""

    heading: str
    text: str


def sections(guidance: str) -> list[Section]:
    """Splits the text into sections, in order. No text is lost except the headings."""
    found = list(_HEADING.finditer(guidance))
    starts = [match.start() for match in found] + [len(guidance)]
    before = guidance[: starts[0]].strip()
    result = [Section("", before)] if before else []
    for match, end in zip(found, starts[1:], strict=True):
        result.append(Section(match.group(1).capitalize(), guidance[match.end() : end].strip()))
    return result
