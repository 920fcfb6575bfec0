"""Comparison of the active classifier with the shadow classifier on the same cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from triage_site.classifiers import selectors
from triage_site.classifiers.models import ClassifierChange, ShadowAnswer
from triage_site.classifiers.selectors import CONFIGURED, Choice
from triage_site.ops.monitoring.agreement import Agreement, agreement
from triage_site.ops.monitoring.records import Records


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifierLine:
    """A classifier with its folder. `error` is the reason why it cannot be opened."""

    folder: str
    version: str
    error: str

    @property
    def is_configured(self) -> bool:
        return self.folder == CONFIGURED


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Counts of cases. `nearer` means nearer to the level that a person set."""

    num_answered: int
    num_failed: int
    failures: Sequence[tuple[str, int]]
    num_waiting: int  # not answered yet
    p95_ms: float | None
    num_up: int  # the shadow is more urgent than the active classifier
    num_down: int
    table: Agreement | None
    num_judged: int
    num_shadow_nearer: int
    num_active_nearer: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowView:
    active: ClassifierLine
    shadow: ClassifierLine | None
    comparison: Comparison | None
    changes: Sequence[ClassifierChange]

    @property
    def last_change(self) -> ClassifierChange | None:
        return self.changes[0] if self.changes else None


def shadow_view(records: Records) -> ShadowView:
    choice = selectors.shadow_choice()
    shadow = None if choice is None else _line(choice)
    return ShadowView(
        active=_line(selectors.active_choice()),
        shadow=shadow,
        comparison=None if shadow is None else compare(records, shadow.version),
        changes=selectors.recent_changes(),
    )


def _line(choice: Choice) -> ClassifierLine:
    version, error = selectors.version_or_error(choice)
    if not error and choice.version and choice.version != version:
        error = f"{choice.path}: holds {version} now"
    return ClassifierLine(folder=choice.folder, version=choice.version or version, error=error)


def compare(records: Records, version: str) -> Comparison:
    """Compares the answers of that version with the records of the active classifier."""
    cases = {case.id: case for case in records.cases if not case.failed}
    if not cases:
        answers = []
    else:
        span = min(case.arrived_at for case in cases.values())
        rows = ShadowAnswer.objects.filter(version=version, answered_at__gte=span)
        answers = [answer for answer in rows if answer.case_id in cases]
    answered = [answer for answer in answers if answer.priority is not None]
    pairs = [(answer.active_priority, int(answer.priority or 0)) for answer in answered]
    failures = sorted({answer.failure for answer in answers if answer.failure})
    judged = records.judged_levels()
    person = [judged.get(cases[answer.case_id].number) for answer in answered]
    differences = [
        abs(shadow - level) - abs(active - level)
        for (active, shadow), level in zip(pairs, person, strict=True)
        if level is not None
    ]
    return Comparison(
        num_answered=len(answered),
        num_failed=len(answers) - len(answered),
        failures=[(why, sum(a.failure == why for a in answers)) for why in failures],
        num_waiting=len(cases) - len(answers),
        p95_ms=_p95_ms([answer.seconds for answer in answered]),
        num_up=sum(shadow < active for active, shadow in pairs),
        num_down=sum(shadow > active for active, shadow in pairs),
        table=agreement(pairs),
        num_judged=len(differences),
        num_shadow_nearer=sum(difference < 0 for difference in differences),
        num_active_nearer=sum(difference > 0 for difference in differences),
    )


def _p95_ms(seconds: Sequence[float]) -> float | None:
    return 1000 * float(np.percentile(seconds, 95)) if seconds else None
