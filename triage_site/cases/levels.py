"""How the five levels are shown, and the clock of a case against the target of its level."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from scheduling.core.request import LEVEL_NAMES

AMBER_AT: Final = 0.8  # share of the target
# "Immediate" means within two minutes in the data dictionaries of New Zealand and Australia.
# The clock of a level with a target of 0 minutes turns red after this time.
IMMEDIATE_SECONDS: Final = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Number, word and shape of a level: colour is never the only sign."""

    priority: int
    word: str
    shape: str

    @property
    def short(self) -> str:
        """The short form of the word."""
        return self.word.replace("Resuscitation", "Resus")

    @property
    def target_minutes(self) -> float:
        """The target of this site: time to be seen, in minutes."""
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
    """Time waited and the target of the level. A case without a level has no target."""

    since: datetime
    waited_seconds: float
    target_minutes: float | None
    target_seconds: float | None

    @property
    def state(self) -> str:
        """Returns "red" from 100 % of the target, "amber" from 80 %, else ""."""
        if self.target_seconds is None:
            return ""
        share = self.waited_seconds / self.target_seconds
        return "red" if share >= 1 else "amber" if share >= AMBER_AT else ""

    @property
    def is_immediate(self) -> bool:
        return self.target_minutes == 0

    @property
    def text(self) -> str:
        return (duration_text if self.is_immediate else clock_text)(self.waited_seconds)

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
    """Returns "05:09 / 10 min". With a target of 0 minutes: "Now (3 s waiting)", and "3 s" where
    it does not tick; the page says whether that patient waits or waited.

    With `ticking` the browser updates the time. It finds arrival, amber time and target in
    seconds in the data attributes.
    """
    ticks = format_html(' data-since="{}"', clock.since_epoch) if ticking else ""
    if ticking and clock.target_seconds is not None:
        target = round(clock.target_seconds)
        amber = f"{AMBER_AT * target:g}"
        ticks += format_html(' data-amber="{}" data-target="{}"', amber, target)
    if ticking and clock.is_immediate:
        ticks += mark_safe(' data-immediate=""')
    return format_html(
        '<span class="clock {}"{}>{}</span>', clock.state, ticks, _clock_words(clock, ticking)
    )


_LATE: Final = mark_safe('<b class="late"> !<span class="visually-hidden"> past target</span></b>')


def _clock_words(clock: Clock, ticking: bool) -> SafeString:
    waited = format_html('<span class="waited">{}</span>', clock.text)
    if clock.target_minutes is None:
        return waited
    if clock.is_immediate and not ticking:
        return format_html("{}{}", waited, _LATE)
    if clock.is_immediate:
        return format_html(
            'Now <span class="of">({}<span class="waiting-word"> waiting</span>)</span>{}',
            waited,
            _LATE,
        )
    minutes = f"{clock.target_minutes:g}"
    of = format_html('<span class="of">/ {}<span class="min"> min</span></span>', minutes)
    return format_html("{} {}{}", waited, of, _LATE)


def clock_text(seconds: float) -> str:
    """Returns 05:09, from one hour on 1:05:09."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute:02d}:{second:02d}"


def duration_text(seconds: float) -> str:
    """Returns 4 s, from one minute on 2 min, from one hour on 1 h 5 min."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    hours, minute = divmod(whole // 60, 60)
    return f"{hours} h {minute} min" if hours else f"{minute} min"


def moment_text(at: datetime, now: datetime) -> str:
    """Returns 17:03 for a time of today, else 28 Nov 17:03, with the year where it is another."""
    local, today = timezone.localtime(at), timezone.localtime(now)
    if local.date() == today.date():
        return f"{local:%H:%M}"
    form = "%b %H:%M" if local.year == today.year else "%b %Y %H:%M"
    return f"{local.day} {local.strftime(form)}"


def rough_range(low: float, high: float) -> str:
    """Returns a range of durations, such as "2–4 s" or "1–3 min"; one number if both agree."""
    for unit, seconds, until in (("s", 1, 120), ("min", 60, 120 * 60), ("h", 3600, float("inf"))):
        if high < until:
            decimals = 1 if unit == "h" else 0
            ends = [f"{value / seconds:.{decimals}f}" for value in (low, high)]
            return f"{'–'.join(dict.fromkeys(ends))} {unit}"
    raise ValueError("high: must be a number")


def rough_seconds(seconds: float) -> str:
    """Returns an approximate duration: ~4 s, ~2 min, ~1.5 h."""
    if seconds < 90:
        return f"~{max(1, round(seconds))} s"
    if seconds < 90 * 60:
        return f"~{round(seconds / 60)} min"
    return f"~{seconds / 3600:.1f} h"
