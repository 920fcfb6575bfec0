"""The clinical life of a case and the state of its guidance: two things, told apart. Pure.

A patient waits until somebody has seen them; a text that is ready changes nothing about that.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final


class ClinicalStatus(StrEnum):
    WAITING = "waiting"
    BEING_SEEN = "being_seen"
    CLOSED = "closed"


class Disposition(StrEnum):
    """How a case was closed."""

    DISCHARGED = "discharged"
    ADMITTED = "admitted"
    TRANSFERRED = "transferred"
    LEFT_BEFORE_SEEN = "left_before_seen"
    DIED = "died"
    ENTERED_IN_ERROR = "entered_in_error"


class Move(StrEnum):
    SEE = "see"
    CLOSE = "close"
    REOPEN = "reopen"


class GuidanceStatus(StrEnum):
    QUEUED = "queued"
    WRITING = "writing"
    READY = "ready"
    WITHHELD = "withheld"
    OFFLINE = "offline"  # it waits, and no worker reports
    STALE = "stale"  # a text stands there that is older than the facts; a new one is queued
    FAILED = "failed"  # a person may ask again
    CANCELLED = "cancelled"  # the case was closed before it was written


_W, _S, _C = ClinicalStatus.WAITING, ClinicalStatus.BEING_SEEN, ClinicalStatus.CLOSED

# The legal moves: from which status each may be made, and to which it leads. A case that is
# reopened waits again, whatever it was before: a clock that runs is seen, one that stands is not.
MOVES: Final[Mapping[Move, Mapping[ClinicalStatus, ClinicalStatus]]] = {
    Move.SEE: {_W: _S},
    Move.CLOSE: {_W: _C, _S: _C},
    Move.REOPEN: {_S: _W, _C: _W},
}

STATUS_WORDS: Final = {
    _W: "Waiting to be seen",
    _S: "Being seen",
    _C: "Closed",
}
DISPOSITION_WORDS: Final = {
    Disposition.DISCHARGED: "Discharged",
    Disposition.ADMITTED: "Admitted",
    Disposition.TRANSFERRED: "Transferred",
    Disposition.LEFT_BEFORE_SEEN: "Left before being seen",
    Disposition.DIED: "Died",
    Disposition.ENTERED_IN_ERROR: "Entered in error",
}
GUIDANCE_WORDS: Final = {
    GuidanceStatus.QUEUED: "Guidance queued",
    GuidanceStatus.WRITING: "Guidance being written",
    GuidanceStatus.READY: "Guidance ready",
    GuidanceStatus.WITHHELD: "Guidance withheld",
    GuidanceStatus.OFFLINE: "AI guidance offline",
    GuidanceStatus.STALE: "Guidance out of date",
    GuidanceStatus.FAILED: "Guidance failed",
    GuidanceStatus.CANCELLED: "No guidance",
}


def target_of(move: Move, status: ClinicalStatus) -> ClinicalStatus | None:
    """Where `move` leads from `status`; None where it may not be made."""
    return MOVES[move].get(status)


def guidance_status(
    status: str, *, withheld: bool, is_stale: bool, is_online: bool
) -> GuidanceStatus:
    """From the status of the writing (`CaseStatus`), and whether a worker reports."""
    if status == "running":
        return GuidanceStatus.WRITING
    if status == "done":
        return GuidanceStatus.WITHHELD if withheld else GuidanceStatus.READY
    if status in ("failed", "cancelled"):
        return GuidanceStatus(status)
    if is_stale:
        return GuidanceStatus.STALE
    return GuidanceStatus.QUEUED if is_online else GuidanceStatus.OFFLINE


def reassess_at(
    assessed_at: datetime, priority: int | None, minutes: tuple[float, ...]
) -> datetime | None:
    """When somebody should look again; None while there is no level."""
    return None if priority is None else assessed_at + timedelta(minutes=minutes[priority])
