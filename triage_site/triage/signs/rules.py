"""The safety net: every rule of the tables against one case. Rules only escalate. Pure.

A rule never makes a case less urgent and never looks at what the model thinks. Rules that
read the text see only what is said of this patient now (`reading.Note.present`), and never the
note as an instruction: there is no word in it that could set a priority.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from triage_site.triage.facts import CaseFacts
from triage_site.triage.reading.assertion import Standing
from triage_site.triage.reading.note import Mention, Note
from triage_site.triage.reading.prefilter import Dispatch, all_matches
from triage_site.triage.signs.emergent import EMERGENT
from triage_site.triage.signs.emergent_more import EMERGENT_2
from triage_site.triage.signs.immediate import IMMEDIATE
from triage_site.triage.signs.lay_family import LAY_FAMILY
from triage_site.triage.signs.lay_immediate import LAY_IMMEDIATE
from triage_site.triage.signs.lay_injury import LAY_INJURY
from triage_site.triage.signs.lay_medical import LAY_MEDICAL
from triage_site.triage.signs.lay_urgent import LAY_URGENT
from triage_site.triage.signs.rule_types import RULES_VERSION, TextRule, VitalRule
from triage_site.triage.signs.urgent import URGENT
from triage_site.triage.signs.vital_rules import VITAL_RULES
from triage_site.triage.types import LEAST_URGENT, Reason

__all__ = [
    "RULES_VERSION",
    "TEXT_RULES",
    "VITAL_RULES",
    "Fired",
    "fire",
    "most_urgent",
    "to_reason",
]

TEXT_RULES: Final[tuple[TextRule, ...]] = (
    IMMEDIATE
    + EMERGENT
    + EMERGENT_2
    + URGENT
    + LAY_IMMEDIATE
    + LAY_MEDICAL
    + LAY_INJURY
    + LAY_FAMILY
    + LAY_URGENT
)

_PATTERNS: Final = {p.pattern: p for rule in TEXT_RULES for p in rule.all_of}
_SOURCES: Final = tuple(_PATTERNS)
_DISPATCH: Final = Dispatch(tuple(_PATTERNS.values()))


@dataclass(frozen=True, slots=True)
class Fired:
    rule: TextRule | VitalRule
    words: tuple[str, ...] = ()
    detail: str = ""
    spans: tuple[tuple[int, int], ...] = ()  # of `words`, in `Note.plain`


def fire(facts: CaseFacts, note: Note) -> tuple[Fired, ...]:
    """All rules that hold, most urgent first, in the order of the tables among equals."""
    fired = [*_fire_texts(facts, note), *_fire_vitals(facts)]
    return tuple(sorted(fired, key=lambda item: item.rule.min_priority))


def most_urgent(fired: Iterable[Fired]) -> int:
    return min((item.rule.min_priority for item in fired), default=LEAST_URGENT)


def to_reason(fired: Fired) -> Reason:
    rule = fired.rule
    return Reason(
        kind="rule",
        code=rule.code,
        text=f"{rule.label} ({fired.detail})" if fired.detail else rule.label,
        words=fired.words,
        min_priority=rule.min_priority,
        source=rule.source,
    )


def matches(note: Note) -> Mapping[str, list[re.Match[str]]]:
    """Every pattern of the text rules that stands in the note -> where, however it is meant."""
    return {_SOURCES[index]: where for index, where in all_matches(_DISPATCH, note).items()}


def text_rule_fires(
    rule: TextRule, note: Note, found: Mapping[str, list[re.Match[str]]]
) -> tuple[Mention, ...]:
    """The mentions that make the rule fire, or nothing. Ages are the caller's business."""
    # How words are meant is dear to tell: only of rules that have all of theirs.
    if not all(pattern.pattern in found for pattern in rule.all_of):
        return ()
    out: list[Mention] = []
    for pattern in rule.all_of:
        told = (note.mention(match) for match in found[pattern.pattern])
        kept = [m for m in told if _counts(rule, note, m)]
        if not kept:
            return ()
        out += kept
    return tuple(out)


def _counts(rule: TextRule, note: Note, mention: Mention) -> bool:
    return mention.standing is Standing.PRESENT and not _taken_back(rule, note, mention)


def _taken_back(rule: TextRule, note: Note, mention: Mention) -> bool:
    return bool(rule.unless.search(note.sentence_text(mention.sentence)))


def _fire_texts(facts: CaseFacts, note: Note) -> Iterable[Fired]:
    found = matches(note)
    for rule in TEXT_RULES:
        if rule.fits_age(facts.age_years):
            where = text_rule_fires(rule, note, found)
            if where:
                yield Fired(
                    rule,
                    words=tuple(dict.fromkeys(mention.words for mention in where)),
                    spans=tuple((mention.start, mention.end) for mention in where),
                )


def _fire_vitals(facts: CaseFacts) -> Iterable[Fired]:
    return (Fired(rule, detail=rule.detail(facts)) for rule in VITAL_RULES if rule.holds(facts))
