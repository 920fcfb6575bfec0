"""The worker loop on real Redis and SQL, with the fake engine and a controlled clock."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event as Flag

import pytest
import redis

from llm_worker.engine.fake import FakeEngine
from llm_worker.engine.protocol import EngineJob, TokensOut
from llm_worker.worker.loop import MAX_ENGINE_FAILURES, GuidanceWorker, TooManyEngineFailures
from llm_worker.worker.slots import Options
from scheduling import connection, services
from scheduling.core.policies import Preemption
from scheduling.core.status import JobStatus
from scheduling.models import Job
from scheduling.queue import events
from tests.factories import START, at, make_job, make_user

pytestmark = pytest.mark.django_db(transaction=True)

LEASE_SECONDS = 15.0


class Rig:
    """One worker, its engine and its clock. In a tick of one second each slot writes a word."""

    def __init__(
        self,
        num_slots: int,
        answer_length: Callable[[EngineJob], int],
        kv: tuple[int, int] | None = None,
    ) -> None:
        self.seconds = 100.0
        self.engine = FakeEngine(
            num_slots=num_slots, clock=self.clock, answer_length=answer_length, kv=kv
        )
        self.doorbell = Flag()
        self.worker = GuidanceWorker(
            self.engine,
            name="w1",
            options=Options(
                lease_seconds=LEASE_SECONDS,
                preemption=Preemption.LEVEL,
                max_new_tokens=64,
                model_name="fake",
            ),
            clock=self.clock,
            doorbell=self.doorbell,
        )
        self.worker.start()

    def clock(self) -> float:
        return START.timestamp() + self.seconds

    def tick(self, num: int = 1) -> None:
        for _ in range(num):
            self.seconds += 1.0
            self.worker.tick(0.0)

    def run_until_idle(self) -> None:
        for _ in range(500):
            self.tick()
            if not Job.objects.filter(status__in=["waiting", "running"]).exists():
                return
        pytest.fail("jobs are still open after 500 ticks")


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
    rig.worker._slots.fill()
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


def test_a_failed_request_is_recorded_and_the_others_continue(rig: Rig) -> None:
    bad, good = make_job(2, 0), make_job(2, 1)
    rig.tick(2)
    rig.engine.fail(str(bad.id), "its prompt is odd")
    rig.run_until_idle()
    assert status_of(good) == JobStatus.DONE
    failed = Job.objects.get(id=bad.id)
    assert (failed.status, failed.error) == (JobStatus.FAILED, "its prompt is odd")


def test_after_an_engine_failure_all_jobs_are_done(rig: Rig) -> None:
    for seconds in range(4):
        make_job(2, seconds)
    rig.tick(3)
    rig.engine.fail_engine("out of memory")
    rig.run_until_idle()
    assert set(Job.objects.values_list("status", flat=True)) == {JobStatus.DONE}
    assert sorted(Job.objects.values_list("num_failures", flat=True)) == [0, 0, 1, 1]


def test_repeated_engine_failures_end_the_process(rig: Rig) -> None:
    for _ in range(MAX_ENGINE_FAILURES - 1):
        rig.engine.fail_engine("broken")
        rig.tick(40)
        assert rig.engine.alive()
    rig.engine.fail_engine("broken")
    with pytest.raises(TooManyEngineFailures):
        rig.tick(2)


def test_a_job_that_never_fits_fails_with_the_reason(redis_client: redis.Redis) -> None:
    rig = Rig(num_slots=2, answer_length=lambda job: 10, kv=(10, 8))
    huge, good = make_job(1, 0, prompt="word " * 200), make_job(2, 1)
    rig.run_until_idle()
    assert status_of(good) == JobStatus.DONE
    refused = Job.objects.get(id=huge.id)
    assert refused.status == JobStatus.FAILED
    assert "KV memory" in refused.error


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


def test_a_result_is_kept_during_a_redis_outage(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    job = make_job(2, 0)
    rig.tick(3)
    with monkeypatch.context() as patch:

        def unreachable(*args: object, **kwargs: object) -> None:
            raise redis.ConnectionError

        patch.setattr(events, "append_tokens", unreachable)
        rig.tick(15)
        assert status_of(job) == JobStatus.RUNNING
    rig.tick(2)
    done = Job.objects.get(id=job.id)
    assert done.status == JobStatus.DONE
    streamed = "".join(e.text for e in events.read_stream(connection.client(), str(job.id)))
    assert streamed == done.output


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
