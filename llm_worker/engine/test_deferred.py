"""An engine that is built later: the worker lives on, says what is missing, and tries again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from threading import Event as Flag

import pytest

from llm_worker.engine.deferred import RETRY_SECONDS, DeferredEngine
from llm_worker.engine.driver import Driver, make_job
from llm_worker.engine.fake import FakeEngine
from llm_worker.engine.protocol import STATS, Engine, EngineNotRunning, EngineUnavailable
from scheduling.core.guidance import LOADING
from scheduling.core.policies import POLICIES, Preemption


class Builder:
    """Builds fake engines, after it is let go; raises `error` where it is set."""

    def __init__(self) -> None:
        self.go = Flag()
        self.error: Exception | None = None
        self.engine = FakeEngine(num_slots=2)
        self.num_builds = 0
        self.now = 100.0

    def __call__(self) -> Engine:
        assert self.go.wait(10)
        self.num_builds += 1
        if self.error is not None:
            raise self.error
        return self.engine


@pytest.fixture
def builder() -> Iterator[Builder]:
    built = Builder()
    yield built
    built.go.set()


@pytest.fixture
def engine(builder: Builder) -> DeferredEngine:
    return DeferredEngine(builder, num_slots=2, clock=lambda: builder.now)


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_it_says_that_it_loads_and_then_works(engine: DeferredEngine, builder: Builder) -> None:
    engine.start()
    assert engine.alive()
    assert engine.ready() == LOADING
    assert set(engine.stats()) == set(STATS)
    assert (engine.num_slots, engine.events(0.0)) == (2, [])
    assert engine.release("a") is None
    with pytest.raises(EngineNotRunning):
        engine.add(make_job("a"))
    engine.set_policy(POLICIES["serial"], Preemption.NEVER)
    builder.go.set()
    wait_for(lambda: engine.ready() == "")
    driver = Driver(engine)
    driver.add("a", priority=4, max_new_tokens=9)
    driver.add("b", priority=0, max_new_tokens=9)
    driver.wait_for_tokens("b", 1)
    assert "a" in driver.ended()  # the policy that was set before is in use
    assert builder.num_builds == 1


def test_a_model_that_cannot_be_used_is_tried_again(
    engine: DeferredEngine, builder: Builder
) -> None:
    builder.error = EngineUnavailable("TRIAGE_LLM: /x: there is no such folder")
    builder.go.set()
    engine.start()
    wait_for(lambda: engine.ready() == str(builder.error))
    assert engine.alive()
    builder.error = None
    builder.now += RETRY_SECONDS - 1
    assert "no such folder" in engine.ready()
    assert builder.num_builds == 1
    builder.now += 1
    wait_for(lambda: engine.ready() == "")
    assert builder.num_builds == 2


def test_an_unexpected_error_is_one_sentence(engine: DeferredEngine, builder: Builder) -> None:
    builder.error = RuntimeError("line one\nline two")
    builder.go.set()
    engine.start()
    wait_for(lambda: engine.ready() != LOADING)
    assert engine.ready().startswith("TRIAGE_LLM: the engine cannot be made (RuntimeError: line")
    assert "\n" not in engine.ready()


def test_an_engine_that_does_not_start_is_built_again(
    engine: DeferredEngine, builder: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory() -> None:
        raise MemoryError("KV cache")

    builder.go.set()
    with monkeypatch.context() as patch:
        patch.setattr(builder.engine, "start", no_memory)
        engine.start()
        wait_for(lambda: "MemoryError: KV cache" in engine.ready())
        assert engine.alive()
    builder.now += RETRY_SECONDS
    wait_for(lambda: engine.ready() == "")


def test_a_failed_engine_starts_again_without_being_built(
    engine: DeferredEngine, builder: Builder
) -> None:
    builder.go.set()
    engine.start()
    wait_for(lambda: engine.ready() == "")
    builder.engine.fail_engine("out of memory")
    assert not engine.alive()
    engine.start()
    assert engine.alive()
    assert builder.num_builds == 1
