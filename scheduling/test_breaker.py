"""The breaker: one outage begins once and ends once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scheduling.breaker import FULL, READ_ONLY, SILENT, Breaker, Change


def test_one_failure_opens_it_and_one_success_closes_it() -> None:
    breaker = Breaker()
    opened = [False]
    assert breaker.failed(10.0) == Change(trouble=SILENT)
    opened.append(breaker.is_open)
    assert breaker.failed(11.0) is None
    assert breaker.succeeded(13.0) == Change(trouble="", seconds=3.0)
    opened.append(breaker.is_open)
    assert breaker.succeeded(14.0) is None
    assert opened == [False, True, False]


def test_a_full_store_is_called_and_only_a_write_ends_its_trouble() -> None:
    breaker = Breaker()
    breaker.failed(1.0, FULL)
    assert not breaker.is_open
    assert breaker.succeeded(2.0) is None
    assert breaker.trouble == FULL
    assert breaker.succeeded(5.0, wrote=True) == Change(trouble="", seconds=4.0)


@given(st.lists(st.sampled_from([SILENT, FULL, READ_ONLY, "answer", "write"]), max_size=40))
def test_begin_and_end_alternate(calls: list[str]) -> None:
    breaker, down = Breaker(), False
    for now, call in enumerate(calls):
        if call in ("answer", "write"):
            change = breaker.succeeded(float(now), wrote=call == "write")
        else:
            change = breaker.failed(float(now), call)
        if change is not None and not change.trouble:
            assert down
        down = bool(breaker.trouble)
        assert breaker.is_open == (breaker.trouble == SILENT)
