"""Tests of the protocol that every engine must pass."""

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
    """Fills all slots until the returned function is called."""
    ids = [f"busy{n}" for n in range(NUM_SLOTS)]
    for job_id in ids:
        driver.add(job_id, priority=priority, max_new_tokens=200)
    for job_id in ids:
        driver.wait_for_tokens(job_id, 1)

    def free_slots() -> None:
        driver.poll(1)
        assert not driver.ended() & set(ids), "the jobs ended before the test was ready"
        for job_id in ids:
            driver.engine.cancel(job_id)

    return free_slots


def test_an_answer_starts_streams_and_ends(driver: Driver) -> None:
    whole = driver.answer("a", max_new_tokens=12)
    updates = driver.token_events("a")
    assert isinstance(driver.events_of("a")[0], Started)
    assert driver.events_of("a")[-1] is whole
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
    driver.wait_for_end(*ids)
    driver.poll()
    assert {job_id: len(driver.finished(job_id).token_ids) for job_id in ids} == dict.fromkeys(
        ids, 12
    )
    assert driver.engine.stats()["requests"] == 0


def test_a_duplicate_id_is_refused_and_the_first_job_continues(driver: Driver) -> None:
    driver.add("a", max_new_tokens=40)
    with pytest.raises(ValueError, match="a: the engine already has this id"):
        driver.add("a")
    driver.wait_for_end("a")
    assert len(driver.finished("a").token_ids) == 40


def test_a_job_that_never_fits_is_refused_with_the_reason(driver: Driver) -> None:
    with pytest.raises(NeverFits, match=r"a: .* need \d+ tokens, "):
        driver.add("a", max_new_tokens=100_000)
    driver.answer("b")


def test_an_interrupted_answer_equals_an_uninterrupted_one(driver: Driver) -> None:
    whole = driver.answer("whole", prompt="short of breath", max_new_tokens=40)
    driver.add("a", prompt="short of breath", max_new_tokens=40)
    shown = ""
    for num_tokens in (3, 11, 19):
        driver.wait_for_tokens("a", num_tokens)
        released = driver.engine.release("a")
        assert released is not None
        assert released.token_ids == whole.token_ids[: len(released.token_ids)]
        shown = "".join(update.text_delta for update in driver.token_events("a"))
        assert released.text == shown
        driver.add("a", prompt="short of breath", max_new_tokens=40, resumed=released)
    driver.wait_for_end("a")
    resumed = driver.finished("a")
    assert (resumed.token_ids, resumed.text) == (whole.token_ids, whole.text)
    assert "".join(update.text_delta for update in driver.token_events("a")) == whole.text


def test_no_event_follows_a_release(driver: Driver) -> None:
    driver.add("a", max_new_tokens=100)
    driver.add("b", max_new_tokens=30)
    driver.wait_for_tokens("a", 3)
    assert driver.engine.release("a") is not None
    num_before = len(driver.events_of("a"))
    driver.wait_for_end("b")
    assert len(driver.events_of("a")) == num_before
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


def test_cancel_sends_no_event_and_frees_the_slot_and_the_id(driver: Driver) -> None:
    for n in range(NUM_SLOTS):
        driver.add(f"r{n}", max_new_tokens=100, priority=3)
    driver.wait_for_tokens("r0", 3)
    driver.engine.cancel("r0")
    num_before = len(driver.events_of("r0"))
    driver.answer("next", priority=3, max_new_tokens=5)
    assert len(driver.events_of("r0")) == num_before
    driver.engine.cancel("r0")
    driver.engine.cancel("never seen")
    assert len(driver.answer("r0", max_new_tokens=5).token_ids) == 5


def test_a_complete_prefix_ends_at_once(driver: Driver) -> None:
    driver.add("a", max_new_tokens=40)
    driver.wait_for_tokens("a", 8)
    released = driver.engine.release("a")
    assert released is not None
    driver.add("a", max_new_tokens=len(released.token_ids), resumed=released)
    driver.wait_for_end("a")
    whole = driver.finished("a")
    assert (whole.token_ids, whole.text) == (released.token_ids, released.text)
    assert whole.reason == "length"


def test_waiting_requests_start_in_the_order_of_the_policy(driver: Driver) -> None:
    free_slots = take_all_slots(driver)
    for job_id, priority in (("d", 4), ("b", 2), ("c", 3), ("a", 1)):
        driver.add(job_id, priority=priority, max_new_tokens=30)
    free_slots()
    driver.wait_for_end("a", "b", "c", "d")
    assert driver.order_of(Started, "abcd") == ["a", "b", "c", "d"]


def test_a_more_urgent_level_preempts_the_worst_request(driver: Driver) -> None:
    driver.add("low", priority=4, max_new_tokens=100)
    driver.add("mid", priority=3, max_new_tokens=100)
    driver.wait_for_tokens("low", 3)
    driver.add("urgent", priority=0, max_new_tokens=10)
    driver.wait_for_end("urgent")
    before = driver.num_tokens("low")
    assert before < 100
    driver.wait_for_end("low", "mid")
    assert len(driver.finished("low").token_ids) == 100


def test_the_same_level_never_preempts(driver: Driver) -> None:
    for n in range(NUM_SLOTS):
        driver.add(f"long{n}", predicted=500, max_new_tokens=60)
    driver.wait_for_tokens(f"long{NUM_SLOTS - 1}", 2)
    driver.add("short", predicted=1, max_new_tokens=5)
    driver.wait_for_end("short")
    assert driver.ended() & {f"long{n}" for n in range(NUM_SLOTS)}


def test_a_new_priority_takes_effect_at_once(driver: Driver) -> None:
    free_slots = take_all_slots(driver, priority=1)
    a = driver.add("a", priority=3, max_new_tokens=20)
    driver.add("b", priority=2, max_new_tokens=20)
    driver.engine.update(a.request.with_priority(0))
    free_slots()
    driver.wait_for_end("a", "b")
    assert driver.order_of(Started, "ab") == ["a", "b"]


def test_a_policy_can_be_switched_while_requests_wait(driver: Driver) -> None:
    free_slots = take_all_slots(driver)
    driver.add("first", priority=4, max_new_tokens=30)
    driver.add("second", priority=1, max_new_tokens=30)
    driver.add("third", priority=2, max_new_tokens=30)
    driver.engine.set_policy(POLICIES["fcfs"], Preemption.NEVER)
    free_slots()
    driver.wait_for_end("first", "second", "third")
    assert driver.order_of(Started, ["first", "second", "third"]) == ["first", "second", "third"]


def test_serial_uses_one_slot(driver: Driver) -> None:
    driver.engine.set_policy(POLICIES["serial"], Preemption.NEVER)
    driver.add("a", priority=4, max_new_tokens=30)
    driver.add("b", priority=0, max_new_tokens=30)
    driver.wait_for_tokens("b", 1)
    assert "a" in driver.ended()


def test_events_waits_no_longer_than_its_timeout(driver: Driver) -> None:
    began = time.monotonic()
    assert driver.engine.events(0.05) == []
    assert time.monotonic() - began < 2.0


def test_stats_has_all_figures(driver: Driver) -> None:
    driver.add("a", max_new_tokens=100)
    driver.wait_for_tokens("a", 5)
    stats = driver.engine.stats()
    assert set(stats) == set(STATS)
    assert stats["slots_total"] == driver.engine.num_slots == NUM_SLOTS
    assert (stats["slots_used"], stats["requests"]) == (1.0, 1.0)
    assert stats["tokens"] >= 5


def test_a_longer_prompt_has_more_tokens(driver: Driver) -> None:
    short = driver.engine.count_prompt_tokens("cough")
    assert 0 < short < driver.engine.count_prompt_tokens("cough and fever since monday")


def test_a_stopped_engine_drops_its_jobs_and_can_start_again(driver: Driver) -> None:
    driver.add("a", max_new_tokens=200)
    driver.wait_for_tokens("a", 2)
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
    driver.wait_for_tokens("a", 1)
    assert driver.engine.holds("a")
    driver.wait_for_end("a")
    assert not driver.engine.holds("a")
    driver.add("b", max_new_tokens=200)
    driver.engine.cancel("b")
    assert not driver.engine.holds("b")
