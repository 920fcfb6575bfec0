"""Replays: each call once at its time, one replay at a time, marked cases that can be removed."""

from __future__ import annotations

import uuid

import pytest
import redis
from django.db import connection as database
from hypothesis import given
from hypothesis import strategies as st

from scheduling import connection, recorded
from scheduling import services as scheduling
from scheduling.models import Forecast, Job
from scheduling.simulator.forecast import Estimate, Range
from tests.factories import at, make_case, make_job, make_user
from triage_site.audit.services import seal_all
from triage_site.audit.verification import faults
from triage_site.cases import services
from triage_site.cases.calls import Call, Escalation, fixture_calls
from triage_site.cases.models import Case, CaseEvent, Replay, ReplayEvent
from triage_site.cases.replay_runner import steps_of, turn
from triage_site.cases.roles import CHARGE_NURSE
from triage_site.cases.standing import wait_lines
from triage_site.triage.facts import CaseFacts

FIXTURE = "mass_casualty"


def a_call(offset: float, after: float | None) -> Call:
    worse = None if after is None else Escalation(after_seconds=after, priority=0, why="worse")
    return Call(
        id=uuid.uuid4().hex,
        offset_seconds=offset,
        call_type="FALL",
        facts=CaseFacts(text="fell"),
        expected_priority=2,
        why="",
        escalation=worse,
    )


@given(st.lists(st.tuples(st.floats(0, 100), st.none() | st.floats(0, 100)), max_size=20))
def test_steps_are_in_order_of_time_and_each_call_comes_before_its_change(
    pairs: list[tuple[float, float | None]],
) -> None:
    steps = steps_of([a_call(offset, after) for offset, after in pairs])
    assert [step.at for step in steps] == sorted(step.at for step in steps)
    for number, (_, after) in enumerate(pairs):
        mine = [step.worsens for step in steps if step.number == number]
        assert mine == ([False] if after is None else [False, True])


def begun(speed: float = 60.0) -> Replay:
    nurse = make_user(CHARGE_NURSE)
    return services.start_replay(FIXTURE, speed, actor=nurse, now=at(0))


@pytest.mark.django_db
def test_calls_are_sent_at_their_times_and_once() -> None:
    begun(speed=60)
    calls = fixture_calls(FIXTURE)
    for seconds in (0.5, 0.6, 5.0, 5.0):
        assert turn(at(seconds))
        due = [call for call in calls if call.offset_seconds <= 60 * seconds]
        cases = Case.objects.order_by("number")
        assert [case.facts["text"] for case in cases] == [call.facts.text for call in due]
    assert not turn(at(60)) or Replay.objects.get().status == "sent"
    replay = Replay.objects.get()
    assert (replay.status, replay.num_sent, Case.objects.count()) == ("sent", 60, 60)
    assert set(Case.objects.values_list("replay_id", flat=True)) == {replay.id}
    assert not turn(at(61))


@pytest.mark.django_db
def test_a_patient_gets_worse_once() -> None:
    begun()
    turn(at(0.6))
    for case in Case.objects.all():
        services.classify_without_model(case.id, why="test", now=at(0.7))
    turn(at(60))
    turn(at(61))
    worse = [call for call in fixture_calls(FIXTURE) if call.escalation]
    assert worse
    overridden = CaseEvent.objects.filter(kind="overridden")
    numbers = list(overridden.values_list("case_id", flat=True))
    assert len(numbers) == len(set(numbers))


@pytest.mark.django_db
def test_one_replay_runs_at_a_time_and_a_bad_choice_is_refused() -> None:
    replay = begun()
    with pytest.raises(ValueError, match="Another replay is running"):
        services.start_replay(FIXTURE, 1, actor=replay.started_by, now=at(1))
    assert services.stop_replay(replay.id, actor=replay.started_by, now=at(2))
    assert not services.stop_replay(replay.id, actor=replay.started_by, now=at(3))
    assert not turn(at(10))
    for fixture, speed, field in (("nothing", 1.0, "fixture"), (FIXTURE, 0.0, "speed")):
        with pytest.raises(ValueError, match=f"^{field}"):
            services.start_replay(fixture, speed, actor=replay.started_by, now=at(4))
    services.start_replay(FIXTURE, 1, actor=replay.started_by, now=at(5))
    kinds = list(ReplayEvent.objects.values_list("kind", flat=True))
    assert kinds == ["started", "stopped", "started"]


@pytest.mark.django_db
def test_two_processes_send_each_call_once() -> None:
    replay = begun()
    other = Replay.objects.get()
    call = fixture_calls(FIXTURE)[0]
    assert services.send_call(replay, call, now=at(1))
    assert not services.send_call(other, call, now=at(1))
    assert Case.objects.count() == 1


@pytest.mark.django_db
def test_replayed_cases_are_not_counted_among_real_ones() -> None:
    begun()
    turn(at(1))
    for case in Case.objects.all():
        services.classify_without_model(case.id, why="test", now=at(1))
    assert Job.objects.filter(replayed=True).count() == Case.objects.count() > 0
    assert sum(line.num_waiting for line in wait_lines(at(2))) == 0
    real = make_job(2, 0)
    estimate = Estimate(starts=Range.of([1, 2, 3]), ends=Range.of([4, 5, 6]))
    ids = [str(job.id) for job in Job.objects.all()]
    scheduling.record_forecasts(
        dict.fromkeys(ids, estimate), policy="semantic", now=at(2), stretch=1.2
    )
    Job.objects.update(status="done", started_at=at(4), finished_at=at(9), generated_tokens=5)
    assert [one.job_id for one in recorded.judged_forecasts(None, None)] == [real.id]
    assert [job.id for job in recorded.recorded_jobs(at(-1), at(10))] == [real.id]
    assert recorded.judged_forecasts(None, None, replayed=True)


@pytest.mark.django_db(transaction=True)
def test_removal_takes_cases_jobs_and_queue_entries_and_leaves_real_ones(
    redis_client: redis.Redis,
) -> None:
    replay = begun()
    turn(at(1))
    real = make_case("cough")
    for case in Case.objects.all():
        services.classify_without_model(case.id, why="test", now=at(1))
    replayed = Case.objects.filter(replay=replay).first()
    assert replayed is not None
    services.add_note(replayed.id, text="walks", actor=replay.started_by, now=at(2))
    services.record_vitals(
        replayed.id, readings={"hr_bpm": 80}, note="", actor=replay.started_by, now=at(2)
    )
    num = Case.objects.filter(replay=replay).count()
    assert sum(connection.queue().counts().waiting) == num + 1
    with pytest.raises(ValueError, match="Stop it first"):
        services.remove_replay(replay.id, actor=replay.started_by, now=at(3))
    services.stop_replay(replay.id, actor=replay.started_by, now=at(3))
    while seal_all(at(3)):
        pass
    assert services.remove_replay(replay.id, actor=replay.started_by, now=at(4)) == num
    assert list(faults()) == []  # the audit knows what was removed, by whom and why
    assert list(Case.objects.all()) == [real]
    assert sum(connection.queue().counts().waiting) == 1
    (job,) = Job.objects.all()
    assert job.case_id == real.id
    assert not Forecast.objects.exclude(job=job).exists()
    removed = ReplayEvent.objects.get(kind="removed")
    assert (removed.actor, removed.data) == (replay.started_by, {"cases": num})
    assert services.remove_replay(replay.id, actor=replay.started_by, now=at(5)) == 0
    database.check_constraints()
