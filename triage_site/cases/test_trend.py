"""The picture of NEWS2 over time."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from triage_site.cases.trend import HEIGHT, WIDTH, Point, news2_svg


def points(*scores: int) -> list[Point]:
    return [
        Point(minutes=10.0 * at, score=score, at=f"14:{at:02d}") for at, score in enumerate(scores)
    ]


def test_one_score_is_no_trend() -> None:
    assert news2_svg(points(3)) == ""


def test_all_scores_stand_in_the_picture_and_in_its_words() -> None:
    svg = news2_svg(points(2, 7, 20))
    root = ElementTree.fromstring(svg)
    assert root.get("aria-label") == "NEWS2 over time: 2 at 14:00, 7 at 14:01, 20 at 14:02"
    assert [one.get("class") for one in root.iter("circle")] == ["low", "emergency", "emergency"]
    for circle in root.iter("circle"):
        assert 0 < float(circle.get("cx", "")) < WIDTH
        assert 0 < float(circle.get("cy", "")) < HEIGHT


def test_a_higher_score_stands_higher() -> None:
    ys = [float(y) for y in re.findall(r'cy="([\d.]+)"', news2_svg(points(1, 5, 9)))]
    assert ys == sorted(ys, reverse=True)


def test_two_sets_of_one_minute_do_not_divide_by_nothing() -> None:
    assert "polyline" in news2_svg([Point(minutes=3, score=1, at="14:03")] * 2)


def test_nothing_inline_that_the_content_policy_forbids() -> None:
    assert not re.search(r"style=|<style|<script", news2_svg(points(1, 2)))
