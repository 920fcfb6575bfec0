"""The live classifier beside its shadow: what each said about the same cases."""

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
class Named:
    """A classifier by where it lies; `why` says why it cannot be opened."""

    folder: str
    version: str
    why: str

    @property
    def is_configured(self) -> bool:
        return self.folder == CONFIGURED


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Counts of cases. Nearer: to the level that a person gave instead."""

    num_answered: int
    num_failed: int
    failures: Sequence[tuple[str, int]]
    num_waiting: int  # not answered yet
    p95_ms: float | None
    num_up: int  # the shadow is more urgent than the live one
    num_down: int
    table: Agreement | None
    num_judged: int
    num_shadow_nearer: int
    num_live_nearer: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowView:
    live: Named
    shadow: Named | None
    comparison: Comparison | None
    changes: Sequence[ClassifierChange]

    @property
    def last_change(self) -> ClassifierChange | None:
        return self.changes[0] if self.changes else None


def shadow_view(records: Records) -> ShadowView:
    live, choice = selectors.live_choice(), selectors.shadow_choice()
    shadow = None if choice is None else _named(choice)
    return ShadowView(
        live=_named(live),
        shadow=shadow,
        comparison=None if shadow is None else compare(records, shadow.version),
        changes=selectors.recent_changes(),
    )


def _named(choice: Choice) -> Named:
    version, why = selectors.version_or_why(choice)
    if not why and choice.version and choice.version != version:
        why = f"{choice.path}: holds {version} now"
    return Named(folder=choice.folder, version=choice.version or version, why=why)


def compare(records: Records, version: str) -> Comparison:
    """What the classifier of that version said about the cases of these records."""
    cases = {case.id: case for case in records.cases if not case.failed}
    if not cases:
        answers = []
    else:
        span = min(case.arrived_at for case in cases.values())
        rows = ShadowAnswer.objects.filter(version=version, answered_at__gte=span)
        answers = [answer for answer in rows if answer.case_id in cases]
    said = [answer for answer in answers if answer.priority is not None]
    pairs = [(answer.live_priority, int(answer.priority or 0)) for answer in said]
    failures = sorted({answer.failure for answer in answers if answer.failure})
    judged = records.judged_levels()
    person = [judged.get(cases[answer.case_id].number) for answer in said]
    nearer = [
        abs(shadow - level) - abs(live - level)
        for (live, shadow), level in zip(pairs, person, strict=True)
        if level is not None
    ]
    return Comparison(
        num_answered=len(said),
        num_failed=len(answers) - len(said),
        failures=[(why, sum(a.failure == why for a in answers)) for why in failures],
        num_waiting=len(cases) - len(answers),
        p95_ms=_p95_ms([answer.seconds for answer in said]),
        num_up=sum(shadow < live for live, shadow in pairs),
        num_down=sum(shadow > live for live, shadow in pairs),
        table=agreement(pairs),
        num_judged=len(nearer),
        num_shadow_nearer=sum(gain < 0 for gain in nearer),
        num_live_nearer=sum(gain > 0 for gain in nearer),
    )


def _p95_ms(seconds: Sequence[float]) -> float | None:
    return 1000 * float(np.percentile(seconds, 95)) if seconds else None
