"""What the console reads of a long queue."""

from __future__ import annotations

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from scheduling import selectors
from scheduling.core.request import Request
from scheduling.core.status import JobStatus
from scheduling.models import Job
from scheduling.selectors import waiting_requests
from scheduling.switch_preview import preview_switch
from tests.factories import make_job

pytestmark = pytest.mark.django_db


def test_the_preview_leaves_out_a_waiting_case_that_cannot_be_read() -> None:
    _, bad, _ = (make_job(level, seconds) for seconds, level in enumerate((4, 0, 2)))
    waiting = {job.to_request() for job in Job.objects.all()}
    assert set(waiting_requests()) == waiting
    Job.objects.filter(id=bad.id).update(manual_arrival=-1.0)
    assert str(bad.id) not in {one.id for one in waiting_requests()}
    found = preview_switch("fcfs", timezone.now())
    assert (found.num_waiting, found.num_up) == (2, 1)
    assert [line.waiting for line in found.levels] == [0, 0, 1, 0, 1]


def test_a_long_queue_is_read_once_for_a_preview() -> None:
    """The time of a preview is that of one query and the simulation."""
    counts = []
    for num in (3, 40):
        for seconds in range(num):
            make_job(seconds % 5, seconds)
        with CaptureQueriesContext(database) as queries:
            preview_switch("fcfs", timezone.now())
        reads = [one["sql"] for one in queries if "scheduling_job" in one["sql"]]
        assert not any('"prompt"' in sql for sql in reads)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_case_that_starts_while_the_preview_reads_is_counted_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    starts, _ = make_job(0, 0), make_job(4, 1)

    def then_it_starts() -> list[Request]:
        found = waiting_requests()
        Job.objects.filter(id=starts.id).update(status=JobStatus.RUNNING)
        return found

    monkeypatch.setattr(selectors, "waiting_requests", then_it_starts)
    assert preview_switch("fcfs", timezone.now()).num_waiting == 1
