"""The guard of a growing text: words, numbers and loops."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from llm_worker.guard.text import GuardedText, is_looping
from scheduling.core.guidance import Withheld


def accept_any(text: str, brief: str) -> None:
    """The parts of the guard that need no whole answer are tested here."""


BRIEF = "Heart rate: 132 /min\nTemperature: 38.4 °C\nBlood pressure: 90/60 mmHg"


@given(st.lists(st.text(alphabet="ab \n.", max_size=5)))
def test_text_without_numbers_is_returned_unchanged(deltas: list[str]) -> None:
    guard = GuardedText(BRIEF, check=accept_any)
    shown = "".join(guard.feed(delta) for delta in deltas) + guard.finish()
    assert shown == "".join(deltas)
    assert guard.fault is None


def test_a_number_of_the_brief_passes_in_pieces() -> None:
    guard = GuardedText(BRIEF, check=accept_any)
    shown = [guard.feed(piece) for piece in ("HR ", "1", "3", "2", " and ", "90", "/", "60", " ")]
    assert "".join(shown) == "HR 132 and 90/60 "
    assert guard.fault is None


def test_an_invented_number_is_never_shown() -> None:
    guard = GuardedText(BRIEF, check=accept_any)
    shown = [guard.feed(piece) for piece in ("give ", "4", "5", "0 mg ", "now")]
    assert "".join(shown) == "give "
    assert guard.fault is Withheld.NUMBER
    assert guard.finish() == ""


def test_an_invented_number_at_the_very_end_is_not_shown() -> None:
    guard = GuardedText(BRIEF, check=accept_any)
    guard.feed("saturation 71")
    assert guard.finish() == ""
    assert guard.fault is Withheld.NUMBER


def test_a_loop_is_cut_and_a_callers_repetition_is_not() -> None:
    guard = GuardedText(BRIEF, check=accept_any)
    guard.feed("Help, help, help, please, please, he's gone, he's gone, he's gone. ")
    before = guard.fault
    shown = [guard.feed("I'm shaking. ") for _ in range(30)]
    assert (before, guard.fault) == (None, Withheld.LOOPING)
    assert 0 < len("".join(shown).split()) < 20
    assert guard.finish() == ""


@given(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=16), st.integers(4, 8))
def test_a_phrase_that_is_repeated_often_is_a_loop(phrase: list[str], rounds: int) -> None:
    words = ["before", *phrase * rounds]
    assert is_looping(words) or len(words) <= 20


def test_varied_words_are_not_a_loop() -> None:
    assert not is_looping([str(number) for number in range(11)] * 3)
