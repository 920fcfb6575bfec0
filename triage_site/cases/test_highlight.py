"""Which words of a note are marked."""

from __future__ import annotations

from typing import Any

import pytest

from triage_site.cases.highlight import highlighted
from triage_site.triage.types import NOT_OF_NOW

CHEST_PAIN: dict[str, Any] = {"code": "chest_pain", "text": "chest pain", "words": ["chest pain"]}
SET_ASIDE: dict[str, Any] = {"code": NOT_OF_NOW, "text": "not counted", "words": ["stroke"]}


def test_words_that_raised_the_level_are_marked_with_their_reason() -> None:
    assert highlighted("Bad chest pain", [CHEST_PAIN]) == (
        'Bad <mark title="chest pain">chest pain</mark>'
    )


def test_words_that_were_not_counted_are_not_marked() -> None:
    text = "chest pain, works on the stroke unit"
    marked = highlighted(text, [SET_ASIDE, CHEST_PAIN])
    assert marked == '<mark title="chest pain">chest pain</mark>, works on the stroke unit'


@pytest.mark.parametrize("text", ["<b>chest pain</b>", 'chest pain "&"', ""])
def test_the_text_is_escaped(text: str) -> None:
    marked = highlighted(text, [CHEST_PAIN])
    assert "<b>" not in marked
    assert marked.count("<mark") == text.count("chest pain")
