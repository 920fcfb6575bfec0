"""The jobs that one worker has claimed: never more than its engine has slots."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from llm_worker.engine.protocol import Engine, EngineJob, EngineNotRunning
from llm_worker.guard.text import GuardedText
from llm_worker.worker.pending_results import HeldJob, PendingResults
from scheduling import connection, services
from scheduling.core.policies import Policy, Preemption, may_preempt, order
from scheduling.core.scheduler import NeverFits
from scheduling.core.status import JobStatus
from scheduling.models import Job
from scheduling.queue import events


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of a worker. Times are in seconds."""

    lease_seconds: float
    preemption: Preemption
    max_new_tokens: int
    model_name: str
    sync_seconds: float = 0.5
    state_seconds: float = 1.0


class Slots:
    """Claims the best waiting jobs, preempts the worst, and drops jobs with lost claims.

    An ended job keeps its slot until its result is stored. When Redis or SQL is unreachable
    the methods raise the store's own error. It is safe to call them again.
    """

    def __init__(
        self,
        engine: Engine,
        pending: PendingResults,
        *,
        worker_name: str,
        options: Options,
        clock: Callable[[], float],
    ) -> None:
        self._engine, self._pending = engine, pending
        self._worker_name, self._options, self._clock = worker_name, options, clock
        self._held: dict[str, HeldJob] = {}
        self.policy: Policy | None = None

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Iterator[HeldJob]:
        """A copy: jobs may be added and removed during the iteration."""
        return iter(list(self._held.values()))

    def get(self, job_id: str) -> HeldJob | None:
        return self._held.get(job_id)

    def num_free(self) -> int:
        """Negative when a new policy allows fewer slots than are in use."""
        num_slots = self._engine.num_slots
        if self.policy is not None and self.policy.max_running is not None:
            num_slots = min(num_slots, self.policy.max_running)
        return num_slots - len(self._held)

    def fill(self) -> None:
        """Fills free slots, then preempts for more urgent levels."""
        while (free := self.num_free()) > 0:
            if not self._claim(free):
                return
        while self._preempt_one():
            self._claim(1)

    def set_policy(self, policy: Policy) -> None:
        """Sets the policy and releases jobs in excess of its slots."""
        self.policy = policy
        self._engine.set_policy(policy, self._options.preemption)
        while self.num_free() < 0 and (running := self._running()):
            if not self.release(self._worst(running, policy).request.id, "preempted"):
                return

    def release(self, job_id: str, why: str) -> bool:
        """Puts a job back into the queue with its progress. False when it has just ended."""
        held = self._held[job_id]
        if job_id in self._pending:
            return False
        released = self._engine.release(job_id)
        if released is None and self._engine.alive():
            return False
        token_ids = () if released is None else released.token_ids
        text = "" if released is None else released.text
        self._pending.send(held)
        services.release_job(
            held.job_id, token=held.token, token_ids=token_ids, text=text, now=self._now(), why=why
        )
        self.remove(job_id)
        return True

    def remove(self, job_id: str) -> None:
        """Removes a job whose result is stored or that is released."""
        self._held.pop(job_id, None)

    def release_all(self, why: str) -> None:
        """Puts all unfinished jobs back into the queue after the engine has dropped them."""
        for held in self:
            if held.request.id not in self._pending:
                services.return_job(held.job_id, token=held.token, now=self._now(), why=why)
                self.remove(held.request.id)

    def renew_leases(self) -> None:
        if not self._held:
            return
        tokens = {job_id: held.token for job_id, held in self._held.items()}
        for job_id in services.renew_leases(tokens, worker=self._worker_name, now=self._now()):
            self._drop(job_id)

    def apply_changes(self, jobs: Mapping[str, Job]) -> None:
        """Applies changes from SQL. `jobs` are the current rows of the claimed jobs."""
        for held in self:
            job = jobs.get(held.request.id)
            if job is None or job.status != JobStatus.RUNNING or job.claim_token != held.token:
                self._drop(held.request.id)
                continue
            request = job.to_request().with_progress(held.num_generated)
            if request != held.request:
                held.request = request
                self._engine.update(request)

    def _claim(self, num: int) -> int:
        claimed = services.claim_jobs(
            self._worker_name, num, now=self._now(), model_name=self._options.model_name
        )
        for claim in claimed:
            self._start_job(claim.job, claim.token)
        return len(claimed)

    def _start_job(self, job: Job, token: str) -> None:
        # This worker may still hold the job under an older claim (a lease can be lost with Redis).
        # The tokens and the result of the older claim are void.
        self._engine.cancel(str(job.id))
        self._pending.discard(str(job.id))
        prefix = tuple(job.progress_token_ids)
        held = HeldJob(
            request=job.to_request(),
            token=token,
            attempt=job.attempt,
            guard=GuardedText(job.prompt),
            num_generated=len(prefix),
        )
        self._held[held.request.id] = held
        if prefix:
            held.unsent.append(held.guard.feed(job.progress_text))
        engine_job = EngineJob(
            request=held.request,
            prompt=job.prompt,
            max_new_tokens=self._options.max_new_tokens,
            prefix_token_ids=prefix,
            prefix_text=job.progress_text,
        )
        try:
            events.begin_stream(connection.client(), held.request.id, held.attempt)
            self._engine.add(engine_job)
        except NeverFits as error:
            self._pending.failed(held, str(error))
        except EngineNotRunning:
            self.release(held.request.id, "engine stopped")

    def _preempt_one(self) -> bool:
        """Releases the worst job if the first waiting job may preempt it."""
        running, policy = self._running(), self.policy
        if not running or policy is None or self.num_free() > 0:
            return False
        now = self._clock()
        head = connection.queue().peek(1, now)
        worst = self._worst(running, policy)
        if not head or not may_preempt(
            head[0], worst.request, policy, now, self._options.preemption
        ):
            return False
        return self.release(worst.request.id, "preempted")

    def _running(self) -> list[HeldJob]:
        return [held for job_id, held in self._held.items() if job_id not in self._pending]

    def _worst(self, running: list[HeldJob], policy: Policy) -> HeldJob:
        now = self._clock()
        return max(running, key=lambda held: order(held.request, policy, now))

    def _drop(self, job_id: str) -> None:
        """Drops a job whose claim this worker has lost."""
        if job_id not in self._pending:
            self._engine.cancel(job_id)
            self.remove(job_id)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)
