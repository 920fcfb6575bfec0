"""Charts of a comparison as SVG, drawn on the server. Pure: figures in, markup out.

Each is 340 units wide, so that its text can be read on a phone; wide screens set several side by
side. No chart depends on colour: rows carry names, lines have their own dashes, areas their own
patterns. Colours and dashes are classes of `comparisons.css`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log10
from typing import Any, Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from scheduling.core.policies import POLICIES
from scheduling.core.request import NUM_PRIORITIES

WIDTH: Final = 340
_LEFT, _RIGHT = 108, 290  # the plot of a row chart
_ROW: Final = 24
_TOP: Final = 18
_PLOT_LEFT, _PLOT_RIGHT, _PLOT_TOP, _PLOT_BOTTOM = 40, 332, 10, 170
_SHORT: Final = {"semantic_due": "Sem. deadlines", "serial": "One at a time"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LogScale:
    """Places positive numbers between two ends; powers of ten are as far from each other."""

    low: float
    high: float
    start: float
    end: float

    @classmethod
    def over(cls, values: Sequence[float], start: float, end: float) -> LogScale:
        known = [value for value in values if value > 0] or [1.0]
        low, high = min(known), max(known)
        if high < 4 * low:  # a narrow range: leave room on both sides
            low, high = low / 1.6, high * 1.6
        return cls(low=low / 1.08, high=high * 1.08, start=start, end=end)

    def __call__(self, value: float) -> float:
        share = log10(max(value, self.low) / self.low) / log10(self.high / self.low)
        return round(self.start + min(1.0, share) * (self.end - self.start), 1)

    def ticks(self, marks: Sequence[float], apart: float = 44) -> list[float]:
        """Those of the marks, most important first, whose labels do not touch."""
        kept: list[float] = []
        for mark in marks:
            if self.low <= mark <= self.high and all(
                abs(self(mark) - self(other)) >= apart for other in kept
            ):
                kept.append(mark)
        return sorted(kept)


# Round times, the most important first: seconds, then minutes and hours.
_TIMES: Final = (
    1, 10, 60, 600, 3600, 36000, 0.1, 0.01, 0.001, 30, 300, 3, 1800, 7200, 5, 20, 120, 1200, 2,
    18000, 0.3, 0.5, 0.2, 0.03, 0.05, 40, 50, 15, 90, 180, 240, 420, 900, 7, 4, 25, 80, 70,
)  # fmt: skip
_MULTIPLES: Final = (1, 2, 10, 100, 5, 20, 50, 1.5, 3, 1.2)


def title_of(policy: str) -> str:
    return POLICIES[policy].title if policy in POLICIES else policy


def _short(policy: str) -> str:
    return _SHORT.get(policy, title_of(policy))


def range_chart(lines: Mapping[str, Mapping[str, Any]], label: str) -> SafeString:
    """One row a policy: mean as a dot, p90 as a tick, longest as the end of the line; and the
    share before the deadline in numbers. `lines` are the figures of one level by policy."""
    shown = {name: line for name, line in lines.items() if line["count"]}
    if not shown:
        return SafeString("")
    numbers = [line[key] for line in shown.values() for key in ("mean", "p90", "max")]
    scale = LogScale.over(numbers, _LEFT, _RIGHT)
    bottom = _TOP + _ROW * len(shown)
    rows = format_html_join(
        "",
        "{}",
        ((_range_row(n, ln, scale, _TOP + _ROW * at),) for at, (n, ln) in enumerate(shown.items())),
    )
    head = format_html('<text class="axis" x="{}" y="11" text-anchor="end">in time</text>', WIDTH)
    return _svg(label, bottom + 20, head + _x_axis(scale, _TOP, bottom) + rows)


def _range_row(policy: str, line: Mapping[str, Any], scale: LogScale, y: int) -> SafeString:
    middle = y + _ROW / 2
    share = line.get("before_deadline")
    words = (
        f"{title_of(policy)}: mean {seconds_text(line['mean'])}, nine of ten within "
        f"{seconds_text(line['p90'])}, longest {seconds_text(line['max'])}"
    )
    return format_html(
        '<g class="row p-{}"><title>{}</title>'
        '<text x="0" y="{}">{}</text>'
        '<line class="whole" x1="{}" x2="{}" y1="{}" y2="{}"/>'
        '<line class="most" x1="{}" x2="{}" y1="{}" y2="{}"/>'
        '<line class="tick" x1="{}" x2="{}" y1="{}" y2="{}"/>'
        '<circle cx="{}" cy="{}" r="4.5"/>'
        '<text class="value" x="{}" y="{}" text-anchor="end">{}</text></g>',
        policy,
        words,
        middle + 4,
        _short(policy),
        scale(line["mean"]),
        scale(line["max"]),
        middle,
        middle,
        scale(line["mean"]),
        scale(line["p90"]),
        middle,
        middle,
        scale(line["p90"]),
        scale(line["p90"]),
        middle - 6,
        middle + 6,
        scale(line["mean"]),
        middle,
        WIDTH,
        middle + 4,
        "–" if share is None else f"{100 * share:.0f} %",
    )


def bound_chart(ratios: Mapping[str, float | None], label: str) -> SafeString:
    """One bar a policy: mean over all, as a multiple of the bound."""
    shown = {name: ratio for name, ratio in ratios.items() if ratio}
    if not shown:
        return SafeString("")
    scale = LogScale(low=1.0, high=max(2.0, *shown.values()) * 1.05, start=_LEFT, end=_RIGHT)
    bottom = _TOP + _ROW * len(shown)
    rows = format_html_join(
        "",
        '<g class="row p-{}"><text x="0" y="{}">{}</text>'
        '<rect class="bar" x="{}" y="{}" width="{}" height="12"/>'
        '<text class="value" x="{}" y="{}" text-anchor="end">{}</text></g>',
        (
            (
                name,
                _TOP + _ROW * at + 16,
                _short(name),
                _LEFT,
                _TOP + _ROW * at + 6,
                max(1.0, scale(ratio) - _LEFT),
                WIDTH,
                _TOP + _ROW * at + 16,
                f"{ratio:.2f} ×",
            )
            for at, (name, ratio) in enumerate(shown.items())
        ),
    )
    return _svg(label, bottom + 20, _x_axis(scale, _TOP, bottom, unit="×") + rows)


def distribution_chart(series: Mapping[str, Sequence[float]], label: str) -> SafeString:
    """Share of the requests that had ended within a time, one line a policy."""
    shown = {name: values for name, values in series.items() if values}
    if not shown:
        return SafeString("")
    numbers = [value for values in shown.values() for value in (values[1], values[-1])]
    scale = LogScale.over(numbers, _PLOT_LEFT, _PLOT_RIGHT)
    height = _PLOT_BOTTOM - _PLOT_TOP
    grid = format_html_join(
        "",
        '<line class="grid" x1="{}" x2="{}" y1="{}" y2="{}"/>'
        '<text class="axis" x="{}" y="{}" text-anchor="end">{} %</text>',
        (
            (_PLOT_LEFT, _PLOT_RIGHT, y, y, _PLOT_LEFT - 4, y + 4, percent)
            for percent in (0, 50, 90, 100)
            for y in [_PLOT_BOTTOM - height * percent / 100]
        ),
    )
    lines = format_html_join(
        "",
        '<polyline class="curve p-{}" points="{}"><title>{}</title></polyline>',
        ((name, _curve(values, scale), title_of(name)) for name, values in shown.items()),
    )
    return _svg(label, _PLOT_BOTTOM + 20, grid + _x_axis(scale, _PLOT_TOP, _PLOT_BOTTOM) + lines)


def _curve(values: Sequence[float], scale: LogScale) -> str:
    height = _PLOT_BOTTOM - _PLOT_TOP
    last = len(values) - 1
    return " ".join(
        f"{scale(value)},{round(_PLOT_BOTTOM - height * at / last, 1)}"
        for at, value in enumerate(values)
    )


def timeline_chart(
    timeline: Mapping[str, Any], num_slots: float, name: str, label: str
) -> SafeString:
    """Slots held by each level over time, the most urgent at the bottom. `name` makes ids."""
    slots: Sequence[Sequence[float]] = timeline["slots"]
    num_bins = len(slots[0])
    end = timeline["bin_seconds"] * num_bins
    if not end:
        return SafeString("")
    top = max(num_slots, 1.0)
    areas = []
    below = [0.0] * num_bins
    for level in range(NUM_PRIORITIES):
        above = [low + own for low, own in zip(below, slots[level], strict=True)]
        if any(slots[level]):
            areas.append((level, _area(below, above, top), level, name, _area(below, above, top)))
        below = above
    drawn = format_html_join(
        "",
        '<polygon class="area level-{}" points="{}"/>'
        '<polygon class="hatch" fill="url(#hatch-{}-{})" points="{}"/>',
        areas,
    )
    height = _PLOT_BOTTOM - _PLOT_TOP
    axis = format_html_join(
        "",
        '<text class="axis" x="{}" y="{}" text-anchor="end">{}</text>',
        (
            (_PLOT_LEFT - 4, _PLOT_BOTTOM - height * share + 4, f"{top * share:g}")
            for share in (0, 0.5, 1)
        ),
    )
    times = format_html_join(
        "",
        '<text class="axis" x="{}" y="{}" text-anchor="{}">{}</text>',
        (
            (
                _PLOT_LEFT + (_PLOT_RIGHT - _PLOT_LEFT) * share,
                _PLOT_BOTTOM + 15,
                anchor,
                seconds_text(end * share) if share else "0",
            )
            for share, anchor in ((0, "start"), (0.5, "middle"), (1, "end"))
        ),
    )
    return _svg(label, _PLOT_BOTTOM + 20, hatches(name) + drawn + axis + times)


def _area(below: Sequence[float], above: Sequence[float], top: float) -> str:
    step = (_PLOT_RIGHT - _PLOT_LEFT) / len(below)
    height = _PLOT_BOTTOM - _PLOT_TOP

    def point(at: float, value: float) -> str:
        return f"{round(_PLOT_LEFT + at * step, 1)},{round(_PLOT_BOTTOM - height * value / top, 1)}"

    there = [point(at + side, value) for at, value in enumerate(above) for side in (0, 1)]
    back = [point(at + side, value) for at, value in enumerate(below) for side in (0, 1)]
    return " ".join([*there, *reversed(back)])


_HATCHES: Final = (
    "",
    "M0 6 L6 0",
    "M3 3 h0.1",
    "M0 0 L6 6",
    "M0 3 H6",
)


def hatches(name: str) -> SafeString:
    """A pattern for each level: none, strokes up, dots, strokes down, lines."""
    return format_html(
        "<defs>{}</defs>",
        format_html_join(
            "",
            '<pattern id="hatch-{}-{}" width="6" height="6" patternUnits="userSpaceOnUse">'
            '<path class="hatch-stroke" d="{}"/></pattern>',
            ((level, name, path) for level, path in enumerate(_HATCHES)),
        ),
    )


def _x_axis(scale: LogScale, top: float, bottom: float, unit: str = "s") -> SafeString:
    return format_html_join(
        "",
        '<line class="grid" x1="{}" x2="{}" y1="{}" y2="{}"/>'
        '<text class="axis" x="{}" y="{}" text-anchor="middle">{}</text>',
        (
            (
                x,
                x,
                top,
                bottom,
                x,
                bottom + 15,
                f"{tick:g} ×" if unit == "×" else tick_text(tick),
            )
            for tick in scale.ticks(_MULTIPLES if unit == "×" else _TIMES)
            for x in [scale(tick)]
        ),
    )


def _svg(label: str, height: float, content: SafeString) -> SafeString:
    return format_html(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}" data-chart>{}</svg>',
        WIDTH,
        round(height),
        label,
        mark_safe(content),
    )


def seconds_text(seconds: float | None) -> str:
    """0.42 s, 12.5 s, 140 s, 16.7 min, 2.5 h."""
    if seconds is None:
        return "–"
    if seconds >= 5400:
        return f"{seconds / 3600:.1f} h"
    if seconds >= 180:
        return f"{seconds / 60:.1f} min"
    if seconds >= 100:
        return f"{seconds:.0f} s"
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds:.2f} s"


def tick_text(seconds: float) -> str:
    """A round time, as short as can be."""
    if seconds >= 3600:
        return f"{seconds / 3600:g} h"
    return f"{seconds / 60:g} min" if seconds >= 60 else f"{seconds:g} s"
