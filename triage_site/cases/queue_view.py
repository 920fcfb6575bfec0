"""The state of the queue at one moment, by case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from scheduling import selectors as scheduling
from scheduling.core.policies import Policy, rank
from scheduling.core.request import Request
from scheduling.core.status import JobStatus
from scheduling.models import Job
from scheduling.selectors import QueuePlace
from scheduling.simulator.forecast import Estimate
from triage_site.cases.levels import rough_range
from triage_site.cases.models import Case
from triage_site.cases.progress import progress_of
from triage_site.cases.waiting_reason import Ahead, tallies, waiting_reason


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueView:
    """The queue and the running jobs at one moment. Mappings have the case id as key."""

    now: datetime
    policy: Policy
    places: Mapping[str, QueuePlace]
    order: Sequence[Request]  # waiting, next first
    requests: Mapping[str, Request]
    running: Sequence[Request]
    progress: Mapping[str, int]  # written tokens
    estimates: Mapping[str, Estimate]  # of waiting and running cases
    ahead: Sequence[Ahead]  # of each place of `order`
    is_paused: bool

    @classmethod
    def read(cls, now: datetime) -> QueueView:
        jobs: dict[str, Job] = {str(job.id): job for job in scheduling.open_jobs()}
        places = scheduling.places(now, list(jobs.values()))
        running = [job for job in jobs.values() if job.status == JobStatus.RUNNING]
        by_place = sorted(places, key=lambda job_id: places[job_id].position)
        requests = {job_id: job.to_request() for job_id, job in jobs.items()}
        is_paused = scheduling.is_paused()
        order = [requests[job_id] for job_id in by_place]
        return cls(
            now=now,
            policy=scheduling.active_policy(),
            places={str(jobs[job_id].case_id): place for job_id, place in places.items()},
            order=order,
            requests={str(job.case_id): requests[job_id] for job_id, job in jobs.items()},
            running=[requests[str(job.id)] for job in running],
            progress=progress_of(str(job.id) for job in running),
            estimates={
                str(jobs[job_id].case_id): estimate
                for job_id, estimate in scheduling.estimates(
                    now, scheduling.active_policy()
                ).items()
                if job_id in jobs and not (is_paused and job_id in places)
            },
            ahead=tallies(order, now.timestamp()),
            is_paused=is_paused,
        )

    def order_of_patients(self, cases: Iterable[Case]) -> list[Case]:
        """Patients in the order of the live policy; those without a level first.

        Whose guidance has ended needs no more of it: among equals they come first, and among
        themselves by arrival.
        """
        rest = list(cases)
        unknown = [case for case in rest if case.priority is None]
        known = {self._patient(case).id: case for case in rest if case.priority is not None}
        requests = [self._patient(case) for case in known.values()]
        ranked = rank(requests, self.policy, self.now.timestamp())
        return unknown + [known[request.id] for request in ranked]

    def _patient(self, case: Case) -> Request:
        request = self.requests.get(str(case.id))
        if request is not None:
            return request
        assert case.priority is not None
        return Request(
            id=str(case.id),
            arrival_seconds=case.arrived_at.timestamp(),
            priority=case.priority,
            prompt_tokens=0,
            predicted_tokens=0,
            first_in_level=case.is_not_understood,
        )

    def reason(self, case: Case, place: QueuePlace | None) -> str:
        """Returns the reason for the position of a waiting case; empty for other cases."""
        request = self.requests.get(str(case.id))
        if request is None or place is None:
            return ""
        return waiting_reason(
            request,
            ahead=self.ahead[min(place.position, len(self.ahead) - 1)],
            running=self.running,
            policy=self.policy,
        )

    def percent_written(self, case: Case) -> int | None:
        """Returns the written percentage of the predicted length of a running case."""
        request = self.requests.get(str(case.id))
        num_tokens = self.progress.get(request.id) if request else None
        if request is None or num_tokens is None:
            return None
        expected = max(request.predicted_tokens, num_tokens + 1)
        return min(99, round(100 * num_tokens / expected))


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseInQueue:
    """What the queue says of one case. `reason`: what the next case waits for."""

    place: QueuePlace | None
    estimate: Estimate | None
    reason: str
    is_paused: bool

    @classmethod
    def seen(cls, case: Case, queue: QueueView) -> CaseInQueue:
        """From a view of the whole queue, which several pages share."""
        place = queue.places.get(str(case.id))
        return cls(
            place=place,
            estimate=queue.estimates.get(str(case.id)),
            reason=queue.reason(case, place) if place and place.position == 0 else "",
            is_paused=queue.is_paused,
        )

    @classmethod
    def read(cls, case: Case, now: datetime) -> CaseInQueue:
        """For one page: a case without a job reads nothing of the queue, and a waiting case only
        who is before it."""
        is_paused, job = scheduling.is_paused(), scheduling.open_job_of(case.id)
        place = None if job is None else scheduling.place_of(job, now)
        policy = scheduling.active_policy()
        if place is not None:
            estimate = place.estimate
        elif job is not None:
            estimate = scheduling.estimates(now, policy, only=(str(job.id),)).get(str(job.id))
        else:
            estimate = None
        reason = ""
        if job is not None and place is not None and place.position == 0:
            running = [one.to_request() for one in scheduling.running_jobs()]
            reason = waiting_reason(job.to_request(), ahead=Ahead(), running=running, policy=policy)
        return cls(place=place, estimate=estimate, reason=reason, is_paused=is_paused)


def place_text(place: QueuePlace | None, *, is_paused: bool = False) -> str:
    """Returns "Next, in 2–4 s" or "Position 2, in 8–15 s"; no time where it is not known."""
    if place is None:
        return "Waiting"
    name = "Next" if place.position == 0 else f"Position {place.position + 1}"
    if is_paused:
        return f"{name}, paused"
    if place.estimate is None:
        return name
    if place.estimate.starts.high < 1:
        return f"{name}, now"
    starts = place.estimate.starts
    return f"{name}, in {rough_range(starts.low, starts.high)}"
