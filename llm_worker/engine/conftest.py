"""Fixtures: one tiny model, and each engine as an implementation of the protocol."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from transformers import Qwen3Config

from llm_worker.engine.driver import Driver
from llm_worker.engine.fake import FakeEngine
from llm_worker.engine.local.byte_tokenizer import NUM_BYTE_TOKENS, byte_tokenizer
from llm_worker.engine.local.engine import LocalEngine
from llm_worker.engine.local.loading import random_model
from llm_worker.engine.local.settings import EngineSettings
from llm_worker.engine.protocol import Engine
from llm_worker.engine.remote.api import RemoteSettings
from llm_worker.engine.remote.engine import RemoteEngine
from llm_worker.engine.remote.fake_server import FakeServer
from scheduling.core.policies import POLICIES, Preemption

NUM_SLOTS = 2
MAX_CONTEXT_TOKENS = 256


@pytest.fixture(scope="session")
def one_thread() -> Iterator[None]:
    """So small a model is slower with several threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    return byte_tokenizer()


def tiny_model() -> Any:
    """Two random layers, with weights large enough that answers differ.

    The model never generates the end-of-sequence token.
    """
    config = Qwen3Config(
        vocab_size=NUM_BYTE_TOKENS,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        max_position_embeddings=2048,
        eos_token_id=NUM_BYTE_TOKENS - 1,
        bos_token_id=None,
        tie_word_embeddings=False,
    )
    config.initializer_range = 0.35
    tiny = random_model(config, "cpu", torch.float32, seed=7).eval()
    with torch.no_grad():
        tiny.lm_head.weight[NUM_BYTE_TOKENS - 1] = 0.0
    return tiny


@pytest.fixture
def model(one_thread: None) -> Any:
    """A new model for each test, because an engine changes its model while it runs."""
    return tiny_model()


@pytest.fixture(scope="session")
def local_engine(one_thread: None, tokenizer: Any) -> Iterator[LocalEngine]:
    engine = LocalEngine(
        tiny_model(),
        tokenizer,
        encode=tokenizer.encode,
        clock=time.time,
        settings=EngineSettings.for_cpu(num_slots=NUM_SLOTS, max_context_tokens=MAX_CONTEXT_TOKENS),
    )
    yield engine
    engine.stop()


def fake_engine() -> FakeEngine:
    return FakeEngine(
        num_slots=NUM_SLOTS,
        answer_length=lambda job: 10_000,
        kv=(NUM_SLOTS * 16, 16),
    )


def driver_of(engine: Engine) -> Driver:
    """A driver of the running engine, with the default policy."""
    if not engine.alive():
        engine.start()
    engine.set_policy(POLICIES["semantic"], Preemption.LEVEL)
    return Driver(engine)


@pytest.fixture
def local(local_engine: LocalEngine) -> Iterator[Driver]:
    driver = driver_of(local_engine)
    yield driver
    driver.clear()


@pytest.fixture(scope="session")
def server() -> Iterator[FakeServer]:
    with FakeServer() as running:
        running.num_slots = NUM_SLOTS
        yield running


@pytest.fixture(scope="session")
def remote_engine(server: FakeServer) -> Iterator[RemoteEngine]:
    settings = RemoteSettings(
        base_url=server.base_url, model="m", num_slots=NUM_SLOTS, max_context_tokens=1000
    )
    engine = RemoteEngine(settings, clock=time.time)
    yield engine
    engine.stop()


@pytest.fixture(params=["fake", "local", "remote"])
def driver(request: pytest.FixtureRequest) -> Iterator[Driver]:
    """Each engine in turn, with `NUM_SLOTS` slots. Answers end at their `max_new_tokens`."""
    makers: dict[str, Callable[[], Engine]] = {
        "fake": fake_engine,
        "local": lambda: request.getfixturevalue("local_engine"),
        "remote": lambda: request.getfixturevalue("remote_engine"),
    }
    driver = driver_of(makers[request.param]())
    yield driver
    driver.clear()
