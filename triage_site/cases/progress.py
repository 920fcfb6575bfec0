"""How far running answers are, read from the token streams."""

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
    """By job id, for those that have begun to write; empty when Redis is away."""
    wanted = list(job_ids)
    if not wanted:
        return {}
    try:
        with connection.client().pipeline(transaction=False) as pipe:
            for job_id in wanted:
                pipe.xrevrange(tokens_key(job_id), count=_NUM_LAST_ENTRIES)
            answers = pipe.execute()
    except (redis.RedisError, OSError):
        return {}
    read = {job_id: _read(raw) for job_id, raw in zip(wanted, answers, strict=True)}
    return {job_id: progress for job_id, progress in read.items() if progress is not None}


def _read(newest_first: object) -> Progress | None:
    num_tokens, pieces = 0, []
    for _, fields in cast(list[Any], newest_first):
        if "text" not in fields:  # an attempt began, or the answer has ended
            break
        num_tokens = max(num_tokens, int(fields.get("num_tokens", 0)))
        pieces.append(fields["text"])
    return Progress(num_tokens=num_tokens, tail="".join(reversed(pieces))) if pieces else None
