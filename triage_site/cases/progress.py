"""Progress of running answers, read from the token streams in Redis."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import redis

from scheduling import connection
from scheduling.queue.events import tokens_key


def progress_of(job_ids: Iterable[str]) -> dict[str, int]:
    """Returns the written tokens of jobs with a text, by job id; empty without Redis."""
    ids = list(job_ids)
    if not ids:
        return {}
    try:
        with connection.client().pipeline(transaction=False) as pipe:
            for job_id in ids:
                pipe.xrevrange(tokens_key(job_id), count=1)
            replies = pipe.execute()
    except (redis.RedisError, OSError):
        return {}
    read = {job_id: _read(raw) for job_id, raw in zip(ids, replies, strict=True)}
    return {job_id: num_tokens for job_id, num_tokens in read.items() if num_tokens is not None}


def _read(newest: object) -> int | None:
    for _, fields in cast(list[Any], newest):
        if "text" in fields:  # not the start of an attempt or the end of the answer
            return int(fields.get("num_tokens", 0))
    return None
