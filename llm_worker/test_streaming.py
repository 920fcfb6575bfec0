from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from llm_worker.streaming import GuardedText

BRIEF = "Heart rate: 132 /min\nTemperature: 38.4 °C\nBlood pressure: 90/60 mmHg"


@given(st.lists(st.text(alphabet="ab \n.", max_size=5)))
def test_everything_without_numbers_comes_out_unchanged(deltas: list[str]) -> None:
    guard = GuardedText(BRIEF)
    shown = "".join(guard.feed(delta) for delta in deltas) + guard.finish()
    assert shown == "".join(deltas)
    assert not guard.invented


def test_a_number_of_the_brief_passes_even_in_pieces() -> None:
    guard = GuardedText(BRIEF)
    shown = [guard.feed(piece) for piece in ("HR ", "1", "3", "2", " and ", "90", "/", "60", " ")]
    assert "".join(shown) == "HR 132 and 90/60 "
    assert not guard.invented


def test_an_invented_number_is_never_shown() -> None:
    guard = GuardedText(BRIEF)
    shown = [guard.feed(piece) for piece in ("give ", "4", "5", "0 mg ", "now")]
    assert "".join(shown) == "give "
    assert guard.invented
    assert guard.finish() == ""


def test_an_invented_number_at_the_very_end_is_not_shown() -> None:
    guard = GuardedText(BRIEF)
    guard.feed("saturation 71")
    assert guard.finish() == ""
    assert guard.invented
