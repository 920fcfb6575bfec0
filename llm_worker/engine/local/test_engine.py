"""The local engine: failures, and the rules when KV memory is short."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch

from llm_worker.engine.driver import Driver
from llm_worker.engine.local import engine as engine_module
from llm_worker.engine.local.batch_scheduler import PolicyScheduler
from llm_worker.engine.local.engine import LocalEngine
from llm_worker.engine.local.settings import EngineSettings
from llm_worker.engine.protocol import EngineFailed, EngineNotRunning, Failed, Finished, Released
from scheduling.core.policies import POLICIES, Preemption

PROMPTS = [f"case number {n}: {'pain ' * n}" for n in range(6)]


def engine_on(model: Any, tokenizer: Any, **sizes: int) -> LocalEngine:
    return LocalEngine(
        model,
        tokenizer,
        encode=tokenizer.encode,
        clock=time.time,
        settings=EngineSettings(page_tokens=16, max_batch_tokens=64, **sizes),
    )


@pytest.fixture
def short_of_memory(model: Any, tokenizer: Any) -> Iterator[Driver]:
    """Three slots and KV memory for 192 tokens."""
    engine = engine_on(model, tokenizer, num_slots=3, num_blocks=12)
    engine.start()
    yield Driver(engine)
    engine.stop()


def local_engine_of(driver: Driver) -> LocalEngine:
    assert isinstance(driver.engine, LocalEngine)
    return driver.engine


def scheduler_of(driver: Driver) -> PolicyScheduler:
    scheduler = local_engine_of(driver)._scheduler
    assert scheduler is not None
    return scheduler


@contextmanager
def evictions_of(driver: Driver) -> Iterator[list[str]]:
    """The ids that are evicted within the context, in order."""
    scheduler = scheduler_of(driver)
    original, evicted = scheduler._requeue, list[str]()

    def requeue(request_id: str) -> None:
        evicted.append(request_id.partition("#")[0])
        original(request_id)

    scheduler._requeue = requeue  # type: ignore[method-assign]
    yield evicted
    scheduler._requeue = original  # type: ignore[method-assign]


def test_the_least_urgent_request_is_evicted_first(local: Driver, short_of_memory: Driver) -> None:
    jobs = {"low": 4, "urgent": 0, "mid": 2}
    whole = {name: local.answer(name, prompt="p" * 20, max_new_tokens=100) for name in jobs}
    with evictions_of(short_of_memory) as evicted:
        for name, priority in jobs.items():
            short_of_memory.add(name, priority=priority, prompt="p" * 20, max_new_tokens=100)
        short_of_memory.wait_for_end(*jobs)
    assert evicted[0] == "low"
    assert "urgent" not in evicted
    assert short_of_memory.order_of(Finished, jobs) == ["urgent", "mid", "low"]
    for name in jobs:
        assert short_of_memory.finished(name).token_ids == whole[name].token_ids
        deltas = "".join(update.text_delta for update in short_of_memory.token_events(name))
        assert deltas == short_of_memory.finished(name).text


def test_a_preempted_request_keeps_its_kv_memory(local: Driver) -> None:
    with evictions_of(local) as evicted:
        local.add("low", priority=4, max_new_tokens=80)
        local.add("mid", priority=3, max_new_tokens=80)
        local.wait_for_tokens("low", 20)
        for n in range(6):
            local.add(f"urgent{n}", priority=0, max_new_tokens=10)
        local.wait_for_end("low", "mid", *(f"urgent{n}" for n in range(6)))
    assert evicted == []
    assert local.order_of(Finished, ["low", "urgent5"]) == ["urgent5", "low"]


@pytest.mark.parametrize("seed", [1, 2])
def test_each_answer_is_whole_and_returned_once(
    seed: int, local: Driver, short_of_memory: Driver
) -> None:
    """Releases, resumptions, cancellations, new priorities and evictions, mixed at random."""
    draw = random.Random(seed)
    whole = [local.answer(f"whole{n}", prompt=p, max_new_tokens=70) for n, p in enumerate(PROMPTS)]
    driver, open_jobs, cancelled = short_of_memory, dict[str, int](), set[str]()
    not_added = [f"job{n}" for n in range(12)]
    released: dict[str, Released] = {}
    all_jobs = {job_id: draw.randrange(len(PROMPTS)) for job_id in not_added}
    deadline = time.monotonic() + 60

    while not_added or released or set(open_jobs) - driver.ended():
        assert time.monotonic() < deadline, open_jobs
        driver.poll(draw.randrange(4))
        open_now = sorted(set(open_jobs) - driver.ended())
        action = draw.random()
        if not_added and len(open_now) < 5 and action < 0.5:
            job_id = not_added.pop()
            open_jobs[job_id] = all_jobs[job_id]
            _add(driver, job_id, all_jobs[job_id], draw.randrange(5), None)
        elif released:
            job_id, progress = released.popitem()
            _add(driver, job_id, all_jobs[job_id], draw.randrange(5), progress)
        elif open_now and action < 0.6:
            job_id = draw.choice(open_now)
            progress_now = driver.engine.release(job_id)
            if progress_now is not None:
                released[job_id] = progress_now
        elif open_now and action < 0.65:
            job_id = draw.choice(open_now)
            driver.engine.cancel(job_id)
            cancelled.add(job_id)
            del open_jobs[job_id]

    assert driver.engine.alive()
    for job_id, number in all_jobs.items():
        if job_id in cancelled:
            assert job_id not in driver.ended()
        else:
            assert driver.finished(job_id).token_ids == whole[number].token_ids
            deltas = "".join(update.text_delta for update in driver.token_events(job_id))
            assert deltas == whole[number].text
    assert driver.engine.stats()["requests"] == 0
    driver.wait_until(lambda: driver.engine.stats()["kv_blocks_used"] == 0)
    cache = scheduler_of(driver).cache
    cache.evict_cached_blocks()  # the blocks of cached prefixes
    assert cache.compute_free_capacity() == 1.0


def _add(
    driver: Driver, job_id: str, prompt_number: int, priority: int, resumed: Released | None
) -> None:
    driver.add(
        job_id,
        prompt=PROMPTS[prompt_number],
        priority=priority,
        max_new_tokens=70,
        resumed=resumed,
    )


def test_a_running_request_that_becomes_less_urgent_is_preempted(local: Driver) -> None:
    a = local.add("a", priority=1, max_new_tokens=120)
    local.add("b", priority=1, max_new_tokens=120)
    local.wait_for_tokens("a", 5)
    local.add("c", priority=2, max_new_tokens=120)
    local.engine.update(a.request.with_priority(4))
    local.wait_for_end("b", "c")
    assert "a" not in local.ended()
    local.wait_for_end("a")
    assert len(local.finished("a").token_ids) == 120


def test_preemption_by_key_takes_effect_in_the_next_step(local: Driver) -> None:
    local.engine.set_policy(POLICIES["sjf"], Preemption.KEY)
    local.add("long", predicted=200, max_new_tokens=120)
    local.add("longer", predicted=300, max_new_tokens=120)
    local.wait_for_tokens("longer", 3)
    local.add("short", predicted=5, max_new_tokens=10)
    local.wait_for_end("short")
    assert local.ended() == {"short"}


def test_an_answer_that_has_ended_cannot_be_released(local: Driver) -> None:
    local.add("a", max_new_tokens=5)
    engine = local.engine
    assert isinstance(engine, LocalEngine)
    answer = engine._answers.get("a")
    assert answer is not None
    deadline = time.monotonic() + 10
    while not engine._has_ended(answer.library_id):  # the event is there but not read
        assert time.monotonic() < deadline
        time.sleep(0.005)
    assert local.engine.release("a") is None
    local.wait_for_end("a")
    assert len(local.finished("a").token_ids) == 5


def test_the_end_token_of_the_model_is_not_in_the_answer(
    model: Any, tokenizer: Any, local: Driver
) -> None:
    whole = local.answer("a", max_new_tokens=30)
    end = whole.token_ids[7]
    model.generation_config.eos_token_id = [end]
    engine = engine_on(model, tokenizer, num_slots=1, num_blocks=8)
    engine.start()
    try:
        driver = Driver(engine)
        ended = driver.answer("a", max_new_tokens=30)
    finally:
        engine.stop()
    assert ended.reason == "eos"
    assert ended.token_ids == whole.token_ids[: whole.token_ids.index(end)]
    assert driver.num_tokens("a") == len(ended.token_ids)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"prompt": "unreadable"}, "the tokenizer failed"),
        ({"prompt": "empty"}, "the prompt is empty"),
        (
            {"resumed": Released(id="bad", token_ids=(999_999,), text="")},
            "token id 999999 is not in",
        ),
    ],
)
def test_only_the_bad_request_fails(
    local: Driver, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], reason: str
) -> None:
    encode = local_engine_of(local)._encode

    def encode_most(prompt: str) -> list[int]:
        if prompt == "unreadable":
            raise OverflowError("the tokenizer failed")
        return [] if prompt == "empty" else list(encode(prompt))

    monkeypatch.setattr(local_engine_of(local), "_encode", encode_most)
    local.add("good", max_new_tokens=60)
    local.add("bad", **options)
    local.wait_for_end("good", "bad")
    (failed,) = [event for event in local.events_of("bad") if isinstance(event, Failed)]
    assert reason in failed.reason
    assert len(local.finished("good").token_ids) == 60


def test_only_the_request_that_the_library_rejects_fails(
    local: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduler = scheduler_of(local)
    expect = scheduler.expect
    monkeypatch.setattr(
        scheduler, "expect", lambda r: None if r.id.startswith("bad") else expect(r)
    )
    local.add("good", max_new_tokens=60)
    local.add("bad")
    local.wait_for_end("good", "bad")
    assert isinstance(local.events_of("bad")[-1], Failed)
    assert len(local.finished("good").token_ids) == 60
    assert local.engine.alive()


def test_a_failed_loop_is_reported_once_fails_no_request_and_can_restart(
    local: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = local_engine_of(local)
    for n in range(3):
        local.add(f"r{n}", max_new_tokens=200)
    local.wait_for_tokens("r0", 5)

    def fail() -> None:
        raise RuntimeError("the device went away")

    monkeypatch.setattr(scheduler_of(local), "_decide", fail)
    local.wait_until(lambda: any(isinstance(event, EngineFailed) for event in local.events))
    local.poll()
    failures = [event for event in local.events if isinstance(event, EngineFailed)]
    assert [failure.reason for failure in failures] == ["the device went away"]
    assert local.ended() == set()
    assert not engine.alive()
    with pytest.raises(EngineNotRunning):
        local.add("late")
    engine.start()
    assert len(local.answer("r0", max_new_tokens=10).token_ids) == 10
    assert [type(e) for e in local.events].count(EngineFailed) == 1


def test_the_library_must_use_our_scheduler(
    model: Any, tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def not_registered(name: str, **settings: Any) -> Iterator[None]:
        yield

    monkeypatch.setattr(engine_module, "registered", not_registered)
    engine = engine_on(model, tokenizer, num_slots=1, num_blocks=8)
    with pytest.raises(RuntimeError, match="FIFOScheduler"):
        engine.start()
    assert not engine.alive()
    assert model.config._attn_implementation == "sdpa"


def test_answers_equal_plain_generation(model: Any, tokenizer: Any) -> None:
    """With batches, split prompts and paged memory the tokens are the same."""
    prompts = [f"{n} " * length for n, length in enumerate((1, 30, 75, 160))]
    alone = [
        model.generate(
            torch.tensor([tokenizer.encode(prompt)]),
            max_new_tokens=24,
            do_sample=False,
            pad_token_id=0,
        )[0, len(prompt) :].tolist()
        for prompt in prompts
    ]
    engine = engine_on(model, tokenizer, num_slots=4, num_blocks=64)
    engine.start()
    try:
        driver = Driver(engine)
        for n, prompt in enumerate(prompts):
            driver.add(f"r{n}", prompt=prompt, max_new_tokens=24)
        driver.wait_for_end("r0", "r1", "r2", "r3")
    finally:
        engine.stop()
    assert [list(driver.finished(f"r{n}").token_ids) for n in range(4)] == alone
    assert model.config._attn_implementation == "sdpa"
