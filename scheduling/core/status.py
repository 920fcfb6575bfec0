"""The status of a job, and the allowed changes of status in one table."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class JobStatus(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


_S = JobStatus

MOVES: Final[Mapping[JobStatus, frozenset[JobStatus]]] = {
    _S.WAITING: frozenset({_S.RUNNING, _S.CANCELLED, _S.FAILED}),
    # Back to waiting: preempted, lease expired, or worker shut down.
    _S.RUNNING: frozenset({_S.WAITING, _S.DONE, _S.FAILED, _S.CANCELLED}),
    _S.DONE: frozenset(),
    _S.FAILED: frozenset({_S.WAITING}),  # a person tries it again
    _S.CANCELLED: frozenset(),
}

OPEN: Final = frozenset({_S.WAITING, _S.RUNNING})


def sources_of(new: JobStatus) -> frozenset[JobStatus]:
    """Returns the statuses that may change to `new`: the condition of a compare-and-set."""
    return frozenset(old for old, targets in MOVES.items() if new in targets)
