"""Data in Redis besides the queue: events, token streams, heartbeats of workers.

Only the token stream contains clinical text, and it expires. Events and heartbeats contain
ids and numbers only; other values are refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import redis

from scheduling.queue.semantic_queue import tagged

STREAM_MAX_ENTRIES: Final = 2000
# The words of an answer leave the server soon after the last of them was written, and its
# append-only file at the next rewrite: within an hour, even if one rewrite could not be done.
STREAM_TTL_SECONDS: Final = 900
ENDED_TTL_SECONDS: Final = 300  # after the end; then the text is in SQL
REWRITE_SECONDS: Final = 900
WORKER_TTL_SECONDS: Final = 15
FIRST: Final = "0-0"  # an id before all entries

_IDENTIFIER: Final = re.compile(r"[\w.:@/+-]{1,100}")

_PROBLEM: Final = "problem"  # the only field of a heartbeat that is not a number

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """An entry to write. With its own `id` it can be written twice and is stored once."""

    attempt: int
    text: str | None = None  # None for the start of an attempt and for the last entry
    num_tokens: int = 0
    status: str | None = None
    id: str = "*"

    def fields(self) -> dict[str, str | int]:
        if self.status is not None:
            return {"attempt": self.attempt, "status": self.status}
        if self.text is None:
            return {"attempt": self.attempt}
        return {"attempt": self.attempt, "text": self.text, "num_tokens": self.num_tokens}


def write_stream(
    client: redis.Redis,
    job_id: str,
    pieces: Sequence[Piece],
    *,
    before: Sequence[Piece] = (),
    name: str = "main",
) -> list[str]:
    """Adds `pieces` with increasing ids, except those that are stored already. Returns the ids.

    `before` are the earlier pieces of this attempt. If the stream was lost with them, all are
    written, so that a page that is opened later has the whole text.

    If the first piece is the start of an attempt, and entries of an earlier attempt have
    greater ids, the stream is deleted first: Redis would accept no further entry.
    """
    key = tokens_key(job_id, name)
    ids, num_stored = _write(client, key, pieces)
    if before and num_stored <= len(pieces):
        client.delete(key)
        ids = _write(client, key, [*before, *pieces])[0][len(before) :]
    if ids[0] is None and pieces[0].fields().keys() == {"attempt"}:
        newest = _newest(client, key)
        if newest is not None and newest.attempt < pieces[0].attempt:
            client.delete(key)
            ids, _ = _write(client, key, pieces)
    return [piece.id if one is None else one for piece, one in zip(pieces, ids, strict=True)]


def begin_stream(client: redis.Redis, job_id: str, attempt: int, *, name: str = "main") -> str:
    """Adds the start of `attempt`; readers discard earlier attempts. Returns the entry id."""
    return write_stream(client, job_id, [Piece(attempt=attempt)], name=name)[0]


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
    piece = Piece(attempt=attempt, text=text, num_tokens=num_tokens)
    return write_stream(client, job_id, [piece], name=name)[0]


def finish_stream(
    client: redis.Redis, job_id: str, status: str, *, attempt: int = 0, name: str = "main"
) -> str:
    """Adds the last entry, with the final status of the job. Returns the entry id."""
    return write_stream(client, job_id, [Piece(attempt=attempt, status=status)], name=name)[0]


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
    problem: str = "",
    ttl_seconds: int = WORKER_TTL_SECONDS,
    name: str = "main",
) -> None:
    """Stores a heartbeat: the present numbers of a worker. They expire after `ttl_seconds`.

    `problem` is one sentence if the engine of the worker cannot work. None removes the worker.
    Raises TypeError with the name of the field if a value is not a number.
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
        pipe.hset(key, mapping={_PROBLEM: problem, **{k: repr(v + 0) for k, v in numbers.items()}})
        pipe.expire(key, ttl_seconds)
        pipe.sadd(tagged(name, "workers"), worker)
        pipe.execute()


def worker_states(client: redis.Redis, *, name: str = "main") -> dict[str, dict[str, float]]:
    """Returns the latest numbers of every worker whose heartbeat has not expired, by name."""
    return {worker: _numbers(raw) for worker, raw in _workers(client, name).items()}


def worker_problems(client: redis.Redis, *, name: str = "main") -> dict[str, str]:
    """Returns why an engine cannot work, by the name of its worker; only for such workers."""
    problems = {worker: raw.get(_PROBLEM, "") for worker, raw in _workers(client, name).items()}
    return {worker: problem for worker, problem in problems.items() if problem}


def _workers(client: redis.Redis, name: str) -> dict[str, dict[str, str]]:
    members = cast(set[Any], client.smembers(tagged(name, "workers")))
    workers = sorted(_text(member) for member in members)
    with client.pipeline(transaction=False) as pipe:
        for worker in workers:
            pipe.hgetall(_worker_key(worker, name))
        answers = pipe.execute() if workers else []
    states = {
        worker: {_text(field): _text(value) for field, value in raw.items()}
        for worker, raw in zip(workers, answers, strict=True)
        if raw
    }
    if expired := [worker for worker in workers if worker not in states]:
        client.srem(tagged(name, "workers"), *expired)  # the next heartbeat adds it again
    return states


def _write(client: redis.Redis, key: str, pieces: Sequence[Piece]) -> tuple[list[str | None], int]:
    """Returns the id of each new entry, None if the stream has this id or a greater one; and the
    number of entries that the stream has then."""
    with client.pipeline(transaction=True) as pipe:
        for piece in pieces:
            pipe.xadd(
                key,
                cast(Any, piece.fields()),
                id=piece.id,
                maxlen=STREAM_MAX_ENTRIES,
                approximate=True,
            )
        ended = any(piece.status is not None for piece in pieces)
        pipe.expire(key, ENDED_TTL_SECONDS if ended else STREAM_TTL_SECONDS)
        pipe.xlen(key)
        *answers, _, num_stored = pipe.execute(raise_on_error=False)
    ids: list[str | None] = []
    for answer in answers:
        if not isinstance(answer, redis.RedisError):
            ids.append(_text(answer))
        elif "equal or smaller" in str(answer):
            ids.append(None)
        else:
            if "WRONGTYPE" in str(answer):  # damaged; the final text is in SQL
                client.delete(key)
            raise answer
    return ids, num_stored


def _newest(client: redis.Redis, key: str) -> StreamEntry | None:
    entries = parse_entries(cast(list[Any], client.xrevrange(key, count=1)))
    return entries[0] if entries else None


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


def _numbers(raw: Mapping[str, str]) -> dict[str, float]:
    return {field: float(value) for field, value in raw.items() if field != _PROBLEM}


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def rewrite_log(client: redis.Redis, *, name: str = "main") -> bool:
    """Makes the server write its append-only file anew, without what has expired.

    False where there is no such file, or where it is just being written. Raises
    redis.ResponseError where the server does not allow it.
    """
    if not cast(Any, client.info("persistence")).get("aof_enabled"):
        return False
    # A key whose time is over stays, and is written, until the server or a reader meets it.
    for _ in client.scan_iter(match=tokens_key("*", name), count=1000):
        pass
    try:
        client.bgrewriteaof()
    except redis.ResponseError as error:
        if "in progress" in str(error):
            return False
        raise
    return True
