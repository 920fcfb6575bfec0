from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import redis
from redis.client import PubSub

from scheduling.queue import events


def test_subscribers_receive_an_event(redis_client: redis.Redis) -> None:
    with PubSub(redis_client.connection_pool, ignore_subscribe_messages=True) as channel:
        channel.subscribe(events.events_channel())
        channel.get_message(timeout=1)
        assert events.publish(redis_client, {"kind": "job.moved", "priority": 2, "at": 1.5}) == 1
        message = channel.get_message(timeout=1)
    assert message is not None
    assert message["channel"] == "{triage:main}:events"
    assert json.loads(message["data"]) == {"kind": "job.moved", "priority": 2, "at": 1.5}


@pytest.mark.parametrize("words", ["chest pain", "", "severe\nbleeding", "x" * 101])
def test_text_in_an_event_is_refused(redis_client: redis.Redis, words: str) -> None:
    with pytest.raises(ValueError, match=r"^text: "):
        events.publish(redis_client, {"text": words})


def test_a_stream_can_be_read_from_any_entry(redis_client: redis.Redis) -> None:
    start = events.begin_stream(redis_client, "j", 1)
    first = events.append_tokens(redis_client, "j", 1, "Airway: ", 3)
    second = events.append_tokens(redis_client, "j", 1, "clear — né\n", 6)
    end = events.finish_stream(redis_client, "j", "done")
    entries = events.read_stream(redis_client, "j")
    assert [entry.id for entry in entries] == [start, first, second, end]
    assert "".join(entry.text for entry in entries) == "Airway: clear — né\n"
    assert [entry.num_tokens for entry in entries] == [0, 3, 6, 0]
    assert [entry.status for entry in entries] == [None, None, None, "done"]
    assert events.read_stream(redis_client, "j", first) == entries[2:]
    assert events.read_stream(redis_client, "j", end) == []
    assert events.read_stream(redis_client, "j", num=1) == entries[:1]


def test_entries_carry_the_number_of_their_attempt(redis_client: redis.Redis) -> None:
    events.append_tokens(redis_client, "j", 1, "half an ans", 4)
    events.begin_stream(redis_client, "j", 2)
    events.append_tokens(redis_client, "j", 2, "whole", 1)
    assert [entry.attempt for entry in events.read_stream(redis_client, "j")] == [1, 2, 2]


@pytest.mark.parametrize(
    ("write", "seconds"),
    [
        (lambda client: events.begin_stream(client, "j", 1), 900),
        (lambda client: events.append_tokens(client, "j", 1, "a", 1), 900),
        (lambda client: events.finish_stream(client, "j", "done"), 300),
    ],
)
def test_a_stream_expires_after_any_kind_of_entry(
    redis_client: redis.Redis, write: Callable[[redis.Redis], Any], seconds: int
) -> None:
    write(redis_client)
    assert seconds - 100 < redis_client.ttl(events.tokens_key("j")) <= seconds


def test_a_stream_has_a_maximum_length(redis_client: redis.Redis) -> None:
    for n in range(2300):
        redis_client.xadd(events.tokens_key("j"), {"attempt": 1, "text": n})
    events.append_tokens(redis_client, "j", 1, "last", 1)
    assert 2000 <= redis_client.xlen(events.tokens_key("j")) < 2200
    assert events.read_stream(redis_client, "j", num=3000)[-1].text == "last"


def test_each_job_has_its_own_stream(redis_client: redis.Redis) -> None:
    events.append_tokens(redis_client, "one", 1, "a", 1)
    assert events.read_stream(redis_client, "two") == []


def test_heartbeats_replace_earlier_numbers(redis_client: redis.Redis) -> None:
    events.set_worker_state(redis_client, "gpu-1", {"slots": 8, "rate": 1.5, "gone": 1})
    events.set_worker_state(redis_client, "gpu-1", {"slots": 8, "rate": 2.5})
    events.set_worker_state(redis_client, "gpu-0", {})
    assert events.worker_states(redis_client) == {"gpu-0": {}, "gpu-1": {"slots": 8, "rate": 2.5}}


def test_a_worker_without_heartbeat_is_removed_until_the_next_heartbeat(
    redis_client: redis.Redis,
) -> None:
    events.set_worker_state(redis_client, "w", {"slots": 8}, ttl_seconds=10)
    assert 0 < redis_client.ttl("{triage:main}:worker:w") <= 10
    redis_client.delete("{triage:main}:worker:w")  # as after the expiry
    assert events.worker_states(redis_client) == {}
    assert redis_client.scard("{triage:main}:workers") == 0
    events.set_worker_state(redis_client, "w", {"slots": 4})
    assert events.worker_states(redis_client) == {"w": {"slots": 4}}


def test_a_worker_that_stops_is_removed_at_once(redis_client: redis.Redis) -> None:
    events.set_worker_state(redis_client, "w", {"slots": 8})
    events.set_worker_state(redis_client, "w", None)
    assert events.worker_states(redis_client) == {}


def test_text_in_a_heartbeat_is_refused(redis_client: redis.Redis) -> None:
    with pytest.raises(TypeError, match=r"^note: "):
        events.set_worker_state(redis_client, "w", {"note": "chest pain"})  # type: ignore[dict-item]
