"""The safety net: danger signs of the tables and rules on figures, against one case. Pure.

What fires only makes a case more urgent. It never looks at what the model thinks, and no word of
a note can set a priority.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from operator import attrgetter
from typing import Final

from triage_site.triage.reading.measured import Measured
from triage_site.triage.reading.note import Mention, Note
from triage_site.triage.reading.reason import over_words
from triage_site.triage.signs.matching import Counts, find_signs
from triage_site.triage.signs.tables import signs
from triage_site.triage.signs.vital_rules import VITAL_RULES, VitalRule
from triage_site.triage.types import LEAST_URGENT, Reason

RULES_VERSION: Final = "2026.12-4"
EARLIER: Final = "earlier"  # behind the name of a sign that was there
_LEAST_OF_EARLIER: Final = 1
_OF_BEFORE: Final = re.compile(
    r"\b(?:was|were|been|before|earlier|until|till|previous\w*|usual\w*|normally|yesterday)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired:
    """A sign or a rule that holds. `mentions` are empty for a rule on figures."""

    code: str
    label: str
    min_priority: int
    source: str
    detail: str = ""
    mentions: tuple[Mention, ...] = ()
    shows: str = ""  # the vital sign of a rule on figures
    is_earlier: bool = False  # of a value that a later one took the place of

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(mention.words for mention in self.mentions))


def fire(
    measured: Measured, note: Note, counts: Counts = attrgetter("is_present")
) -> tuple[Fired, ...]:
    """All that holds, most urgent first. `counts` says which words are told of this patient now."""
    fired = [*_signs(measured, note, counts), *_vitals(measured)]
    return tuple(sorted(fired, key=lambda item: item.min_priority))


def most_urgent(fired: Iterable[Fired]) -> int:
    return min((item.min_priority for item in fired), default=LEAST_URGENT)


def to_reason(fired: Fired) -> Reason:
    return Reason(
        kind="rule",
        code=fired.code,
        text=f"{fired.label} ({fired.detail})" if fired.detail else fired.label,
        words=fired.words,
        min_priority=fired.min_priority,
        source=fired.source,
    )


@cache
def _named() -> Mapping[str, tuple[int, str, str]]:
    """Of each code: the level that it demands, its name, and its name where it was earlier."""
    return {
        **{one.code: (one.level, one.name, one.over or one.name) for one in signs()},
        **{r.code: (r.min_priority, r.label, f"{r.label} {EARLIER}") for r in VITAL_RULES},
    }


def names_of(codes: Iterable[str], priority: int) -> list[str]:
    """The names of the signs among `codes`, which led to `priority`, that demand as much. One that
    demands more did not count as of now: it was over, or earlier."""
    found = [_named()[code] for code in codes if code in _named()]
    told = ((level, past if level < priority else name) for level, name, past in found)
    return list(dict.fromkeys(name for level, name in told if level <= priority))


def _signs(measured: Measured, note: Note, counts: Counts) -> Iterable[Fired]:
    """One that the note says is over has another name and is of level 1: it may come back."""
    for found in find_signs(note, measured.facts.age_years, counts):
        sign = found.sign
        is_over = bool(sign.over) and all(_is_over(note, one) for one in found.mentions)
        yield Fired(
            code=sign.code,
            label=sign.over if is_over else sign.name,
            min_priority=max(_LEAST_OF_EARLIER, sign.level) if is_over else sign.level,
            source=sign.source,
            mentions=found.mentions,
        )


def _is_over(note: Note, mention: Mention) -> bool:
    """Where the rest of the note speaks of before, "fully alert" may be of then: not over."""
    end = note.words[mention.last - 1].end
    return bool(over_words(note, end)) and not _OF_BEFORE.search(note.text, end)


def _vitals(measured: Measured) -> Iterable[Fired]:
    """Of rules on the same value only the most urgent one is told. What was so earlier today is
    told where it is more urgent than what is so now: somebody may fall back."""
    shown: dict[str, int] = {}
    for rule in VITAL_RULES:
        if rule.holds(measured) and not (rule.shows and rule.shows in shown):
            shown[rule.shows] = rule.min_priority
            yield _fired(rule, measured)
    then = measured.then
    for rule in VITAL_RULES:
        level = max(_LEAST_OF_EARLIER, rule.min_priority)
        is_new = rule.shows in measured.earlier and level < shown.get(rule.shows, LEAST_URGENT)
        if is_new and rule.holds(then):
            shown[rule.shows] = level
            fired = _fired(rule, then)
            label = f"{fired.label} {EARLIER}"
            yield replace(fired, label=label, min_priority=level, is_earlier=True)


def _fired(rule: VitalRule, measured: Measured) -> Fired:
    return Fired(
        code=rule.code,
        label=rule.label,
        min_priority=rule.min_priority,
        source=rule.source,
        detail=rule.detail(measured),
        shows=rule.shows,
    )
