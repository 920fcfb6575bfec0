"""The remote engine: what a server and the line to it can do to an answer."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace

import pytest

from llm_worker.engine.driver import Driver
from llm_worker.engine.fake import text_of, words_of
from llm_worker.engine.prompt import completion_prompt
from llm_worker.engine.protocol import UNKNOWN_TOKEN, EngineDied, EngineNotRunning, Failed, Started
from llm_worker.engine.remote.api import BadAnswer, RemoteSettings, payload, read_line
from llm_worker.engine.remote.engine import RemoteEngine
from llm_worker.engine.remote.fake_server import FakeServer

Connect = Callable[..., Driver]


@pytest.fixture
def own_server() -> Iterator[FakeServer]:
    with FakeServer() as running:
        yield running


@pytest.fixture
def connect(own_server: FakeServer) -> Iterator[Connect]:
    """Makes a running engine on a server of the test's own."""
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


def test_priority_and_limits_go_along(connect: Connect, own_server: FakeServer) -> None:
    driver = connect()
    driver.answer("a", priority=3, max_new_tokens=7)
    (body,) = own_server.bodies
    assert (body["priority"], body["max_tokens"], body["temperature"]) == (3, 7, 0)
    assert (body["model"], body["stream"]) == ("m", True)


def test_a_server_that_is_no_vllm_gets_nothing_it_may_refuse(
    connect: Connect, own_server: FakeServer
) -> None:
    driver = connect(speaks_vllm=False)
    answer = driver.answer("a", prompt="cough", max_new_tokens=6)
    (body,) = own_server.bodies
    assert not {"priority", "return_token_ids"} & set(body)
    assert answer.token_ids == (UNKNOWN_TOKEN,) * 6
    assert answer.text == text_of(words_of("cough", 6))


def test_plain_completions_resume_too(connect: Connect, own_server: FakeServer) -> None:
    driver = connect(is_chat=False)
    whole = driver.answer("whole", prompt="fall", max_new_tokens=20)
    driver.add("a", prompt="fall", max_new_tokens=20)
    driver.until_tokens("a", 5)
    released = driver.engine.release("a")
    assert released is not None
    driver.add("a", prompt="fall", max_new_tokens=20, resumed=released)
    driver.until_over("a")
    assert driver.finished("a").text == whole.text
    assert own_server.bodies[-1]["prompt"] == completion_prompt("fall") + released.text


def test_the_end_mark_is_no_part_of_the_answer(connect: Connect) -> None:
    answer = connect().answer("a", prompt="end 9", max_new_tokens=50)
    assert (answer.reason, answer.token_ids) == ("eos", words_of("end 9", 9))


def test_a_broken_line_is_taken_up_where_it_broke(connect: Connect, own_server: FakeServer) -> None:
    driver = connect()
    answer = driver.answer("a", prompt="cut 4", max_new_tokens=18)
    assert answer.token_ids == words_of("cut 4", 18)
    assert len(own_server.bodies) == 5
    assert len([event for event in driver.events if isinstance(event, Started)]) == 1


def test_a_busy_server_is_waited_for(connect: Connect, own_server: FakeServer) -> None:
    answer = connect(max_failures=0).answer("a", prompt="busy 6", max_new_tokens=5)
    assert len(answer.token_ids) == 5
    assert len(own_server.bodies) == 7


def test_what_the_server_refuses_fails_alone(connect: Connect) -> None:
    driver = connect()
    driver.add("good", max_new_tokens=20)
    driver.add("bad", prompt="refuse")
    driver.until_over("good", "bad")
    (failed,) = [event for event in driver.of("bad") if isinstance(event, Failed)]
    assert failed.reason.startswith("HTTP 400")
    assert len(driver.finished("good").token_ids) == 20


@pytest.mark.parametrize(
    ("prompt", "status", "reason"),
    [("x", 500, "HTTP 500"), ("x", 404, "HTTP 404"), ("rubbish", 200, "unreadable")],
)
def test_a_server_of_no_use_ends_the_engine_once(
    connect: Connect, own_server: FakeServer, prompt: str, status: int, reason: str
) -> None:
    driver = connect()
    own_server.status = status
    driver.add("a", prompt=prompt)
    with suppress(EngineNotRunning):  # the first may have ended it already
        driver.add("b", prompt=prompt)
    driver.until(lambda: not driver.engine.alive())
    driver.settle()
    (death,) = [event for event in driver.events if isinstance(event, EngineDied)]
    assert reason in death.reason
    assert own_server.base_url in death.reason
    assert driver.over() == set()
    own_server.status = 200
    driver.engine.start()
    assert len(driver.answer("a", max_new_tokens=5).token_ids) == 5


def test_a_server_that_is_not_there_ends_the_engine(connect: Connect) -> None:
    driver = connect(base_url="http://127.0.0.1:9/v1", max_failures=1)
    driver.add("a")
    driver.until(lambda: bool(driver.events) and isinstance(driver.events[-1], EngineDied))


def test_the_key_is_shown(connect: Connect, own_server: FakeServer) -> None:
    own_server.key = "secret"
    assert connect(api_key="secret").answer("a", max_new_tokens=3).reason == "length"
    stranger = connect(api_key="other")
    stranger.add("a")
    stranger.until(lambda: not stranger.engine.alive())
    assert "HTTP 401" in str(stranger.events[-1])
    assert "other" not in str(stranger.events[-1])


def test_an_answer_is_asked_for_only_as_far_as_it_is_missing() -> None:
    settings = RemoteSettings(base_url="http://h/v1/", model="m")
    body = payload(settings, prompt="p", so_far="so far", num_tokens=5, priority=1)
    assert body["messages"][-1] == {"role": "assistant", "content": "so far"}
    assert (body["continue_final_message"], body["add_generation_prompt"]) == (True, False)
    assert settings.url == "http://h/v1/chat/completions"
    fresh = payload(settings, prompt="p", so_far="", num_tokens=5, priority=1)
    assert [message["role"] for message in fresh["messages"]] == ["system", "user"]
    assert "continue_final_message" not in fresh


@pytest.mark.parametrize(
    "line", ["", ": ping", "event: x", "data: [DONE]", 'data: {"choices": []}']
)
def test_lines_without_a_piece_are_passed_over(line: str) -> None:
    assert read_line(line) is None


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
def test_what_is_no_answer_is_never_taken_for_one(content: str) -> None:
    with pytest.raises(BadAnswer):
        read_line(f"data: {content}")
