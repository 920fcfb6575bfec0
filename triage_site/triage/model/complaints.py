"""The groups of `complaints.toml`: features of the model, and evidence of what a note is about.
Pure; `naming` says which of them names the complaint."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from triage_site.triage.history.names import SINGLE_NAMES
from triage_site.triage.reading.note import Assertion, Mention, Note
from triage_site.triage.reading.terms import TermIndex, joined

_TABLE: Final[dict[str, Any]] = tomllib.loads(
    (Path(__file__).parent / "complaints.toml").read_text(encoding="utf-8")
)
_BOUND_LEVEL: Final = 3.4
# How strong, how long or how well somebody is names no complaint.
_QUALIFIERS: Final = frozenset(_TABLE["qualifiers"])


@dataclass(frozen=True, slots=True)
class Group:
    """`level` (1 to 5) is where an adult with normal vital signs starts."""

    code: str
    level: float

    @property
    def bound(self) -> bool:
        """Whether danger signs belong to it: then it may never speak against urgency."""
        return self.level <= _BOUND_LEVEL

    @property
    def names_complaint(self) -> bool:
        return self.code not in _QUALIFIERS


GROUPS: Final = tuple(Group(row["code"], row["level"]) for row in _TABLE["group"])
_OWNERS: Final = tuple(
    (term, number) for number, row in enumerate(_TABLE["group"]) for term in joined(row["terms"])
)


@cache
def _index() -> TermIndex:
    groups = _TABLE["groups"] | {"medicine": SINGLE_NAMES}
    return TermIndex([term for term, _ in _OWNERS], groups)


def find_groups(note: Note) -> Iterator[tuple[Group, Mention]]:
    for term, mention in note.find(_index()):
        yield GROUPS[_OWNERS[term][1]], mention


def is_denied(mention: Mention) -> bool:
    return mention.assertion is Assertion.DENIED
