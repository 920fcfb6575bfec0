"""The danger signs as a page shows them: their tables, and how often each fired and was changed.

Counts come from the history of cases: codes and levels, no clinical text.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from triage_site.cases.models import CaseEvent
from triage_site.ops.monitoring.records import MAX_CASES, PATIENT_CHANGED, Span
from triage_site.triage.signs.rules import RULES_VERSION
from triage_site.triage.signs.tables import Sign, signs
from triage_site.triage.signs.vital_rules import VITAL_RULES, VitalRule

_FIRED: Final = (
    CaseEvent.Kind.CLASSIFIED,
    CaseEvent.Kind.CLASSIFIER_FAILED,
    CaseEvent.Kind.RAISED,
)
_TITLES: Final = {
    "abdomen_urology": "Abdomen and urology",
    "airway_breathing": "Airway and breathing",
    "eyes_ent": "Eyes, ears, nose and throat",
    "metabolic_environment": "Metabolism and environment",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """`num_up`, `num_down`: cases whose level a person then made more or less urgent."""

    num_fired: int = 0
    num_up: int = 0
    num_down: int = 0

    @property
    def num_changed(self) -> int:
        return self.num_up + self.num_down

    @property
    def changed_percent(self) -> float:
        return 100.0 * self.num_changed / self.num_fired if self.num_fired else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A sign of the tables, or a rule on figures, with its counts."""

    row: Sign | VitalRule
    counts: Counts
    ages: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    name: str  # of the file
    title: str
    lines: Sequence[Line]


def sign_page(span: Span, words: str) -> dict[str, Any]:
    """Tables of the signs whose texts hold `words`, and the rules on figures."""
    counts, is_cut = _counts(span)
    found = [sign for sign in signs() if _holds(words, _texts(sign))]
    rules = [rule for rule in VITAL_RULES if _holds(words, (rule.code, rule.label, rule.source))]
    return {
        "span": span,
        "words": words,
        "num_signs": len(signs()),
        "num_rules": len(VITAL_RULES),
        "num_found": len(found) + len(rules),
        "rules_version": RULES_VERSION,
        "is_cut": is_cut,
        "tables": _tables(found, counts),
        "rules": [Line(row=rule, counts=counts[rule.code]) for rule in rules],
    }


def _counts(span: Span) -> tuple[Mapping[str, Counts], bool]:
    """By code, each case that arrived in the span once; and whether there were too many events."""
    events = CaseEvent.objects.filter(
        kind__in=(*_FIRED, CaseEvent.Kind.OVERRIDDEN),
        case__arrived_at__gte=span.since,
        case__arrived_at__lt=span.until,
    ).order_by("-at", "-id")
    rows = list(events.values_list("case_id", "kind", "data")[: MAX_CASES + 1])
    fired: dict[str, set[int]] = defaultdict(set)
    moved: Counter[int] = Counter()  # levels down, less those up, by case
    for case, kind, data in rows[:MAX_CASES]:
        if kind != CaseEvent.Kind.OVERRIDDEN:
            for code in data.get("rules", ()):
                fired[code].add(case)
        elif data.get("reason") not in PATIENT_CHANGED and data.get("from") is not None:
            moved[case] += data["to"] - data["from"]
    found = {code: _count(cases, moved) for code, cases in fired.items()}
    return defaultdict(Counts, found), len(rows) > MAX_CASES


def _count(cases: Iterable[int], moved: Mapping[int, int]) -> Counts:
    by_case = [moved.get(case, 0) for case in cases]
    return Counts(
        num_fired=len(by_case),
        num_up=sum(one < 0 for one in by_case),
        num_down=sum(one > 0 for one in by_case),
    )


def _tables(found: Iterable[Sign], counts: Mapping[str, Counts]) -> list[Table]:
    by_group: dict[str, list[Line]] = defaultdict(list)
    for sign in found:
        line = Line(row=sign, counts=counts[sign.code], ages=_ages(sign))
        by_group[sign.group].append(line)
    return [
        Table(name=name, title=_TITLES.get(name, name.replace("_", " ").capitalize()), lines=lines)
        for name, lines in sorted(by_group.items())
    ]


def _ages(sign: Sign) -> str:
    """In words; empty for every age."""
    least, most = sign.from_years, sign.until_years
    if sign.is_of_every_age:
        return ""
    if least <= 0:
        return f"under {_years(most)}"
    if sign.has_no_oldest:
        return f"{_years(least)} and older"
    return f"{_years(least)} to under {_years(most)}"


def _years(years: float) -> str:
    return f"{years:g} years" if years >= 2 else f"{round(years * 12)} months"


def _texts(sign: Sign) -> tuple[str, ...]:
    return (sign.code, sign.name, sign.complaint, sign.source, *sign.terms)


def _holds(words: str, texts: Iterable[str]) -> bool:
    wanted = words.casefold()
    return not wanted or any(wanted in text.casefold() for text in texts)
