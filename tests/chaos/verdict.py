"""What became of the cases of a chaos run, read from the database and the token streams."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import redis

from scheduling.models import Job
from scheduling.queue import events
from triage_site.cases.models import Case, CaseEvent

_ENDS = ("done", "failed", "cancelled")  # what is withheld is done, too


@dataclass(slots=True)
class Verdict:
    """Case ids, each with what is wrong."""

    lost: dict[str, str] = field(default_factory=dict)
    doubled: dict[str, str] = field(default_factory=dict)


def judge(accepted: Mapping[str, set[str]], client: redis.Redis) -> Verdict:
    """`accepted` has the ids that the site told for each submission key."""
    verdict = Verdict()
    for told in accepted.values():
        if len(told) > 1:
            verdict.doubled[min(told)] = "two cases for one submission"
        for case_id in told:
            _judge_case(case_id, client, verdict)
    return verdict


def _judge_case(case_id: str, client: redis.Redis, verdict: Verdict) -> None:
    case = Case.objects.filter(id=uuid.UUID(case_id)).first()
    if case is None:
        verdict.lost[case_id] = "no such case"
        return
    kinds = Counter(CaseEvent.objects.filter(case=case).values_list("kind", flat=True))
    jobs = list(Job.objects.filter(case_id=case.id))
    if case.status == "failed":
        verdict.lost[case_id] = f"failed: {jobs[-1].error if jobs else 'no job'}"
    elif case.priority is None or not kinds["received"] or not kinds["queued"]:
        verdict.lost[case_id] = f"its history is incomplete: {dict(kinds)}"
    elif not case.is_open and not sum(kinds[kind] for kind in _ENDS):
        verdict.lost[case_id] = "it ended without an event"
    # A late answer of the classifier makes guidance stale: it is written once more.
    num_written = 1 + kinds["stale"]
    if len(jobs) > num_written or sum(kinds[kind] for kind in _ENDS) > num_written:
        verdict.doubled[case_id] = f"{len(jobs)} jobs, events {dict(kinds)}"
    elif problem := next(filter(None, (_stream_problem(job, client) for job in jobs)), ""):
        verdict.doubled[case_id] = problem


def _stream_problem(job: Job, client: redis.Redis) -> str:
    """Compares what the pages were sent with what was stored, where the stream is whole."""
    entries = events.read_stream(client, str(job.id))
    is_whole = bool(entries) and entries[-1].status == "done"
    begins = [entry for entry in entries if entry.attempt == job.attempt]
    if job.status != "done" or not is_whole or not begins or begins[0].text:
        return ""  # lost with Redis, or withheld
    sent = "".join(entry.text for entry in begins)
    return "" if sent == job.output else "the streamed words differ from the stored ones"
