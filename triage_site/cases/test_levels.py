"""The levels, and the clock of each: amber at 80 % of the target, red from 100 %."""

from __future__ import annotations

import re

import pytest

from tests.factories import at
from triage_site.cases.levels import (
    LEVELS,
    clock_html,
    clock_of,
    clock_text,
    duration_text,
    rough_seconds,
)


@pytest.mark.parametrize(
    ("priority", "waited", "state"),
    [
        (1, 479, ""),
        (1, 480, "amber"),
        (1, 599, "amber"),
        (1, 600, "red"),
        (4, 7199, "amber"),
        (0, 60, ""),
        (0, 120, "red"),  # "immediate" is within two minutes
        (None, 9999, ""),
    ],
)
def test_the_clock_turns_amber_then_red(priority: int | None, waited: float, state: str) -> None:
    assert clock_of(at(0), priority, at(waited)).state == state


def test_the_clock_of_the_most_urgent_level_says_now() -> None:
    html = clock_html(clock_of(at(0), 0, at(3)))
    assert re.sub(r"<b.*</b>|<[^>]+>", "", html) == "Now (3 s waiting)"
    html = clock_html(clock_of(at(0), 0, at(3)), ticking=False)
    assert re.sub(r"<b.*</b>|<[^>]+>", "", html) == "3 s"
    html = clock_html(clock_of(at(0), 1, at(3)))
    assert re.sub(r"<b.*</b>|<[^>]+>", "", html) == "00:03 / 10 min"
    assert 'data-amber="480" data-target="600"' in html


def test_word_and_shape_of_a_level_are_unique() -> None:
    assert [level.priority for level in LEVELS] == [0, 1, 2, 3, 4]
    assert len({level.shape for level in LEVELS}) == len({level.word for level in LEVELS}) == 5


def test_times_have_a_short_form() -> None:
    assert [duration_text(s) for s in (3.9, 65, 3661)] == ["3 s", "1 min", "1 h 1 min"]
    assert [clock_text(s) for s in (0, 65, 3599, 3661)] == ["00:00", "01:05", "59:59", "1:01:01"]
    assert [rough_seconds(s) for s in (0.2, 4.4, 200, 7200)] == ["~1 s", "~4 s", "~3 min", "~2.0 h"]
