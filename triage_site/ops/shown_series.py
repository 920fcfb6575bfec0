"""Which cases the charts of the operations page show: the real ones or those of a replay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from triage_site.ops.replays import replay_is_running
from triage_site.ops.time_series import (
    DEFAULT_SPAN,
    SPANS,
    Span,
    TimeSeries,
    all_series,
    has_waiting_or_started,
)

REAL: Final = "real"
REPLAY: Final = "replay"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSeries:
    span: Span
    of: str
    words: str
    series: Sequence[TimeSeries]


def shown_series(span_name: str, of: str, now: datetime) -> ShownSeries:
    """An unknown span is the default one. Without a choice the charts show real cases, or those
    of a replay while it runs or where there was no real case."""
    span = SPANS.get(span_name, SPANS[DEFAULT_SPAN])
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


def _shown(span: Span, of: str, words: str, series: Sequence[TimeSeries]) -> ShownSeries:
    return ShownSeries(span=span, of=of, words=words, series=series)
