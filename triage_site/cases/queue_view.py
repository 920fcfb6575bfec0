"""The state of the queue at one moment, by case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from scheduling import selectors as scheduling
from scheduling.core.policies import Policy
from scheduling.core.request import Request
from scheduling.core.status import JobStatus
from scheduling.models import Job
from scheduling.selectors import QueuePlace
from scheduling.simulator.forecast import Estimate
from triage_site.cases.levels import rough_range
from triage_site.cases.models import Case, CaseStatus
from triage_site.cases.progress import Progress, progress_of
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
    progress: Mapping[str, Progress]
    estimates: Mapping[str, Estimate]  # of waiting and running cases
    ahead: Sequence[Ahead]  # of each place of `order`

    @classmethod
    def read(cls, now: datetime) -> QueueView:
        jobs: dict[str, Job] = {str(job.id): job for job in scheduling.open_jobs()}
        places = scheduling.places(now, list(jobs.values()))
        running = [job for job in jobs.values() if job.status == JobStatus.RUNNING]
        by_place = sorted(places, key=lambda job_id: places[job_id].position)
        requests = {job_id: job.to_request() for job_id, job in jobs.items()}
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
                if job_id in jobs
            },
            ahead=tallies(order, now.timestamp()),
        )

    def sort_key(self, case: Case) -> tuple[float, ...]:
        """Returns the sort key of an open row; equal keys keep the order of arrival."""
        if case.status == CaseStatus.RUNNING:
            return (0, -1 if case.priority is None else case.priority)
        if case.status != CaseStatus.QUEUED:
            return (1,)
        place = self.places.get(str(case.id))
        return (2, float("inf") if place is None else place.position)

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

    def progress_for(self, case: Case) -> tuple[int | None, str]:
        """Returns the written percentage of the predicted length and the end of the text."""
        request = self.requests.get(str(case.id))
        progress = self.progress.get(request.id) if request else None
        if request is None or progress is None:
            return None, ""
        expected = max(request.predicted_tokens, progress.num_tokens + 1)
        return min(99, round(100 * progress.num_tokens / expected)), progress.tail


def place_text(place: QueuePlace | None) -> str:
    """Returns "Next, in 2–4 s" or "Position 2, in 8–15 s"; no time where it is not known."""
    if place is None:
        return "Waiting"
    name = "Next" if place.position == 0 else f"Position {place.position + 1}"
    if place.estimate is None:
        return name
    if place.estimate.starts.high < 1:
        return f"{name}, now"
    starts = place.estimate.starts
    return f"{name}, in {rough_range(starts.low, starts.high)}"
