"""How the five levels are shown, and the clock that runs against each level's target."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from scheduling.core.request import LEVEL_NAMES

AMBER_AT: Final = 0.8  # share of the target
# "Immediate" means within two minutes in the data dictionaries of New Zealand and Australia:
# the clock of a level whose target is 0 minutes turns red then.
IMMEDIATE_SECONDS: Final = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Number, word and shape of a level: colour never speaks alone."""

    priority: int
    word: str
    shape: str

    @property
    def short(self) -> str:
        """The word for narrow places."""
        return self.word.replace("Resuscitation", "Resus")

    @property
    def target_minutes(self) -> float:
        """The site's time to be seen."""
        return float(settings.TRIAGE_TARGET_MINUTES[self.priority])

    @property
    def target_seconds(self) -> float:
        return self.target_minutes * 60 or IMMEDIATE_SECONDS


_SHAPES: Final = ("octagon", "diamond", "triangle", "square", "circle")

LEVELS: Final = tuple(
    Level(priority=priority, word=name, shape=shape)
    for priority, (name, shape) in enumerate(zip(LEVEL_NAMES, _SHAPES, strict=True))
)


def level_of(priority: int | None) -> Level | None:
    return None if priority is None else LEVELS[priority]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Time waited against the target of a level; without a level there is no target."""

    since: datetime
    waited_seconds: float
    target_minutes: float | None
    target_seconds: float | None

    @property
    def state(self) -> str:
        """ "", "amber" from 80 % of the target, "red" from 100 %. The browser ticks on by this."""
        if self.target_seconds is None:
            return ""
        share = self.waited_seconds / self.target_seconds
        return "red" if share >= 1 else "amber" if share >= AMBER_AT else ""

    @property
    def text(self) -> str:
        return clock_text(self.waited_seconds)

    @property
    def since_epoch(self) -> float:
        return round(self.since.timestamp(), 1)


def clock_of(arrived_at: datetime, priority: int | None, now: datetime) -> Clock:
    level = level_of(priority)
    return Clock(
        since=arrived_at,
        waited_seconds=max(0.0, (now - arrived_at).total_seconds()),
        target_minutes=None if level is None else level.target_minutes,
        target_seconds=None if level is None else level.target_seconds,
    )


def clock_html(clock: Clock, *, ticking: bool = True) -> SafeString:
    """Waited / target. With `ticking` the browser goes on from the moment of arrival."""
    late = '<b class="late"> !<span class="visually-hidden"> past its target</span></b>'
    if clock.target_seconds is None or clock.target_minutes is None:
        target, of = "", ""
    else:
        target = format_html(' data-target="{}"', round(clock.target_seconds))
        minutes = f"{clock.target_minutes:g}"
        of = format_html(
            ' <span class="of">/ {}<span class="min"> min</span></span>{}', minutes, mark_safe(late)
        )
    since = format_html(' data-since="{}"{}', clock.since_epoch, target) if ticking else ""
    return format_html(
        '<span class="clock {}"{}><span class="waited">{}</span>{}</span>',
        clock.state,
        since,
        clock.text,
        of,
    )


def clock_text(seconds: float) -> str:
    """05:09, from an hour on 1:05:09."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute:02d}:{second:02d}"


def rough_seconds(seconds: float) -> str:
    """A duration as one would say it: ~4 s, ~2 min, ~1.5 h."""
    if seconds < 90:
        return f"~{max(1, round(seconds))} s"
    if seconds < 90 * 60:
        return f"~{round(seconds / 60)} min"
    return f"~{seconds / 3600:.1f} h"
