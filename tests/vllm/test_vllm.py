"""The contract of an engine, on a real vLLM server with the embedded model (`make test-vllm`)."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

from llm_worker.engine.driver import Driver
from llm_worker.engine.protocol import UNKNOWN_TOKEN, EngineFailed, Started
from llm_worker.engine.remote.api import RemoteSettings
from llm_worker.engine.remote.engine import RemoteEngine
from scheduling.core.policies import POLICIES, Preemption
from tests.vllm.server import MODEL_NAME, VllmServer, vllm_python
from triage_site.triage.brief import build_brief
from triage_site.triage.facts import CaseFacts

IS_ASKED_FOR = bool(vllm_python()) or bool(os.environ.get("TEST_VLLM"))
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not IS_ASKED_FOR, reason="VLLM_PYTHON is not set (make test-vllm)"),
]
NUM_SLOTS = 2


def brief(text: str, priority: int = 2) -> str:
    return build_brief(CaseFacts(text=text, age_years=50), priority=priority, danger_signs=())


@pytest.fixture(scope="module", params=["chat", "completions"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[VllmServer]:
    assert vllm_python(), "set VLLM_PYTHON to the Python of an environment with vLLM"
    folder = tmp_path_factory.mktemp("vllm")
    with VllmServer(folder, num_slots=NUM_SLOTS, has_template=request.param == "chat") as running:
        yield running


def engine_of(server: VllmServer, **settings: object) -> RemoteEngine:
    values = {"base_url": server.base_url, "model": MODEL_NAME, "num_slots": NUM_SLOTS, **settings}
    values |= {"first_token_seconds": 120, "token_seconds": 60}  # the machine may be busy
    return RemoteEngine(RemoteSettings(**values), clock=time.time)  # type: ignore[arg-type]


@pytest.fixture
def driver(server: VllmServer) -> Iterator[Driver]:
    engine = engine_of(server, retry_seconds=0.2)
    engine.start()
    assert engine.ready() == ""
    engine.set_policy(POLICIES["semantic"], Preemption.LEVEL)
    yield Driver(engine)
    engine.stop()


def test_the_probe_finds_what_the_server_can_do(server: VllmServer, driver: Driver) -> None:
    engine = driver.engine
    assert isinstance(engine, RemoteEngine)
    dialect = engine._dialect
    assert dialect.api_url == f"{server.base_url}/v1"
    assert dialect.is_chat == server._has_template
    assert (dialect.sends_priority, dialect.wants_token_ids) == (True, True)
    assert dialect.max_context_tokens == 2048


@pytest.mark.parametrize("ending", ["", "/", "/v1", "/v1/"])
def test_the_address_may_have_v1_or_not(server: VllmServer, ending: str) -> None:
    assert engine_of(server, base_url=server.base_url + ending).ready() == ""


def test_a_wrong_model_is_answered_with_the_names_of_the_right_ones(server: VllmServer) -> None:
    said = engine_of(server, model="Embedded").ready()
    assert said.startswith("TRIAGE_REMOTE_MODEL: ")
    assert said.endswith("it serves embedded")


def test_a_wrong_path_is_said(server: VllmServer) -> None:
    assert (
        engine_of(server, base_url=f"{server.base_url}/api")
        .ready()
        .startswith("TRIAGE_REMOTE_URL: ")
    )


def test_an_answer_streams_and_ends_like_any_other(driver: Driver) -> None:
    whole = driver.answer("a", prompt=brief("fell, wrist hurts"), max_new_tokens=300)
    assert whole.reason == "eos"
    assert whole.text.startswith("Situation")
    assert UNKNOWN_TOKEN not in whole.token_ids
    updates = driver.token_events("a")
    assert "".join(update.text_delta for update in updates) == whole.text
    assert tuple(i for update in updates for i in update.token_ids) == whole.token_ids


def test_an_interrupted_answer_equals_an_uninterrupted_one(driver: Driver) -> None:
    prompt = brief("short of breath since the morning")
    whole = driver.answer("whole", prompt=prompt, max_new_tokens=120)
    driver.add("a", prompt=prompt, max_new_tokens=120)
    for num_tokens in (5, 21, 48):
        driver.wait_for_tokens("a", num_tokens)
        released = driver.engine.release("a")
        assert released is not None
        assert whole.text.startswith(released.text)
        driver.add("a", prompt=prompt, max_new_tokens=120, resumed=released)
    driver.wait_for_end("a")
    assert driver.finished("a").text == whole.text
    assert "".join(update.text_delta for update in driver.token_events("a")) == whole.text


def test_the_order_is_that_of_the_policy(driver: Driver) -> None:
    # All at once: a server on few cores may send a whole answer in one piece, and then it is over.
    jobs = [*((f"busy{n}", 0, 150) for n in range(NUM_SLOTS)),
            ("d", 4, 20), ("b", 2, 20), ("c", 3, 20), ("a", 1, 20)]  # fmt: skip
    prompt = brief("bleeding")
    for job_id, priority, num_tokens in jobs:
        driver.add(job_id, priority=priority, prompt=prompt, max_new_tokens=num_tokens)
    driver.wait_for_end("a", "b", "c", "d")
    assert driver.order_of(Started, "abcd") == ["a", "b", "c", "d"]


def test_a_displaced_answer_resumes_without_a_lost_or_doubled_word(driver: Driver) -> None:
    prompt = brief("twisted knee")
    whole = driver.answer("whole", prompt=prompt, max_new_tokens=100)
    driver.add("low", priority=4, prompt=prompt, max_new_tokens=100)
    driver.add("mid", priority=3, prompt=brief("cough"), max_new_tokens=100)
    driver.wait_for_tokens("low", 3)
    driver.add("urgent", priority=0, prompt=brief("not breathing", 0), max_new_tokens=30)
    driver.wait_for_end("urgent")
    assert "low" not in driver.ended()
    driver.wait_for_end("low", "mid")
    assert driver.finished("low").text == whole.text


def test_cancel_frees_the_slot(driver: Driver) -> None:
    for n in range(NUM_SLOTS):
        driver.add(f"r{n}", priority=3, prompt=brief("rash"), max_new_tokens=400)
    driver.wait_for_tokens("r0", 3)
    driver.engine.cancel("r0")
    num_before = len(driver.events_of("r0"))
    driver.answer("next", priority=3, prompt=brief("rash"), max_new_tokens=5)
    assert len(driver.events_of("r0")) == num_before


def test_a_killed_server_fails_no_answer_and_works_when_it_is_back(
    server: VllmServer, driver: Driver
) -> None:
    prompt = brief("headache since yesterday")
    whole = driver.answer("whole", prompt=prompt, max_new_tokens=100)
    driver.add("a", prompt=prompt, max_new_tokens=100)
    driver.wait_for_tokens("a", 4)
    server.kill()
    driver.wait_until(lambda: any(isinstance(e, EngineFailed) for e in driver.events), 60)
    assert driver.ended() == {"whole"}
    engine = driver.engine
    engine.start()
    assert engine.ready().startswith("TRIAGE_REMOTE_URL: no server answers at ")
    server.start()
    server.wait_until_ready()
    assert engine.ready() == ""
    again = driver.answer("again", prompt=prompt, max_new_tokens=100)
    assert again.text == whole.text
