"""The worker loop on real Redis and SQL, with the fake engine and a controlled clock."""

from __future__ import annotations

import pytest
import redis
from django.db import DataError
from django.db import connection as db

from llm_worker.engine.protocol import TokensOut
from scheduling import claimed, connection, services
from scheduling.core.status import JobStatus
from scheduling.models import Job
from scheduling.queue import events
from tests.factories import at, make_job, make_user
from tests.worker_rig import Rig

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("virtual_time")]


@pytest.fixture
def rig(redis_client: redis.Redis) -> Rig:
    return Rig(num_slots=2, answer_length=lambda job: 10)


def status_of(job: Job) -> str:
    return Job.objects.get(id=job.id).status


def running() -> set[str]:
    return {str(job_id) for job_id in _ids(JobStatus.RUNNING)}


def _ids(status: JobStatus) -> list[object]:
    return list(Job.objects.filter(status=status).values_list("id", flat=True))


def test_every_job_ends_done_in_the_order_of_the_policy(rig: Rig) -> None:
    jobs = [make_job(priority, seconds) for seconds, priority in enumerate((4, 2, 0, 3, 1, 2))]
    rig.run_until_idle()
    ended = Job.objects.order_by("started_at", "priority")
    assert [job.priority for job in ended] == [0, 1, 2, 2, 3, 4]
    assert {job.status for job in ended} == {JobStatus.DONE}
    assert all(job.output and job.first_token_at and job.attempt == 1 for job in ended)
    assert len(jobs) == 6
    assert connection.queue().lease_tokens() == {}


def test_an_urgent_case_preempts_the_worst_and_no_text_is_repeated(rig: Rig) -> None:
    alone = make_job(4, 0)
    rig.run_until_idle()
    undisturbed = Job.objects.get(id=alone.id).output
    mild, milder = make_job(3, 0), make_job(4, 1, prompt=alone.prompt)
    rig.tick(4)
    urgent = make_job(0, 2)
    rig.tick(2)
    assert running() == {str(mild.id), str(urgent.id)}
    waiting = Job.objects.get(id=milder.id)
    assert waiting.status == JobStatus.WAITING
    assert waiting.num_preemptions == 1
    assert waiting.generated_tokens == len(waiting.progress_token_ids) > 0
    rig.run_until_idle()
    resumed = Job.objects.get(id=milder.id)
    assert resumed.output == undisturbed
    ends = Job.objects.order_by("finished_at").values_list("id", flat=True)
    assert list(ends).index(resumed.id) > list(ends).index(urgent.id)


def test_the_same_level_does_not_preempt(rig: Rig) -> None:
    first, second = make_job(2, 0), make_job(2, 1)
    rig.tick(2)
    make_job(2, 2, predicted_tokens=1)
    rig.tick(2)
    assert running() == {str(first.id), str(second.id)}


@pytest.fixture
def rig_ahead(redis_client: redis.Redis) -> Rig:
    """An engine with two slots that wants to have three jobs."""
    return Rig(num_slots=2, answer_length=lambda job: 10, num_ahead=1)


def test_an_engine_has_its_next_job_before_a_slot_is_free(rig_ahead: Rig) -> None:
    jobs = [make_job(2, seconds) for seconds in range(4)]
    rig_ahead.tick(2)
    assert running() == {str(job.id) for job in jobs[:3]}
    rig_ahead.run_until_idle()
    assert set(Job.objects.values_list("attempt", flat=True)) == {1}


def test_a_better_case_goes_before_the_next_one_and_takes_nothing_from_it(rig_ahead: Rig) -> None:
    first, second, third = (make_job(2, seconds) for seconds in range(3))
    rig_ahead.tick(2)
    shorter = make_job(2, 3, predicted_tokens=20)
    rig_ahead.tick(2)
    assert running() == {str(first.id), str(second.id), str(shorter.id)}
    back = Job.objects.get(id=third.id)
    assert (back.status, back.num_preemptions) == (JobStatus.WAITING, 0)
    rig_ahead.run_until_idle()
    assert connection.queue().lease_tokens() == {}


def test_an_urgent_case_writes_at_once_though_the_next_one_is_there_already(
    rig_ahead: Rig,
) -> None:
    jobs = [make_job(3, seconds) for seconds in range(3)]
    rig_ahead.tick(2)
    urgent = make_job(0, 3)
    rig_ahead.doorbell.set()
    rig_ahead.tick(3)
    assert Job.objects.get(id=urgent.id).first_token_at is not None
    assert str(jobs[2].id) not in running()
    rig_ahead.run_until_idle()
    ended = Job.objects.order_by("finished_at").values_list("id", flat=True)
    assert list(ended).index(urgent.id) <= 1


def test_a_new_priority_takes_effect_in_the_running_batch(rig: Rig) -> None:
    low, other = make_job(2, 0), make_job(2, 1)
    rig.tick(2)
    services.reprioritise_job(low.id, 4, now=at(103))
    third = make_job(3, 2)
    rig.doorbell.set()
    rig.tick(2)
    assert running() == {str(other.id), str(third.id)}


@pytest.mark.parametrize("ticks", [3, 9])
def test_a_job_that_is_claimed_again_while_held_is_stored_once(rig: Rig, ticks: int) -> None:
    job = make_job(2, 0)
    rig.tick(ticks)
    old = Job.objects.get(id=job.id)
    # The lease was lost and the job went back into the queue.
    assert services.release_job(
        job.id, token=old.claim_token, token_ids=[], text="", now=at(110), why="lease lost"
    )
    assert connection.queue().release(str(job.id), old.claim_token, 0, rig.clock())
    rig.worker._admission.take()
    assert Job.objects.get(id=job.id).claim_token not in ("", old.claim_token)
    rig.run_until_idle()
    assert status_of(job) == JobStatus.DONE
    assert len(Job.objects.get(id=job.id).output.split()) == 10
    assert connection.queue().lease_tokens() == {}


def test_a_cancelled_case_frees_its_slot(rig: Rig) -> None:
    jobs = [make_job(2, seconds) for seconds in range(3)]
    rig.tick(2)
    services.cancel_job(jobs[0].id, now=at(103))
    rig.tick(2)
    assert running() == {str(jobs[1].id), str(jobs[2].id)}
    rig.run_until_idle()
    assert status_of(jobs[0]) == JobStatus.CANCELLED
    assert Job.objects.get(id=jobs[0].id).output == ""


def test_serial_takes_effect_at_once_with_one_slot(rig: Rig) -> None:
    for seconds in range(3):
        make_job(2, seconds)
    rig.tick(2)
    assert len(running()) == 2
    services.switch_policy("serial", actor=make_user(), reason="test", now=at(104))
    rig.tick(2)
    assert len(running()) == 1
    rig.run_until_idle()


def test_leases_are_renewed_during_a_long_answer(redis_client: redis.Redis) -> None:
    rig = Rig(num_slots=1, answer_length=lambda job: 60)
    job = make_job(2, 0)
    for _ in range(40):
        rig.tick()
        services.reap_expired(now=at(rig.seconds))
    assert status_of(job) == JobStatus.RUNNING
    rig.run_until_idle()
    assert Job.objects.get().attempt == 1


def test_a_warm_stop_releases_jobs_with_their_progress(rig: Rig) -> None:
    job = make_job(2, 0)
    rig.tick(5)
    rig.worker.stop()
    back = Job.objects.get(id=job.id)
    assert back.status == JobStatus.WAITING
    assert len(back.progress_token_ids) > 0
    assert [request.id for request in connection.queue().waiting(rig.clock())] == [str(job.id)]


def test_a_warm_stop_stores_answers_that_have_just_ended(rig: Rig) -> None:
    jobs = make_job(2, 0), make_job(4, 1)
    rig.tick(10)
    assert running() == {str(job.id) for job in jobs}
    rig.seconds += 1  # the engine writes the last word in this second
    rig.worker.stop()
    assert {status_of(job) for job in jobs} == {JobStatus.DONE}
    assert connection.queue().lease_tokens() == {}


def test_a_result_is_stored_while_the_stream_is_away_and_the_words_follow(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job(2, 0)
    rig.tick(3)
    with monkeypatch.context() as patch:

        def away(*args: object, **kwargs: object) -> None:
            raise redis.ConnectionError

        patch.setattr(events, "write_stream", away)
        rig.tick(12)
        assert status_of(job) == JobStatus.DONE
        assert len(connection.queue().lease_tokens()) == 1
    rig.tick(2)
    entries = events.read_stream(connection.client(), str(job.id))
    assert "".join(entry.text for entry in entries) == Job.objects.get().output
    assert [entry.status for entry in entries if entry.status] == ["done"]
    assert connection.queue().lease_tokens() == {}


def test_the_stream_has_the_answer_in_pieces_and_its_end(rig: Rig) -> None:
    job = make_job(2, 0)
    rig.run_until_idle()
    entries = events.read_stream(connection.client(), str(job.id))
    assert "".join(entry.text for entry in entries) == Job.objects.get().output
    assert sum(bool(entry.text) for entry in entries) >= 5
    assert entries[-1].status == "done"
    assert {entry.attempt for entry in entries[:-1]} == {1}


@pytest.mark.parametrize(
    ("text", "reason"),
    [(" give 450 mg ", "withheld"), (" give it now" * 20 + " ", "looping")],
)
def test_text_that_the_guard_stops_is_withheld(rig: Rig, text: str, reason: str) -> None:
    job = make_job(2, 0)
    rig.tick(3)
    rig.engine._unread.append(
        TokensOut(id=str(job.id), text_delta=text, token_ids=(1,), num_generated=4)
    )
    rig.run_until_idle()
    done = Job.objects.get()
    assert (done.status, done.finish_reason) == (JobStatus.DONE, reason)
    entries = events.read_stream(connection.client(), str(job.id))
    assert "give" not in "".join(entry.text for entry in entries)
    assert entries[-1].status == "withheld"


def test_a_fast_model_streams_in_pieces(rig: Rig) -> None:
    job = make_job(2, 0)
    rig.tick(3)
    before = len(events.read_stream(connection.client(), str(job.id)))
    text = "".join(f"word-{chr(97 + n)}\n or  so " for n in range(16))
    rig.engine._unread.append(
        TokensOut(id=str(job.id), text_delta=text, token_ids=(1,), num_generated=4)
    )
    rig.worker.tick(0.0)
    pieces = events.read_stream(connection.client(), str(job.id))[before:]
    assert len(pieces) >= 5
    assert text in "".join(piece.text for piece in pieces)


def test_a_lost_doorbell_does_not_block_jobs(rig: Rig) -> None:
    make_job(2, 0)
    rig.doorbell.clear()
    rig.run_until_idle()
    assert Job.objects.get().status == JobStatus.DONE


def test_the_worker_reports_its_state(rig: Rig) -> None:
    make_job(2, 0)
    rig.tick(3)
    (state,) = events.worker_states(connection.client()).values()
    assert (state["slots"], state["slots_used"]) == (2.0, 1.0)
    rig.worker.stop()
    assert events.worker_states(connection.client()) == {}


def test_a_lost_connection_to_the_database_is_replaced(rig: Rig) -> None:
    """As after a restart of PostgreSQL: the connection of the worker is dead."""
    job = make_job(2, 0)
    rig.tick(3)
    db.connection.close()
    rig.tick(3)
    rig.run_until_idle()
    done = Job.objects.get(id=job.id)
    assert (done.status, done.attempt) == (JobStatus.DONE, 1)


def test_a_result_that_the_database_never_takes_becomes_a_failure_with_one_sentence(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise DataError("invalid byte sequence: the words of a patient")

    monkeypatch.setattr(claimed, "finish_job", refuse)
    job = make_job(2, 0)
    rig.run_until_idle()
    failed = Job.objects.get(id=job.id)
    assert (failed.status, failed.error) == (
        JobStatus.FAILED,
        "The guidance could not be stored.",
    )
    assert connection.queue().lease_tokens() == {}
