"""What the queue says of one case is the same from its own read and from a view of all."""

from __future__ import annotations

import pytest
import redis

from scheduling import queue_control, services
from scheduling import selectors as scheduling
from tests.factories import at, make_case, make_queued_case, make_user
from triage_site.cases.models import Case
from triage_site.cases.queue_view import CaseInQueue, QueueView

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _redis(redis_client: redis.Redis) -> None:
    """Every test uses a real and empty Redis."""


@pytest.mark.parametrize("paused", [True, False])
def test_one_read_alone_and_a_view_of_all_agree(*, paused: bool) -> None:
    actor = make_user()
    for seconds, priority in enumerate((2, 0, 3, 2, 1)):
        make_queued_case(priority, float(seconds), actor=actor)
    closed = make_case(actor=actor, seconds=9)
    services.claim_jobs("w1", 2, now=at(10), model_name="m")
    if paused:
        queue_control.pause_admission(actor=actor, reason="test", now=at(11))
    view = QueueView.read(at(20))
    cases = list(Case.objects.all())
    alone = [CaseInQueue.read(case, at(20)) for case in cases]
    assert alone == [CaseInQueue.seen(case, view) for case in cases]
    places = sorted(one.place.position for one in alone if one.place)
    assert places == [0, 1, 2]
    assert [one.reason for one in alone if one.place and one.place.position == 0] != [""]
    assert CaseInQueue.read(closed, at(20)).place is None


def test_a_case_without_a_job_reads_nothing_of_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case = make_case()
    make_queued_case(2, 1.0, actor=case.created_by)
    monkeypatch.setattr(scheduling, "waiting_requests", lambda: pytest.fail("read the queue"))
    assert CaseInQueue.read(case, at(5)).place is None
