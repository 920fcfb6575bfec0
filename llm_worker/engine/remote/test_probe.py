"""The probe finds how to speak to a server, or says in one sentence what to correct."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from llm_worker.engine.driver import Driver
from llm_worker.engine.protocol import EngineFailed, EngineUnavailable, Failed
from llm_worker.engine.remote.api import Dialect, RemoteSettings
from llm_worker.engine.remote.engine import RemoteEngine
from llm_worker.engine.remote.fake_server import FakeServer
from llm_worker.engine.remote.probe import probe


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as running:
        yield running


def settings_of(server: FakeServer, **other: object) -> RemoteSettings:
    base = RemoteSettings(base_url=server.base_url, model="m", retry_seconds=0.01)
    return replace(base, **other)  # type: ignore[arg-type]


def probed(server: FakeServer, **other: object) -> Dialect:
    return probe(settings_of(server, **other), time.monotonic)


def sentence(server: FakeServer, **other: object) -> str:
    with pytest.raises(EngineUnavailable) as caught:
        probed(server, **other)
    said = str(caught.value)
    assert "\n" not in said
    assert len(said) < 400
    return said


@pytest.mark.parametrize("ending", ["/v1", "/v1/", "", "/", "/v1/chat/completions"])
def test_the_address_may_have_v1_or_not(server: FakeServer, ending: str) -> None:
    url = server.base_url.removesuffix("/v1") + ending
    dialect = probed(server, base_url=url)
    assert dialect.api_url == server.base_url
    assert (dialect.is_chat, dialect.sends_priority, dialect.wants_token_ids) == (True, True, True)


def test_a_model_without_a_chat_template_gets_completions(server: FakeServer) -> None:
    server.has_chat_template = False
    dialect = probed(server)
    assert not dialect.is_chat
    assert (dialect.sends_priority, dialect.wants_token_ids) == (True, True)
    said = sentence(server, is_chat=True)
    assert said.startswith("TRIAGE_REMOTE_MODEL: ")
    assert "HTTP 400: default chat template is no longer allowed" in said


@pytest.mark.parametrize("unknown", [{"priority"}, {"return_token_ids"}, {"priority", "stop"}])
def test_fields_that_the_server_rejects_are_left_out(server: FakeServer, unknown: set[str]) -> None:
    server.unknown_fields = unknown
    dialect = probed(server)
    assert dialect.is_chat
    assert dialect.sends_priority == ("priority" not in unknown)
    assert dialect.wants_token_ids == ("return_token_ids" not in unknown)


def test_token_ids_are_not_expected_from_a_server_that_sends_none(server: FakeServer) -> None:
    server.sends_token_ids = False
    assert not probed(server).wants_token_ids


def test_what_the_site_sets_is_not_probed(server: FakeServer) -> None:
    dialect = probed(server, is_chat=False, sends_priority=False, wants_token_ids=False)
    assert (dialect.is_chat, dialect.sends_priority, dialect.wants_token_ids) == (False,) * 3


def test_the_smaller_context_counts(server: FakeServer) -> None:
    server.max_model_len = 2048
    assert probed(server).max_context_tokens == 2048
    assert probed(server, max_context_tokens=1000).max_context_tokens == 1000


def test_a_wrong_model_is_named_with_those_that_are_served(server: FakeServer) -> None:
    server.models = ["embedded", "other"]
    assert sentence(server, model="embeded") == (
        f"TRIAGE_REMOTE_MODEL: the server at {server.base_url} has no model 'embeded'; "
        "it serves embedded, other"
    )


def test_a_wrong_key_is_named_without_its_value(server: FakeServer) -> None:
    server.key = "right"
    said = sentence(server, api_key="wrong-secret")
    assert said.startswith("TRIAGE_REMOTE_API_KEY: ")
    assert "HTTP 401" in said
    assert "wrong-secret" not in said
    assert "without a key" in sentence(server)
    assert probed(server, api_key="right").is_chat


def test_a_server_without_a_list_of_models_is_tried(server: FakeServer) -> None:
    server.has_model_list = False
    url = server.base_url.removesuffix("/v1")
    assert probed(server, base_url=url).api_url == server.base_url
    assert "HTTP 404: The model does not exist" in sentence(server, model="other")


def test_a_wrong_path_is_named(server: FakeServer) -> None:
    said = sentence(server, base_url=f"{server.base_url}/somewhere")
    assert said.startswith("TRIAGE_REMOTE_URL: ")
    assert "no OpenAI-compatible API there, with or without /v1" in said


def test_a_server_that_fails_is_named(server: FakeServer) -> None:
    server.status = 500
    assert "fails (HTTP 500)" in sentence(server)


def test_nobody_there_is_said_without_the_password_of_the_address(server: FakeServer) -> None:
    said = sentence(server, base_url="http://me:secret@127.0.0.1:9")
    assert said.startswith("TRIAGE_REMOTE_URL: no server answers at http://127.0.0.1:9 (")
    assert "secret" not in said


def test_a_silent_server_is_given_up_after_five_seconds(server: FakeServer) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        began = time.monotonic()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        assert "did not answer" in sentence(server, base_url=url)
        assert time.monotonic() - began < 5.5
        known = probed(server)
        settings = settings_of(server, base_url=url)
        assert probe(settings, time.monotonic, known=known) == known  # only busy


def test_another_program_at_the_address_is_said(server: FakeServer) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()

        def speak() -> None:
            connection, _ = other.accept()
            with connection:
                connection.sendall(b"220 mail.example.org ESMTP\r\n")

        threading.Thread(target=speak, daemon=True).start()
        said = sentence(server, base_url=f"http://127.0.0.1:{other.getsockname()[1]}")
    assert said.startswith("TRIAGE_REMOTE_URL: no server answers")


def test_an_engine_uses_what_was_found_and_follows_a_change(server: FakeServer) -> None:
    engine = RemoteEngine(settings_of(server, num_slots=2), clock=time.time)
    engine.start()
    try:
        assert engine.ready() == ""
        driver = Driver(engine)
        driver.answer("a", max_new_tokens=5)
        server.has_chat_template = False  # another server stands there now
        driver.add("b", max_new_tokens=5)
        driver.wait_for_end("b")
        assert isinstance(driver.events_of("b")[-1], Failed)
        assert engine.ready() == ""
        assert len(driver.answer("c", max_new_tokens=5).token_ids) == 5
        server.models = ["other"]
        assert "it serves other" in engine.ready()
    finally:
        engine.stop()


def test_a_redirect_is_not_followed(server: FakeServer) -> None:
    with FakeServer() as elsewhere:
        server.sends_on_to = elsewhere.base_url.removesuffix("/v1")
        said = sentence(server, api_key="canary")
        assert said.startswith("TRIAGE_REMOTE_URL: ")
        assert "canary" not in said
        assert elsewhere.num_requests == 0


def test_no_answer_is_asked_for_where_a_server_begins_to_send_on(server: FakeServer) -> None:
    engine = RemoteEngine(settings_of(server, num_slots=2), clock=time.time)
    engine.start()
    try:
        assert engine.ready() == ""
        with FakeServer() as elsewhere:
            server.sends_on_to = elsewhere.base_url.removesuffix("/v1")
            driver = Driver(engine)
            driver.add("a", max_new_tokens=5)
            driver.wait_until(lambda: any(isinstance(e, EngineFailed) for e in driver.events))
            assert elsewhere.num_requests == 0
    finally:
        engine.stop()
