"""The receipts of a window rebuild the order of the queue exactly, at every moment."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command

from scheduling import connection, queue_control, services
from scheduling.core.manual_move import NoSuchMove
from scheduling.core.status import JobStatus
from scheduling.models import Job, PolicyChange, QueueMove
from scheduling.order_history import moves_of, order_at
from scheduling.receipts import record_promotions
from tests.factories import at, make_user
from tests.fault_world import World

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("virtual_time"),
    pytest.mark.timeout(120),
]

CALLS = Path(__file__).parents[1] / "fixtures" / "calls" / "mass_casualty.jsonl"
SWITCHES = {12: "fcfs", 20: "semantic_due", 33: "sjf", 41: "semantic", 55: "serial", 62: "pjf"}
PAUSES = {25: True, 30: False, 45: True, 49: False}


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "ring_doorbell", lambda: None)


def arrivals() -> list[tuple[float, int]]:
    """Returns second and level of the calls of the fixture, in one minute."""
    calls = [json.loads(line) for line in CALLS.read_text("utf-8").splitlines()]
    last = max(call["offset_seconds"] for call in calls)
    return sorted((60 * call["offset_seconds"] / last, call["expected_priority"]) for call in calls)


def waiting_jobs() -> list[Job]:
    return list(Job.objects.filter(status=JobStatus.WAITING).order_by("arrival_at", "id"))


def intervene(world: World, second: int, actor: User) -> None:
    """Switches, pauses, overrides, moves and cancelled cases in the middle of the rush."""
    now = at(world.seconds)
    if second in SWITCHES:
        services.switch_policy(SWITCHES[second], actor=actor, reason="test", now=now)
    if PAUSES.get(second) is True:
        queue_control.pause_admission(actor=actor, reason="test", now=now)
    if PAUSES.get(second) is False:
        queue_control.resume_admission(actor=actor, now=now)
    jobs = waiting_jobs()
    if len(jobs) > 3 and second % 4 == 1:
        services.reprioritise_job(jobs[1].id, second % 5, now=now)
    if len(jobs) > 3 and second % 3 == 2:
        try:
            steps = (second % 5 - 2) or 1
            queue_control.move_job(
                jobs[second % len(jobs)].id, steps_up=steps, actor=actor, now=now
            )
        except NoSuchMove:
            pass
    if len(jobs) > 3 and second % 10 == 7:
        world.cancel(jobs[2])


def test_the_receipts_of_a_rush_rebuild_each_order() -> None:
    world, actor = World(), make_user()
    calls = arrivals()
    seen: list[tuple[float, list[str], list[str]]] = []
    for second in range(75):
        while calls and calls[0][0] <= second:
            world.submit(calls.pop(0)[1])
        intervene(world, second, actor)
        record_promotions(at(world.seconds))
        queue = connection.queue()
        waiting = [request.id for request in queue.waiting(world.clock())]
        seen.append((world.seconds, waiting, sorted(queue.lease_tokens())))
        world.tick()
    assert max(len(waiting) for _, waiting, _ in seen) > 10
    for seconds, waiting, running in seen:
        order = order_at(at(seconds))
        assert [request.id for request in order.waiting] == waiting
        assert [request.id for request in order.running] == running
    cases = set(Job.objects.values_list("case_id", flat=True))
    kinds = {move.kind for case in cases for move in moves_of(case)}
    assert {"queued", "started", "displaced", "level", "moved", "promoted", "switched"} <= kinds
    check_ranks(seen)
    check_switches(seen)
    check_command(*seen[40][:2])


def check_ranks(seen: list[tuple[float, list[str], list[str]]]) -> None:
    """What a receipt says of the place is what a replay finds after the last move of a second."""
    switched = set(PolicyChange.objects.values_list("changed_at", flat=True))
    for seconds, waiting, _ in seen:
        if at(seconds) in switched:  # after the moves of that second
            continue
        last = QueueMove.objects.filter(at=at(seconds)).order_by("id").last()
        if last is not None and last.status == JobStatus.WAITING and last.rank is not None:
            assert waiting[last.rank] == str(last.job_id)
            assert waiting[: min(3, last.rank)] == last.first_ahead
            assert sum(last.ahead) == last.rank


def check_switches(seen: list[tuple[float, list[str], list[str]]]) -> None:
    """What a switch is said to have done is what the queue had after it."""
    found = {at(seconds): waiting for seconds, waiting, _ in seen}
    checked = 0
    for change in PolicyChange.objects.all():
        waiting = found[change.changed_at]
        for job in Job.objects.filter(id__in=waiting):
            for move in moves_of(job.case_id):
                if move.kind == QueueMove.Kind.SWITCHED and move.at == change.changed_at:
                    assert waiting[move.rank or 0] == str(job.id)
                    assert waiting[: min(3, move.rank or 0)] == move.first_ahead
                    assert move.num_waiting == len(waiting)
                    checked += 1
    assert checked > 20


def check_command(seconds: float, waiting: list[str]) -> None:
    out = StringIO()
    call_command("explain_order", "--at", at(seconds).isoformat(), "--json", stdout=out)
    told = json.loads(out.getvalue())
    assert [line["job"] for line in told["waiting"]] == waiting
    assert all({"priority", "key", "remaining_tokens"} <= line.keys() for line in told["waiting"])
    text = StringIO()
    call_command("explain_order", "--at", at(seconds).isoformat(), stdout=text)
    assert text.getvalue().count("\n") >= len(waiting)
