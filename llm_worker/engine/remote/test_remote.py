"""The remote engine with servers that fail, reject requests or close connections."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace

import pytest

from llm_worker.engine.driver import Driver
from llm_worker.engine.fake import fake_text, fake_token_ids
from llm_worker.engine.prompt import completion_prompt
from llm_worker.engine.protocol import (
    UNKNOWN_TOKEN,
    EngineFailed,
    EngineNotRunning,
    Failed,
    Started,
)
from llm_worker.engine.remote.api import (
    InvalidResponse,
    RemoteSettings,
    assumed_dialect,
    parse_line,
    request_body,
)
from llm_worker.engine.remote.engine import RemoteEngine
from llm_worker.engine.remote.fake_server import FakeServer

Connect = Callable[..., Driver]


@pytest.fixture
def own_server() -> Iterator[FakeServer]:
    with FakeServer() as running:
        yield running


@pytest.fixture
def connect(own_server: FakeServer) -> Iterator[Connect]:
    """Makes a running engine on the test's own server."""
    with ExitStack() as engines:

        def make(**settings: object) -> Driver:
            base = RemoteSettings(
                base_url=own_server.base_url, model="m", num_slots=2, retry_seconds=0.01
            )
            engine = RemoteEngine(
                replace(base, **settings),  # type: ignore[arg-type]
                clock=time.time,
            )
            engine.start()
            engines.callback(engine.stop)
            return Driver(engine)

        yield make


def test_the_request_has_priority_and_limits(connect: Connect, own_server: FakeServer) -> None:
    driver = connect()
    driver.answer("a", priority=3, max_new_tokens=7)
    (body,) = own_server.bodies
    assert (body["priority"], body["max_tokens"], body["temperature"]) == (3, 7, 0)
    assert (body["model"], body["stream"]) == ("m", True)


def test_a_server_without_vllm_gets_no_vllm_fields(
    connect: Connect, own_server: FakeServer
) -> None:
    driver = connect(sends_priority=False, wants_token_ids=False)
    answer = driver.answer("a", prompt="cough", max_new_tokens=6)
    (body,) = own_server.bodies
    assert not {"priority", "return_token_ids"} & set(body)
    assert answer.token_ids == (UNKNOWN_TOKEN,) * 6
    assert answer.text == fake_text(fake_token_ids("cough", 6))


def test_plain_completions_resume(connect: Connect, own_server: FakeServer) -> None:
    driver = connect(is_chat=False)
    whole = driver.answer("whole", prompt="fall", max_new_tokens=20)
    driver.add("a", prompt="fall", max_new_tokens=20)
    driver.wait_for_tokens("a", 5)
    released = driver.engine.release("a")
    assert released is not None
    driver.add("a", prompt="fall", max_new_tokens=20, resumed=released)
    driver.wait_for_end("a")
    assert driver.finished("a").text == whole.text
    assert own_server.bodies[-1]["prompt"] == completion_prompt("fall") + released.text


def test_the_end_token_is_not_in_the_answer(connect: Connect) -> None:
    answer = connect().answer("a", prompt="end 9", max_new_tokens=50)
    assert (answer.reason, answer.token_ids) == ("eos", fake_token_ids("end 9", 9))


def test_a_lost_connection_resumes_after_the_last_token(
    connect: Connect, own_server: FakeServer
) -> None:
    driver = connect()
    answer = driver.answer("a", prompt="cut 4", max_new_tokens=18)
    assert answer.token_ids == fake_token_ids("cut 4", 18)
    assert len(own_server.bodies) == 5
    assert len([event for event in driver.events if isinstance(event, Started)]) == 1


def test_a_busy_server_gets_the_request_again(connect: Connect, own_server: FakeServer) -> None:
    answer = connect(max_failures=0).answer("a", prompt="busy 6", max_new_tokens=5)
    assert len(answer.token_ids) == 5
    assert len(own_server.bodies) == 7


def test_a_rejected_request_fails_and_the_others_continue(connect: Connect) -> None:
    driver = connect()
    driver.add("good", max_new_tokens=20)
    driver.add("bad", prompt="refuse")
    driver.wait_for_end("good", "bad")
    (failed,) = [event for event in driver.events_of("bad") if isinstance(event, Failed)]
    assert failed.reason.startswith("HTTP 400")
    assert len(driver.finished("good").token_ids) == 20


@pytest.mark.parametrize(
    ("prompt", "status", "reason"),
    [("x", 500, "HTTP 500"), ("x", 404, "HTTP 404"), ("rubbish", 200, "invalid response")],
)
def test_an_unusable_server_ends_the_engine_once(
    connect: Connect, own_server: FakeServer, prompt: str, status: int, reason: str
) -> None:
    driver = connect()
    own_server.status = status
    driver.add("a", prompt=prompt)
    with suppress(EngineNotRunning):  # the first request may have ended the engine
        driver.add("b", prompt=prompt)
    driver.wait_until(lambda: not driver.engine.alive())
    driver.poll()
    (failure,) = [event for event in driver.events if isinstance(event, EngineFailed)]
    assert reason in failure.reason
    assert own_server.base_url in failure.reason
    assert driver.ended() == set()
    own_server.status = 200
    driver.engine.start()
    assert len(driver.answer("a", max_new_tokens=5).token_ids) == 5


def test_a_server_that_does_not_listen_ends_the_engine(connect: Connect) -> None:
    driver = connect(base_url="http://127.0.0.1:9/v1", max_failures=1)
    driver.add("a")
    driver.wait_until(lambda: bool(driver.events) and isinstance(driver.events[-1], EngineFailed))


@pytest.mark.parametrize("num_tokens", [0, 4])
def test_a_silent_server_is_given_up_before_and_after_a_first_token(
    connect: Connect, own_server: FakeServer, num_tokens: int
) -> None:
    driver = connect(first_token_seconds=0.6, token_seconds=0.3)
    if not num_tokens:
        own_server.goes_on.clear()
    driver.add("a", max_new_tokens=2000)
    if num_tokens:
        driver.wait_for_tokens("a", num_tokens)
        own_server.goes_on.clear()
    driver.wait_until(lambda: not driver.engine.alive())
    driver.poll()
    assert [e.reason for e in driver.events if isinstance(e, EngineFailed)] == [
        f"{own_server.base_url}: the server is silent"
    ]
    own_server.goes_on.set()
    driver.engine.start()
    assert len(driver.answer("b", max_new_tokens=5).token_ids) == 5


def test_a_slow_answer_is_waited_for_while_others_go_on(
    connect: Connect, own_server: FakeServer
) -> None:
    driver = connect(first_token_seconds=0.3, token_seconds=0.3)
    driver.add("slow", prompt="late 1", max_new_tokens=5)
    driver.add("quick", max_new_tokens=400)
    driver.wait_for_end("slow", "quick")
    assert len(driver.finished("slow").token_ids) == 5


def test_the_next_request_waits_at_the_server_for_its_slot(
    connect: Connect, own_server: FakeServer
) -> None:
    own_server.num_slots = 2
    driver = connect(num_ahead=1)
    for name in "abcd":
        driver.add(name, max_new_tokens=60)
    driver.wait_for_end(*"abcd")
    assert own_server.num_waited >= 1
    assert driver.order_of(Started, "abcd") == list("abcd")


def test_an_urgent_request_overtakes_what_waits_at_the_server(
    connect: Connect, own_server: FakeServer
) -> None:
    own_server.num_slots = 2
    driver = connect(num_ahead=2, sends_priority=False)
    for name in "abcd":
        driver.add(name, priority=3, max_new_tokens=500)
    driver.wait_until(lambda: own_server.num_waited >= 1)
    driver.add("urgent", priority=0, max_new_tokens=5)
    driver.wait_for_end("urgent")
    assert driver.ended() == {"urgent"}
    driver.wait_for_end(*"abcd")
    for name in "abcd":
        assert driver.finished(name).token_ids == fake_token_ids(f"case {name}", 500)


def test_the_api_key_is_sent(connect: Connect, own_server: FakeServer) -> None:
    own_server.key = "secret"
    assert connect(api_key="secret").answer("a", max_new_tokens=3).reason == "length"
    stranger = connect(api_key="other")
    stranger.add("a")
    stranger.wait_until(lambda: not stranger.engine.alive())
    assert "HTTP 401" in str(stranger.events[-1])
    assert "other" not in str(stranger.events[-1])


def test_the_request_continues_after_the_prefix() -> None:
    dialect = assumed_dialect(RemoteSettings(base_url="http://h/v1/", model="m"))
    common = {"model": "m", "prompt": "p", "num_tokens": 5, "priority": 1}
    body = request_body(dialect, **common, prefix_text="so far")  # type: ignore[arg-type]
    assert body["messages"][-1] == {"role": "assistant", "content": "so far"}
    assert (body["continue_final_message"], body["add_generation_prompt"]) == (True, False)
    assert dialect.url == "http://h/v1/chat/completions"
    fresh = request_body(dialect, **common, prefix_text="")  # type: ignore[arg-type]
    assert [message["role"] for message in fresh["messages"]] == ["system", "user"]
    assert "continue_final_message" not in fresh


@pytest.mark.parametrize(
    "line", ["", ": ping", "event: x", "data: [DONE]", 'data: {"choices": []}']
)
def test_lines_without_a_piece_are_skipped(line: str) -> None:
    assert parse_line(line) is None


@pytest.mark.parametrize(
    "content",
    [
        "[]",
        "{}",
        '{"error": {"message": "out of memory"}}',
        '{"choices": [3]}',
        json.dumps({"choices": [{"text": "x", "finish_reason": "content_filter"}]}),
    ],
)
def test_an_invalid_response_is_rejected(content: str) -> None:
    with pytest.raises(InvalidResponse):
        parse_line(f"data: {content}")
