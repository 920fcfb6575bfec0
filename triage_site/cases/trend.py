"""NEWS2 over time as a small SVG. Pure: values in, markup out; styles are in case.css."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WIDTH: Final = 320
HEIGHT: Final = 104
_LEFT, _RIGHT, _TOP, _BOTTOM = 24, 10, 20, 18
_MIN_TOP_SCORE: Final = 8
# From here on NEWS2 asks for an urgent, and for an emergency response (RCP, 2017).
URGENT_SCORE: Final = 5
EMERGENCY_SCORE: Final = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    minutes: float  # after arrival
    score: int
    at: str  # the time, in words


def news2_svg(points: Sequence[Point]) -> SafeString:
    """A line with a labelled point for each score; empty with fewer than two points."""
    if len(points) < 2:
        return SafeString("")
    top = max(_MIN_TOP_SCORE, *(point.score for point in points))
    places = [(_x(point, points), _y(point.score, top), point) for point in points]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in places)
    marks = format_html_join(
        "",
        '<circle class="{}" cx="{}" cy="{}" r="3.5"/><text x="{}" y="{}">{}</text>',
        (
            (_band(p.score), f"{x:.1f}", f"{y:.1f}", f"{x:.1f}", f"{y - 6:.1f}", p.score)
            for x, y, p in places
        ),
    )
    words = "NEWS2 over time: " + ", ".join(f"{point.score} at {point.at}" for point in points)
    return format_html(
        '<svg class="trend" role="img" viewBox="0 0 {} {}" aria-label="{}">{}'
        '<polyline points="{}"/>{}{}</svg>',
        WIDTH,
        HEIGHT,
        words,
        _levels(top),
        line,
        marks,
        _ends(points),
    )


def _levels(top: int) -> SafeString:
    """The two lines from which NEWS2 asks for more than routine."""
    rows = ((URGENT_SCORE, "urgent"), (EMERGENCY_SCORE, "emergency"))
    return format_html_join(
        "",
        '<line class="{}" x1="{}" x2="{}" y1="{}" y2="{}"/>'
        '<text class="axis" x="2" y="{}">{}</text>',
        (
            (name, _LEFT, WIDTH - _RIGHT, y, y, f"{float(y) + 3:.1f}", score)
            for score, name in rows
            for y in [f"{_y(score, top):.1f}"]
        ),
    )


def _ends(points: Sequence[Point]) -> SafeString:
    return format_html(
        '<text class="axis" x="{}" y="{}">{}</text><text class="axis end" x="{}" y="{}">{}</text>',
        _LEFT,
        HEIGHT - 4,
        points[0].at,
        WIDTH - _RIGHT,
        HEIGHT - 4,
        points[-1].at,
    )


def _band(score: int) -> str:
    if score >= EMERGENCY_SCORE:
        return "emergency"
    return "urgent" if score >= URGENT_SCORE else "low"


def _x(point: Point, points: Sequence[Point]) -> float:
    first, last = points[0].minutes, points[-1].minutes
    share = (point.minutes - first) / (last - first) if last > first else 1.0
    return _LEFT + 6 + share * (WIDTH - _LEFT - _RIGHT - 12)


def _y(score: int, top: int) -> float:
    return HEIGHT - _BOTTOM - score / top * (HEIGHT - _TOP - _BOTTOM)
