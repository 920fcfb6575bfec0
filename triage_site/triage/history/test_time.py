"""The time to read a long note grows with its length, whatever it repeats."""

from __future__ import annotations

import time

import pytest

from triage_site.triage.history.medicines import read_history

_CHARACTERS = 3_000
_MOST_RATIO = 2.5  # of twice the text


def _seconds(text: str, run: int) -> float:
    text = f"{run} {text}"  # a note that was not read before
    began = time.process_time()
    read_history(text)
    return time.process_time() - began


@pytest.mark.parametrize(
    "words",
    [
        "mum is on warfarin. ", "on warfarin, ", "metoprolol stopped, not ",
        "allergic to penicillin. ", "penicillin allergy ", "penicillin, ", "allergy ", "warfarin",
        "(", "12 mg ", "мама ",
    ],
)  # fmt: skip
def test_twice_the_text_takes_twice_the_time(words: str) -> None:
    text = words * (2 * _CHARACTERS // len(words))
    read_history(text[:200])
    runs = [(_seconds(text[:_CHARACTERS], run), _seconds(text, run)) for run in range(3)]
    short, long = map(min, zip(*runs, strict=True))
    assert long <= _MOST_RATIO * short + 0.05
