"""The stores as the worker sees them: one method for each call, each safe to repeat."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from django.db import connections

from llm_worker.worker.claims import Claim
from llm_worker.worker.endings import BEGIN_SEQ, Entry
from llm_worker.worker.held import JobToWrite
from llm_worker.worker.options import Options
from scheduling import claimed, connection, selectors, standing_orders
from scheduling.claimed import Standing
from scheduling.core.policies import Policy
from scheduling.core.request import Request
from scheduling.core.status import JobStatus
from scheduling.models import Job
from scheduling.queue import events


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What SQL says of a job now. `request` is None where the row cannot be read."""

    status: JobStatus | None
    token: str
    request: Request | None


class Stores(Protocol):
    """Each call raises what its store raises; a refusal is an answer. No call waits for another."""

    # Redis

    def grant(self, num: int, token: str, repeated: bool) -> list[Request]:
        """The best waiting requests, leased under `token`; see SemanticQueue.claim."""

    def head(self) -> Request | None:
        """What would be granted first."""

    def renew(self, tokens: Mapping[str, str]) -> set[str]:
        """Prolongs leases; the ids that this worker holds no more."""

    def send(self, claim: Claim) -> None:
        """Writes its unsent entries into the stream; those that are there already stay.

        Where the stream was lost, its sent entries are written again.
        """

    def finish(self, claim: Claim) -> bool: ...

    def release(self, claim: Claim) -> bool: ...

    def beat(self, numbers: Mapping[str, float] | None, problem: str) -> None:
        """The heartbeat; None says good-bye."""

    # SQL

    def policy(self) -> Policy: ...

    def paused(self) -> bool:
        """Whether a person has paused admission: then nothing that waits may start."""

    def rows(self, request_ids: Sequence[str]) -> dict[str, Row]: ...

    def start(self, claim: Claim, policy: str) -> tuple[Standing, JobToWrite | None]: ...

    def mark(self, claim: Claim) -> None:
        """Records when the first token came."""

    def store(self, claim: Claim) -> Standing:
        """Records the ending of the claim."""

    def give_back(self, claim: Claim) -> Standing:
        """The job waits again, with the progress of the claim."""

    def recycle(self) -> None:
        """Closes the connections to the database; the next call opens a new one."""


class LiveStores:
    """Redis and SQL of this site."""

    def __init__(self, worker: str, options: Options, clock: Callable[[], float]) -> None:
        self._worker, self._options, self._clock = worker, options, clock
        self._policy_cap: int | None = None

    def grant(self, num: int, token: str, repeated: bool) -> list[Request]:
        granted = connection.queue().claim(
            self._worker,
            num,
            now=self._clock(),
            lease_seconds=self._options.lease_seconds,
            max_running=self._policy_cap,
            token=token,
            repeated=repeated,
        )
        return [claim.request for claim in granted]

    def head(self) -> Request | None:
        return next(iter(connection.queue().peek(1, self._clock())), None)

    def renew(self, tokens: Mapping[str, str]) -> set[str]:
        return connection.queue().renew(
            self._worker, tokens, now=self._clock(), lease_seconds=self._options.lease_seconds
        )

    def send(self, claim: Claim) -> None:
        pieces = [_piece(claim, entry) for entry in claim.unsent]
        before = [_piece(claim, entry) for entry in claim.sent]
        if pieces:
            events.write_stream(connection.client(), claim.request.id, pieces, before=before)

    def finish(self, claim: Claim) -> bool:
        return connection.queue().finish(claim.request.id, claim.token)

    def release(self, claim: Claim) -> bool:
        num_tokens = claim.request.generated_tokens
        queue = connection.queue()
        return queue.release(claim.request.id, claim.token, num_tokens, now=self._clock())

    def beat(self, numbers: Mapping[str, float] | None, problem: str) -> None:
        events.set_worker_state(connection.client(), self._worker, numbers, problem=problem)

    def policy(self) -> Policy:
        policy = selectors.active_policy()
        self._policy_cap = policy.max_running
        return policy

    def paused(self) -> bool:
        return standing_orders.is_paused()

    def rows(self, request_ids: Sequence[str]) -> dict[str, Row]:
        found = Job.objects.filter(id__in=list(request_ids))
        standing = {
            str(job_id): (status, token)
            for job_id, status, token in found.values_list("id", "status", "claim_token")
        }
        requests = {str(job.id): job.to_request() for job in selectors.readable(found)}
        return {
            job_id: Row(
                status=claimed.known_status(status), token=token, request=requests.get(job_id)
            )
            for job_id, (status, token) in standing.items()
        }

    def start(self, claim: Claim, policy: str) -> tuple[Standing, JobToWrite | None]:
        started = claimed.start_job(
            _id(claim),
            token=claim.token,
            worker=self._worker,
            model_name=self._options.model_name,
            policy=policy,
            now=self._now(),
        )
        return started, None if started.job is None else _to_write(started.job)

    def mark(self, claim: Claim) -> None:
        first = _moment(claim.first_token_at)
        if first is not None:
            claimed.record_first_token(_id(claim), token=claim.token, now=first)

    def store(self, claim: Claim) -> Standing:
        ending, job_id, now = claim.ending, _id(claim), self._now()
        if ending is None:
            raise ValueError("ending: there is none to store")
        if ending.status is JobStatus.FAILED:
            return claimed.fail_job(job_id, token=claim.token, error=ending.reason, now=now)
        return claimed.finish_job(
            job_id,
            token=claim.token,
            output=ending.text,
            num_tokens=ending.num_tokens,
            finish_reason=ending.reason,
            now=now,
            first_token_at=_moment(claim.first_token_at),
        )

    def give_back(self, claim: Claim) -> Standing:
        progress, job_id, now = claim.progress, _id(claim), self._now()
        if progress is None:
            raise ValueError("progress: there is none to give back")
        if progress.failure:
            return claimed.return_job(
                job_id,
                token=claim.token,
                now=now,
                why=progress.why,
                failure=progress.failure,
                token_ids=progress.token_ids,
                text=progress.text,
            )
        return claimed.release_job(
            job_id,
            token=claim.token,
            token_ids=progress.token_ids,
            text=progress.text,
            now=now,
            why=progress.why,
            by=progress.by,
            first_token_at=_moment(claim.first_token_at),
        )

    def recycle(self) -> None:
        for each in connections.all(initialized_only=True):
            if not each.in_atomic_block:
                each.close()

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)


def _id(claim: Claim) -> uuid.UUID:
    return uuid.UUID(claim.request.id)


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _to_write(job: Job) -> JobToWrite:
    # Stream ids grow from attempt to attempt, and from one job of a case to its next: a page
    # that follows the case needs to remember nothing but the last id that it saw.
    return JobToWrite(
        request=job.to_request(),
        attempt=job.attempt,
        stream_epoch=int(job.created_at.timestamp() * 1000) + job.attempt,
        prompt=job.prompt,
        prefix_token_ids=tuple(map(int, job.progress_token_ids)),
        prefix_text=job.progress_text,
    )


def _piece(claim: Claim, entry: Entry) -> events.Piece:
    is_word = entry.status is None and entry.seq != BEGIN_SEQ
    return events.Piece(
        id=f"{claim.stream_epoch}-{entry.seq}",
        attempt=claim.attempt,
        text=entry.text if is_word else None,
        num_tokens=entry.num_tokens,
        status=entry.status,
    )
