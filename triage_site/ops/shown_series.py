"""Which cases the charts of the operations page show: the real ones or those of a replay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from scheduling import minutes
from triage_site.ops import selectors
from triage_site.ops.replays import replay_is_running
from triage_site.ops.time_series import (
    DEFAULT_SPAN,
    SHORTEST_SPAN,
    SPANS,
    Span,
    TimeSeries,
    all_series,
    has_waiting_or_started,
)

REAL: Final = "real"
REPLAY: Final = "replay"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A policy change: an upright line in every chart. `at` in seconds."""

    at: float
    words: str

    def to_dict(self) -> dict[str, Any]:
        return {"at": self.at, "words": self.words}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSeries:
    span: Span
    of: str
    words: str
    series: Sequence[TimeSeries]
    marks: Sequence[Mark] = ()


def shown_series(span_name: str, of: str, now: datetime) -> ShownSeries:
    """Without a known span it is the shortest one that holds all of today's cases, at most the
    default one. Without a choice the charts show real cases, or those
    of a replay while it runs or where there was no real case."""
    span = SPANS.get(span_name) or _useful_span(now)
    if of not in (REAL, REPLAY) and replay_is_running():
        words = "Replayed cases, while the replay runs"
        return _shown(span, REPLAY, words, all_series(span, now, replayed=True))
    real = all_series(span, now, replayed=False) if of != REPLAY else []
    if of == REAL or has_waiting_or_started(real):
        return _shown(span, REAL, "Real cases", real)
    replay = all_series(span, now, replayed=True)
    if of == REPLAY:
        return _shown(span, REPLAY, "Replayed cases", replay)
    if has_waiting_or_started(replay):
        return _shown(span, REPLAY, "Replayed cases: there was no real case in this time", replay)
    return _shown(span, REAL, "Real cases: there was none in this time", real)


def _useful_span(now: datetime) -> Span:
    """The last minutes while nothing is older, for example in a first drill."""
    short, usual = SPANS[SHORTEST_SPAN], SPANS[DEFAULT_SPAN]
    return usual if minutes.has_arrivals(now - usual.length, now - short.length) else short


def _shown(span: Span, of: str, words: str, series: Sequence[TimeSeries]) -> ShownSeries:
    marks = _marks(series[0].times[0] - span.step.total_seconds()) if series else []
    if marks:
        words += ". Upright lines are policy changes"
    return ShownSeries(span=span, of=of, words=words, series=series, marks=marks)


def _marks(since: float) -> list[Mark]:
    changes = selectors.switches_since(datetime.fromtimestamp(since, UTC))
    return [
        Mark(at=change.changed_at.timestamp(), words=selectors.policy_title(change.new))
        for change in changes
    ]
