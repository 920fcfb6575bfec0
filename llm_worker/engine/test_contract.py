"""What every engine promises, whatever stands behind it."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from llm_worker.engine.conftest import NUM_SLOTS
from llm_worker.engine.driver import Driver, make_job
from llm_worker.engine.protocol import STATS, EngineNotRunning, Started
from scheduling.core.policies import POLICIES, Preemption
from scheduling.core.scheduler import NeverFits


def take_all_slots(driver: Driver, *, priority: int = 0) -> Callable[[], None]:
    """Every slot is taken until the returned function is called, however slow the machine."""
    ids = [f"busy{n}" for n in range(NUM_SLOTS)]
    for job_id in ids:
        driver.add(job_id, priority=priority, max_new_tokens=200)
    for job_id in ids:
        driver.until_tokens(job_id, 1)

    def give_back() -> None:
        driver.settle(1)
        assert not driver.over() & set(ids), "they ended before the test had set its stage"
        for job_id in ids:
            driver.engine.cancel(job_id)

    return give_back


def test_an_answer_starts_streams_and_ends_whole(driver: Driver) -> None:
    whole = driver.answer("a", max_new_tokens=12)
    updates = driver.tokens("a")
    assert isinstance(driver.of("a")[0], Started)
    assert driver.of("a")[-1] is whole
    assert len(updates) >= 5
    assert "".join(update.text_delta for update in updates) == whole.text
    assert tuple(i for update in updates for i in update.token_ids) == whole.token_ids
    assert [u.num_generated for u in updates] == sorted({u.num_generated for u in updates})
    assert (len(whole.token_ids), whole.reason) == (12, "length")


def test_the_same_prompt_gets_the_same_answer(driver: Driver) -> None:
    first = driver.answer("a", prompt="chest pain")
    second = driver.answer("b", prompt="chest pain")
    other = driver.answer("c", prompt="sprained ankle")
    assert first.token_ids == second.token_ids
    assert first.token_ids != other.token_ids


def test_every_request_ends_exactly_once(driver: Driver) -> None:
    ids = [f"r{n}" for n in range(3 * NUM_SLOTS)]
    for n, job_id in enumerate(ids):
        driver.add(job_id, priority=n % 5)
    driver.until_over(*ids)
    driver.settle()
    assert {job_id: len(driver.finished(job_id).token_ids) for job_id in ids} == dict.fromkeys(
        ids, 12
    )
    assert driver.engine.stats()["requests"] == 0


def test_an_id_that_is_here_is_refused_and_the_first_goes_on(driver: Driver) -> None:
    driver.add("a", max_new_tokens=40)
    with pytest.raises(ValueError, match="a: is here already"):
        driver.add("a")
    driver.until_over("a")
    assert len(driver.finished("a").token_ids) == 40


def test_what_can_never_fit_is_refused_with_the_reason(driver: Driver) -> None:
    with pytest.raises(NeverFits, match=r"a: .* take \d+ tokens, "):
        driver.add("a", max_new_tokens=100_000)
    driver.answer("b")


def test_interrupted_and_resumed_equals_uninterrupted(driver: Driver) -> None:
    whole = driver.answer("whole", prompt="short of breath", max_new_tokens=40)
    driver.add("a", prompt="short of breath", max_new_tokens=40)
    shown = ""
    for num_tokens in (3, 11, 19):
        driver.until_tokens("a", num_tokens)
        released = driver.engine.release("a")
        assert released is not None
        assert released.token_ids == whole.token_ids[: len(released.token_ids)]
        shown = "".join(update.text_delta for update in driver.tokens("a"))
        assert released.text == shown
        driver.add("a", prompt="short of breath", max_new_tokens=40, resumed=released)
    driver.until_over("a")
    resumed = driver.finished("a")
    assert (resumed.token_ids, resumed.text) == (whole.token_ids, whole.text)
    assert "".join(update.text_delta for update in driver.tokens("a")) == whole.text


def test_after_release_nothing_more_is_said(driver: Driver) -> None:
    driver.add("a", max_new_tokens=100)
    driver.add("b", max_new_tokens=30)
    driver.until_tokens("a", 3)
    assert driver.engine.release("a") is not None
    num_before = len(driver.of("a"))
    driver.until_over("b")
    assert len(driver.of("a")) == num_before
    assert driver.engine.release("a") is None


def test_release_before_the_first_token_keeps_the_prefix(driver: Driver) -> None:
    whole = driver.answer("whole", prompt="x")
    take_all_slots(driver)
    job = make_job("late", prompt="x", priority=4)
    driver.engine.add(job)
    released = driver.engine.release("late")
    assert released is not None
    assert (released.token_ids, released.text) == ((), "")
    assert whole.token_ids


def test_cancel_is_silent_and_frees_the_slot_and_the_id(driver: Driver) -> None:
    for n in range(NUM_SLOTS):
        driver.add(f"r{n}", max_new_tokens=100, priority=3)
    driver.until_tokens("r0", 3)
    driver.engine.cancel("r0")
    num_before = len(driver.of("r0"))
    driver.answer("next", priority=3, max_new_tokens=5)
    assert len(driver.of("r0")) == num_before
    driver.engine.cancel("r0")
    driver.engine.cancel("never seen")
    assert len(driver.answer("r0", max_new_tokens=5).token_ids) == 5


def test_a_complete_prefix_ends_at_once(driver: Driver) -> None:
    driver.add("a", max_new_tokens=40)
    driver.until_tokens("a", 8)
    released = driver.engine.release("a")
    assert released is not None
    driver.add("a", max_new_tokens=len(released.token_ids), resumed=released)
    driver.until_over("a")
    whole = driver.finished("a")
    assert (whole.token_ids, whole.text) == (released.token_ids, released.text)
    assert whole.reason == "length"


def test_waiting_requests_start_in_the_order_of_the_policy(driver: Driver) -> None:
    give_back = take_all_slots(driver)
    for job_id, priority in (("d", 4), ("b", 2), ("c", 3), ("a", 1)):
        driver.add(job_id, priority=priority, max_new_tokens=30)
    give_back()
    driver.until_over("a", "b", "c", "d")
    assert driver.order_of(Started, "abcd") == ["a", "b", "c", "d"]


def test_a_more_urgent_level_takes_the_slot_of_the_worst(driver: Driver) -> None:
    driver.add("low", priority=4, max_new_tokens=100)
    driver.add("mid", priority=3, max_new_tokens=100)
    driver.until_tokens("low", 3)
    driver.add("urgent", priority=0, max_new_tokens=10)
    driver.until_over("urgent")
    before = driver.num_tokens("low")
    assert before < 100
    driver.until_over("low", "mid")
    assert len(driver.finished("low").token_ids) == 100


def test_the_same_level_never_takes_a_slot(driver: Driver) -> None:
    for n in range(NUM_SLOTS):
        driver.add(f"long{n}", predicted=500, max_new_tokens=60)
    driver.until_tokens(f"long{NUM_SLOTS - 1}", 2)
    driver.add("short", predicted=1, max_new_tokens=5)
    driver.until_over("short")
    assert driver.over() & {f"long{n}" for n in range(NUM_SLOTS)}


def test_a_new_priority_counts_at_once(driver: Driver) -> None:
    give_back = take_all_slots(driver, priority=1)
    a = driver.add("a", priority=3, max_new_tokens=20)
    driver.add("b", priority=2, max_new_tokens=20)
    driver.engine.update(a.request.with_priority(0))
    give_back()
    driver.until_over("a", "b")
    assert driver.order_of(Started, "ab") == ["a", "b"]


def test_a_policy_can_be_switched_while_requests_wait(driver: Driver) -> None:
    give_back = take_all_slots(driver)
    driver.add("first", priority=4, max_new_tokens=30)
    driver.add("second", priority=1, max_new_tokens=30)
    driver.add("third", priority=2, max_new_tokens=30)
    driver.engine.set_policy(POLICIES["fcfs"], Preemption.NEVER)
    give_back()
    driver.until_over("first", "second", "third")
    assert driver.order_of(Started, ["first", "second", "third"]) == ["first", "second", "third"]


def test_serial_uses_one_slot(driver: Driver) -> None:
    driver.engine.set_policy(POLICIES["serial"], Preemption.NEVER)
    driver.add("a", priority=4, max_new_tokens=30)
    driver.add("b", priority=0, max_new_tokens=30)
    driver.until_tokens("b", 1)
    assert "a" in driver.over()


def test_waits_for_events_and_no_longer(driver: Driver) -> None:
    began = time.monotonic()
    assert driver.engine.events(0.05) == []
    assert time.monotonic() - began < 2.0


def test_stats_have_their_names(driver: Driver) -> None:
    driver.add("a", max_new_tokens=100)
    driver.until_tokens("a", 5)
    stats = driver.engine.stats()
    assert set(stats) == set(STATS)
    assert stats["slots_total"] == driver.engine.num_slots == NUM_SLOTS
    assert (stats["slots_used"], stats["requests"]) == (1.0, 1.0)
    assert stats["tokens"] >= 5


def test_longer_prompts_count_more_tokens(driver: Driver) -> None:
    short = driver.engine.count_prompt_tokens("cough")
    assert 0 < short < driver.engine.count_prompt_tokens("cough and fever since monday")


def test_a_stopped_engine_forgets_and_can_begin_anew(driver: Driver) -> None:
    driver.add("a", max_new_tokens=200)
    driver.until_tokens("a", 2)
    driver.engine.stop()
    driver.engine.stop()
    assert not driver.engine.alive()
    assert driver.engine.events(0.0) == []
    assert driver.engine.release("a") is None
    with pytest.raises(EngineNotRunning):
        driver.add("b")
    driver.engine.start()
    assert driver.engine.alive()
    assert len(driver.answer("a", max_new_tokens=5).token_ids) == 5


def test_an_engine_knows_what_it_holds_until_its_end_was_read(driver: Driver) -> None:
    assert driver.engine.ready() == ""
    assert not driver.engine.holds("a")
    driver.add("a")
    assert driver.engine.holds("a")
    driver.until_tokens("a", 1)
    assert driver.engine.holds("a")
    driver.until_over("a")
    assert not driver.engine.holds("a")
    driver.add("b", max_new_tokens=200)
    driver.engine.cancel("b")
    assert not driver.engine.holds("b")
