"""The life of a claim: one table of states, without a clock and without stores.

    LEASED --START--> STARTED --ADD--> IN_ENGINE --> ENDED --SEND--> SENT --STORE--> STORED
    STORED --SEND--> CLOSED --FINISH--> GONE              (the answer has ended)
    IN_ENGINE --> RETURNING --GIVE_BACK--> RETURNED --RELEASE--> GONE     (it goes back)

A state has at most one step, and a step is one call of a store (or of the engine, for ADD).
The loop performs the step that is `due` and gives the reply to `after`. Each step may be
repeated: it is guarded by the token of the claim, or changes nothing the second time. So a call
that succeeded and reported a failure does no harm.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from llm_worker.worker.endings import BEGIN_SEQ, END_SEQ, Ending, Entry, Progress, failure
from scheduling.core.request import Request
from scheduling.core.status import JobStatus


class State(StrEnum):
    LEASED = "leased"  # Redis has granted it; what SQL says of it is not known yet
    STARTED = "started"  # SQL says that it runs here
    IN_ENGINE = "in engine"
    ENDED = "ended"  # how it ended is known here
    SENT = "sent"  # its words are in the stream, as far as that could be reached
    STORED = "stored"  # SQL has the result
    CLOSED = "closed"  # its stream has its end; Redis still knows the lease
    RETURNING = "returning"  # out of the engine, its progress kept here
    RETURNED = "returned"  # waits again in SQL; Redis still knows the lease
    GONE = "gone"  # nothing is left to do


class Step(StrEnum):
    START = "start"
    ADD = "add"
    MARK = "mark first token"
    SEND = "send words"
    STORE = "store"
    FINISH = "finish"
    GIVE_BACK = "give back"
    RELEASE = "release"


class Outcome(StrEnum):
    OK = "ok"
    REFUSED = "refused"  # the store answered that the claim is not good for this any more
    AWAY = "away"  # no answer, or none that can be relied on: try again
    BROKEN = "broken"  # this call can never succeed


_S, _O = State, Outcome

STEPS: Final[Mapping[State, Step]] = {
    _S.LEASED: Step.START,
    _S.STARTED: Step.ADD,
    _S.ENDED: Step.SEND,
    _S.SENT: Step.STORE,
    _S.STORED: Step.SEND,
    _S.CLOSED: Step.FINISH,
    _S.RETURNING: Step.GIVE_BACK,
    _S.RETURNED: Step.RELEASE,
}

# Where a step leads. A refusal of LEASED, SENT and RETURNING leads where `_refused` says: they
# ask SQL, and the status that SQL reports decides what Redis must still hear.
NEXT: Final[Mapping[State, Mapping[Outcome, State]]] = {
    _S.LEASED: {_O.OK: _S.STARTED, _O.AWAY: _S.LEASED, _O.BROKEN: _S.GONE},
    _S.STARTED: {
        _O.OK: _S.IN_ENGINE,
        _O.REFUSED: _S.ENDED,
        _O.AWAY: _S.RETURNING,
        _O.BROKEN: _S.RETURNING,
    },
    # The record matters more than the words: they may follow it.
    _S.ENDED: dict.fromkeys(Outcome, _S.SENT),
    _S.SENT: {_O.OK: _S.STORED, _O.AWAY: _S.SENT, _O.BROKEN: _S.SENT},
    _S.STORED: dict.fromkeys(Outcome, _S.CLOSED) | {_O.AWAY: _S.STORED},
    _S.CLOSED: dict.fromkeys(Outcome, _S.GONE) | {_O.AWAY: _S.CLOSED},
    _S.RETURNING: {_O.OK: _S.RETURNED, _O.AWAY: _S.RETURNING, _O.BROKEN: _S.RETURNING},
    _S.RETURNED: dict.fromkeys(Outcome, _S.GONE) | {_O.AWAY: _S.RETURNED},
}

TAKES_SLOT: Final = frozenset({_S.LEASED, _S.STARTED, _S.IN_ENGINE})
# The engine has it, or its result is on the way to SQL. All others end with their lease.
RENEWED: Final = frozenset({_S.IN_ENGINE, _S.ENDED, _S.SENT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came of a step. `status` is the status in SQL, where SQL refused."""

    outcome: Outcome
    status: JobStatus | None = None
    ending: Ending | None = None  # where the step showed that the generation has failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One grant of one job to this worker. Times are seconds on the worker's clock."""

    request: Request
    token: str
    lease_until: float  # by this clock, from before the store was asked: never too late
    state: State = State.LEASED
    attempt: int = 0
    stream_epoch: int = 0  # first half of the ids of its stream entries
    next_seq: int = BEGIN_SEQ
    unsent: tuple[Entry, ...] = ()
    sent: tuple[Entry, ...] = ()  # in the stream, unless Redis has lost it since
    first_token_at: float | None = None
    first_token_stored: bool = False
    ending: Ending | None = None
    progress: Progress | None = None
    trouble_since: float | None = None  # since when its result could not be stored

    @property
    def key(self) -> tuple[str, str]:
        return self.request.id, self.token


def due(claim: Claim) -> Step | None:
    """The step to perform now; None while the engine writes, and when all is done."""
    if claim.state is State.IN_ENGINE:
        if claim.unsent:
            return Step.SEND
        unknown = claim.first_token_at is not None and not claim.first_token_stored
        return Step.MARK if unknown else None
    return STEPS.get(claim.state)


def after(
    claim: Claim, reply: Reply, now: float, *, limit_seconds: float, sql_ok_at: float
) -> Claim:
    """The claim once its due step had this reply.

    A result that SQL has refused to take for `limit_seconds`, while it took others
    (`sql_ok_at` is when it last did), becomes a failure.
    """
    if claim.state is State.IN_ENGINE:
        return _told(claim, reply)
    if claim.state in (State.ENDED, State.STORED) and reply.outcome is not Outcome.AWAY:
        claim = _sent(claim)
    if reply.ending is not None:
        claim = replace(claim, ending=reply.ending)
    if reply.outcome is Outcome.REFUSED and claim.state not in NEXT_KNOWS_REFUSAL:
        return _refused(claim, reply.status)
    if claim.state is State.SENT and reply.outcome is Outcome.AWAY:
        return _not_stored(claim, now, limit_seconds, sql_ok_at)
    if reply.outcome is Outcome.BROKEN and claim.state in (State.SENT, State.RETURNING):
        return _unacceptable(claim)
    return _enter(claim, NEXT[claim.state][reply.outcome])


NEXT_KNOWS_REFUSAL: Final = frozenset(state for state, to in NEXT.items() if _O.REFUSED in to)


def _enter(claim: Claim, state: State) -> Claim:
    if state is State.STORED and claim.ending is not None and claim.stream_epoch:
        end = Entry(seq=END_SEQ, status=claim.ending.shown)
        claim = replace(claim, unsent=(*claim.unsent, end))
    if state is State.RETURNING and claim.progress is None:
        claim = replace(claim, progress=Progress(why="engine stopped"))
    return replace(claim, state=state)


def _told(claim: Claim, reply: Reply) -> Claim:
    """While the engine writes, a step tells others of it and moves nothing."""
    if reply.outcome is Outcome.AWAY:
        return claim
    if claim.unsent:
        return _sent(claim)
    return replace(claim, first_token_stored=True)


def _sent(claim: Claim) -> Claim:
    return replace(claim, sent=claim.sent + claim.unsent, unsent=())


def _refused(claim: Claim, status: JobStatus | None) -> Claim:
    """SQL says that the claim is void, or that this very step was done before."""
    if claim.ending is not None and status is claim.ending.status:
        return _enter(claim, State.STORED)
    if status is JobStatus.WAITING:
        return _enter(claim, State.RETURNED)
    if status is JobStatus.RUNNING:
        return _enter(claim, State.GONE)  # under a newer claim: not ours to touch
    return _enter(claim, State.CLOSED)


def _not_stored(claim: Claim, now: float, limit_seconds: float, sql_ok_at: float) -> Claim:
    since = now if claim.trouble_since is None else claim.trouble_since
    claim = replace(claim, trouble_since=since)
    if now - since > limit_seconds and sql_ok_at > since:
        return _unacceptable(claim)
    return claim


def _unacceptable(claim: Claim) -> Claim:
    """What SQL will not take is replaced by less: a failure, no progress, then nothing."""
    ending, progress = claim.ending, claim.progress
    if claim.state is State.SENT and ending is not None and ending.status is JobStatus.DONE:
        return replace(claim, ending=failure("The guidance could not be stored."))
    if claim.state is State.RETURNING and progress is not None and progress.token_ids is not None:
        return replace(claim, progress=replace(progress, token_ids=None, text=""))
    return replace(claim, state=State.GONE)  # its lease ends, and others take it over


# -- what the loop reports of a claim


def begun(claim: Claim, request: Request, *, attempt: int, stream_epoch: int) -> Claim:
    """What SQL said of a job that now runs here. The stream begins with a mark of the attempt."""
    return replace(
        claim,
        request=request,
        attempt=attempt,
        stream_epoch=stream_epoch,
        unsent=(Entry(seq=BEGIN_SEQ),),
        sent=(),
        next_seq=BEGIN_SEQ + 1,
    )


def with_words(claim: Claim, pieces: Sequence[str], num_tokens: int) -> Claim:
    """New words for the stream, cut into entries for good."""
    entries = tuple(
        Entry(seq=claim.next_seq + n, text=piece, num_tokens=num_tokens)
        for n, piece in enumerate(pieces)
    )
    return replace(claim, unsent=(*claim.unsent, *entries), next_seq=claim.next_seq + len(entries))


def with_tokens(claim: Claim, num_generated: int, now: float) -> Claim:
    first = now if claim.first_token_at is None else claim.first_token_at
    return replace(claim, request=claim.request.with_progress(num_generated), first_token_at=first)


def ended(claim: Claim, ending: Ending) -> Claim:
    """The engine has nothing more to say about it. Only a claim in the engine can end."""
    return (
        replace(claim, state=State.ENDED, ending=ending)
        if claim.state is State.IN_ENGINE
        else claim
    )


def returning(claim: Claim, progress: Progress) -> Claim:
    """It goes back; only what holds a slot can. Words not sent yet come with the next attempt."""
    if claim.state not in TAKES_SLOT:
        return claim
    request = claim.request
    if progress.token_ids is not None:
        request = request.with_progress(len(progress.token_ids))
    return replace(claim, state=State.RETURNING, request=request, progress=progress, unsent=())


def voided(claim: Claim, status: JobStatus | None) -> Claim:
    """SQL shows this status under another token, or none: the claim in the engine is void."""
    return replace(_refused(claim, status), unsent=()) if claim.state is State.IN_ENGINE else claim


def dropped(claim: Claim, now: float, *, limit_seconds: float) -> Claim:
    """Gone once its lease has ended, unless the lease is being renewed.

    The last words of a stored result need no lease; they are tried for `limit_seconds` more.
    """
    patience = limit_seconds if claim.state is State.STORED else 0.0
    if claim.state in RENEWED or now < claim.lease_until + patience:
        return claim
    return replace(claim, state=State.GONE)


def num_slots_taken(claims: Iterable[Claim]) -> int:
    return sum(claim.state in TAKES_SLOT for claim in claims)
