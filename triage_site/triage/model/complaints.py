"""What a note is about: the groups of `complaints.toml`, found where they are present. Pure.

The groups are features of the model; their labels name the presenting complaint for people and
for the brief of the language model. A sign that fired names it better than a group.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from triage_site.triage.reading.note import Assertion, Mention, Note
from triage_site.triage.reading.terms import TermIndex, joined
from triage_site.triage.signs.tables import signs

_TABLE: Final[dict[str, Any]] = tomllib.loads(
    (Path(__file__).parent / "complaints.toml").read_text(encoding="utf-8")
)
_BOUND_LEVEL: Final = 3.4
CHILD_YEARS: Final = 12.0
INFANT_YEARS: Final = 1.0
# How strong, how long or how well somebody is names no complaint.
_QUALIFIERS: Final = frozenset(_TABLE["qualifiers"])
_OF_CHILDREN: Final = {
    "fever": "fever or illness in a child",
    "breathlessness": "breathing trouble in a child",
}
_UNWELL_INFANT: Final = "unwell infant"


@dataclass(frozen=True, slots=True)
class Group:
    """`level` (1 to 5) is where an adult with normal vital signs starts."""

    code: str
    level: float
    label: str

    @property
    def bound(self) -> bool:
        """Whether danger signs belong to it: then it may never speak against urgency."""
        return self.level <= _BOUND_LEVEL

    @property
    def names_complaint(self) -> bool:
        return self.code not in _QUALIFIERS


GROUPS: Final = tuple(
    Group(row["code"], row["level"], row.get("label", "")) for row in _TABLE["group"]
)
_OWNERS: Final = tuple(
    (term, number) for number, row in enumerate(_TABLE["group"]) for term in joined(row["terms"])
)
_LABELS: Final = {group.code: group.label for group in GROUPS if group.label}
_LEVELS: Final = {group.code: group.level for group in GROUPS}


@cache
def _index() -> TermIndex:
    return TermIndex([term for term, _ in _OWNERS], _TABLE["groups"])


def find_groups(note: Note) -> Iterator[tuple[Group, Mention]]:
    for term, mention in note.find(_index()):
        yield GROUPS[_OWNERS[term][1]], mention


def is_denied(mention: Mention) -> bool:
    return mention.assertion is Assertion.DENIED


def complaint(told: Iterable[str], groups: Iterable[str], age_years: float | None) -> str | None:
    """The words for the complaint, None when nothing was found that names one.

    `told` are names given by signs that fired, the most urgent first; `groups` codes in any order.
    """
    by_urgency = sorted(groups, key=lambda code: (_LEVELS.get(code, 5.0), code))
    found = [*told, *(_LABELS[code] for code in by_urgency if code in _LABELS)]
    label = found[0] if found else None
    if age_years is None or age_years >= CHILD_YEARS:
        return label
    if label is None:
        return _UNWELL_INFANT if age_years < INFANT_YEARS else None
    return _OF_CHILDREN.get(label, label)


def labels() -> frozenset[str]:
    """Every answer that `complaint` can give."""
    told = {sign.complaint for sign in signs() if sign.complaint}
    return frozenset(_LABELS.values()) | frozenset(_OF_CHILDREN.values()) | {_UNWELL_INFANT} | told
