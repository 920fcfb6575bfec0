"""Progress of running answers, read from the token streams in Redis."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

import redis

from scheduling import connection
from scheduling.queue.events import tokens_key

_NUM_LAST_ENTRIES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Tokens written so far, and the last words of the text."""

    num_tokens: int
    tail: str


def progress_of(job_ids: Iterable[str]) -> dict[str, Progress]:
    """Returns the progress of jobs with tokens, by job id; empty when Redis does not answer."""
    ids = list(job_ids)
    if not ids:
        return {}
    try:
        with connection.client().pipeline(transaction=False) as pipe:
            for job_id in ids:
                pipe.xrevrange(tokens_key(job_id), count=_NUM_LAST_ENTRIES)
            replies = pipe.execute()
    except (redis.RedisError, OSError):
        return {}
    read = {job_id: _read(raw) for job_id, raw in zip(ids, replies, strict=True)}
    return {job_id: progress for job_id, progress in read.items() if progress is not None}


def _read(newest_first: object) -> Progress | None:
    num_tokens, pieces = 0, []
    for _, fields in cast(list[Any], newest_first):
        if "text" not in fields:  # the start of an attempt or the end of the answer
            break
        num_tokens = max(num_tokens, int(fields.get("num_tokens", 0)))
        pieces.append(fields["text"])
    return Progress(num_tokens=num_tokens, tail="".join(reversed(pieces))) if pieces else None
