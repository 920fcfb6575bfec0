"""Data in Redis besides the queue: events, token streams, heartbeats of workers.

Only the token stream contains clinical text, and it expires. Events and heartbeats contain
ids and numbers only; other values are refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import redis

from scheduling.queue.semantic_queue import tagged

STREAM_MAX_ENTRIES: Final = 2000
STREAM_TTL_SECONDS: Final = 3600
WORKER_TTL_SECONDS: Final = 15
FIRST: Final = "0-0"  # an id before all entries

_IDENTIFIER: Final = re.compile(r"[\w.:@/+-]{1,100}")

Event = Mapping[str, str | int | float | bool | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamEntry:
    """The start of an attempt, a piece of its answer, or the end of the stream.

    `attempt` increases when generation starts again; text of earlier attempts is then not
    valid. `num_tokens` counts the tokens of this attempt, this piece included. `status` is the
    final status of the job in the last entry, and None in all others.
    """

    id: str
    attempt: int
    text: str = ""
    num_tokens: int = 0
    status: str | None = None


def events_channel(name: str = "main") -> str:
    return tagged(name, "events")


def tokens_key(job_id: str, name: str = "main") -> str:
    return tagged(name, f"tokens:{job_id}")


def publish(client: redis.Redis, event: Event, *, name: str = "main") -> int:
    """Sends an event to all subscribers of `events_channel` and returns their number.

    Raises ValueError with the name of the field if a value is neither a number nor an id.
    """
    for field, value in event.items():
        if isinstance(value, str) and not _IDENTIFIER.fullmatch(value):
            raise ValueError(f"{field}: events contain ids and numbers only")
    text = json.dumps(dict(event), separators=(",", ":"), allow_nan=False)
    return client.publish(events_channel(name), text)


def begin_stream(client: redis.Redis, job_id: str, attempt: int, *, name: str = "main") -> str:
    """Adds the start of `attempt`; readers discard earlier attempts. Returns the entry id."""
    return _append(client, job_id, {"attempt": attempt}, name)


def append_tokens(
    client: redis.Redis,
    job_id: str,
    attempt: int,
    text: str,
    num_tokens: int,
    *,
    name: str = "main",
) -> str:
    """Adds `text`; the attempt then has `num_tokens` tokens in all. Returns the entry id."""
    fields = {"attempt": attempt, "text": text, "num_tokens": num_tokens}
    return _append(client, job_id, fields, name)


def finish_stream(
    client: redis.Redis, job_id: str, status: str, *, attempt: int = 0, name: str = "main"
) -> str:
    """Adds the last entry, with the final status of the job. Returns the entry id."""
    return _append(client, job_id, {"attempt": attempt, "status": status}, name)


def read_stream(
    client: redis.Redis, job_id: str, last_id: str = FIRST, *, num: int = 1000, name: str = "main"
) -> list[StreamEntry]:
    """Returns up to `num` entries after `last_id`, oldest first. Does not block."""
    raw = client.xrange(tokens_key(job_id, name), min=f"({last_id}", max="+", count=num)
    return parse_entries(cast(list[Any], raw))


def parse_entries(raw: Iterable[tuple[object, Mapping[Any, Any]]]) -> list[StreamEntry]:
    """Parses the reply of XRANGE, or of XREAD for one stream."""
    return [_entry(entry_id, fields) for entry_id, fields in raw]


def set_worker_state(
    client: redis.Redis,
    worker: str,
    numbers: Mapping[str, int | float] | None,
    *,
    ttl_seconds: int = WORKER_TTL_SECONDS,
    name: str = "main",
) -> None:
    """Stores a heartbeat: the present numbers of a worker. They expire after `ttl_seconds`.

    None removes the worker. Raises TypeError with the name of the field if a value is not a
    number.
    """
    key = _worker_key(worker, name)
    if numbers is None:
        client.delete(key)
        return
    for field, value in numbers.items():
        if not isinstance(value, int | float):
            raise TypeError(f"{field}: must be a number")
    with client.pipeline(transaction=True) as pipe:
        pipe.delete(key)
        pipe.hset(key, mapping={"alive": 1, **{k: repr(v + 0) for k, v in numbers.items()}})
        pipe.expire(key, ttl_seconds)
        pipe.sadd(tagged(name, "workers"), worker)
        pipe.execute()


def worker_states(client: redis.Redis, *, name: str = "main") -> dict[str, dict[str, float]]:
    """Returns the latest numbers of every worker whose heartbeat has not expired, by name."""
    members = cast(set[Any], client.smembers(tagged(name, "workers")))
    workers = sorted(_text(member) for member in members)
    with client.pipeline(transaction=False) as pipe:
        for worker in workers:
            pipe.hgetall(_worker_key(worker, name))
        answers = pipe.execute() if workers else []
    states = {worker: _numbers(raw) for worker, raw in zip(workers, answers, strict=True) if raw}
    if expired := [worker for worker in workers if worker not in states]:
        client.srem(tagged(name, "workers"), *expired)  # the next heartbeat adds it again
    return states


def _append(client: redis.Redis, job_id: str, fields: dict[str, Any], name: str) -> str:
    key = tokens_key(job_id, name)
    with client.pipeline(transaction=True) as pipe:
        pipe.xadd(key, cast(Any, fields), maxlen=STREAM_MAX_ENTRIES, approximate=True)
        pipe.expire(key, STREAM_TTL_SECONDS)
        entry_id, _ = pipe.execute()
    return _text(entry_id)


def _entry(entry_id: object, raw: Mapping[Any, Any]) -> StreamEntry:
    fields = {_text(field): _text(value) for field, value in raw.items()}
    return StreamEntry(
        id=_text(entry_id),
        attempt=int(fields["attempt"]),
        text=fields.get("text", ""),
        num_tokens=int(fields.get("num_tokens", 0)),
        status=fields.get("status"),
    )


def _worker_key(worker: str, name: str) -> str:
    return tagged(name, f"worker:{worker}")


def _numbers(raw: Mapping[Any, Any]) -> dict[str, float]:
    fields = {_text(field): float(value) for field, value in raw.items()}
    return {field: value for field, value in fields.items() if field != "alive"}


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
