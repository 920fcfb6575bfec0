"""The worker loop on real Redis and SQL, with the arithmetic engine and a clock of our own."""

from __future__ import annotations

import re
from collections.abc import Callable
from threading import Event as Flag

import pytest
import redis

from llm_worker.engine.fake import FakeEngine
from llm_worker.engine.protocol import EngineJob, TokensOut
from llm_worker.worker.loop import MAX_ENGINE_DEATHS, EngineBeyondRepair, GuidanceWorker
from llm_worker.worker.options import Options
from llm_worker.worker.stores import LiveStores
from scheduling import connection, services
from scheduling.core.policies import Preemption
from scheduling.core.status import JobStatus
from scheduling.models import Job
from scheduling.queue import events
from tests.factories import START, at, make_job, make_user

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("virtual_time")]

LEASE_SECONDS = 15.0


class Bench:
    """One worker, its engine and its time. In a tick, a second, each slot writes a word."""

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
        options = Options(
            lease_seconds=LEASE_SECONDS,
            preemption=Preemption.LEVEL,
            max_new_tokens=64,
            model_name="fake",
        )
        self.worker = GuidanceWorker(
            self.engine,
            LiveStores("w1", options, self.clock),
            options=options,
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

    def until_idle(self) -> None:
        for _ in range(500):
            self.tick()
            if not Job.objects.filter(status__in=["waiting", "running"]).exists():
                return
        pytest.fail("jobs are still open after 500 ticks")


@pytest.fixture
def bench(redis_client: redis.Redis) -> Bench:
    return Bench(num_slots=2, answer_length=lambda job: 10)


def status_of(job: Job) -> str:
    return Job.objects.get(id=job.id).status


def running() -> set[str]:
    return {str(job_id) for job_id in _ids(JobStatus.RUNNING)}


def _ids(status: JobStatus) -> list[object]:
    return list(Job.objects.filter(status=status).values_list("id", flat=True))


def test_every_job_ends_done_in_the_order_of_the_policy(bench: Bench) -> None:
    jobs = [make_job(priority, seconds) for seconds, priority in enumerate((4, 2, 0, 3, 1, 2))]
    bench.until_idle()
    ended = Job.objects.order_by("started_at", "priority")
    assert [job.priority for job in ended] == [0, 1, 2, 2, 3, 4]
    assert {job.status for job in ended} == {JobStatus.DONE}
    assert all(job.output and job.first_token_at and job.attempt == 1 for job in ended)
    assert len(jobs) == 6
    assert connection.queue().held() == {}


def test_an_urgent_case_takes_the_worst_slot_and_nothing_is_written_twice(bench: Bench) -> None:
    alone = make_job(4, 0)
    bench.until_idle()
    undisturbed = Job.objects.get(id=alone.id).output
    mild, milder = make_job(3, 0), make_job(4, 1, prompt=alone.prompt)
    bench.tick(4)
    urgent = make_job(0, 2)
    bench.tick(2)
    assert running() == {str(mild.id), str(urgent.id)}
    waiting = Job.objects.get(id=milder.id)
    assert waiting.status == JobStatus.WAITING
    assert waiting.num_preemptions == 1
    assert waiting.generated_tokens == len(waiting.progress_token_ids) > 0
    bench.until_idle()
    resumed = Job.objects.get(id=milder.id)
    assert resumed.output == undisturbed
    ends = Job.objects.order_by("finished_at").values_list("id", flat=True)
    assert list(ends).index(resumed.id) > list(ends).index(urgent.id)


def test_the_same_level_does_not_take_a_slot(bench: Bench) -> None:
    first, second = make_job(2, 0), make_job(2, 1)
    bench.tick(2)
    make_job(2, 2, predicted_tokens=1)
    bench.tick(2)
    assert running() == {str(first.id), str(second.id)}


def test_a_new_priority_counts_in_the_running_batch(bench: Bench) -> None:
    low, other = make_job(2, 0), make_job(2, 1)
    bench.tick(2)
    services.reprioritise_job(low.id, 4, now=at(103))
    third = make_job(3, 2)
    bench.doorbell.set()
    bench.tick(2)
    assert running() == {str(other.id), str(third.id)}


@pytest.mark.parametrize("ticks", [3, 9])
def test_a_job_claimed_anew_while_it_is_held_is_written_once(bench: Bench, ticks: int) -> None:
    job = make_job(2, 0)
    bench.tick(ticks)
    old = Job.objects.get(id=job.id)
    # Its lease was lost, and somebody put it back.
    assert services.release_job(
        job.id, token=old.claim_token, token_ids=[], text="", now=at(110), why="lease lost"
    )
    assert connection.queue().release(str(job.id), old.claim_token, 0, bench.clock())
    bench.worker._admission.take()
    assert Job.objects.get(id=job.id).claim_token not in ("", old.claim_token)
    bench.until_idle()
    assert status_of(job) == JobStatus.DONE
    assert len(Job.objects.get(id=job.id).output.split()) == 10
    assert connection.queue().held() == {}


def test_a_cancelled_case_leaves_its_slot(bench: Bench) -> None:
    jobs = [make_job(2, seconds) for seconds in range(3)]
    bench.tick(2)
    services.cancel_job(jobs[0].id, now=at(103))
    bench.tick(2)
    assert running() == {str(jobs[1].id), str(jobs[2].id)}
    bench.until_idle()
    assert status_of(jobs[0]) == JobStatus.CANCELLED
    assert Job.objects.get(id=jobs[0].id).output == ""


def test_serial_uses_one_slot_at_once(bench: Bench) -> None:
    for seconds in range(3):
        make_job(2, seconds)
    bench.tick(2)
    assert len(running()) == 2
    services.switch_policy("serial", actor=make_user(), reason="test", now=at(104))
    bench.tick(2)
    assert len(running()) == 1
    bench.until_idle()


def test_leases_outlive_a_long_answer(redis_client: redis.Redis) -> None:
    bench = Bench(num_slots=1, answer_length=lambda job: 60)
    job = make_job(2, 0)
    for _ in range(40):
        bench.tick()
        services.reap_expired(now=at(bench.seconds))
    assert status_of(job) == JobStatus.RUNNING
    bench.until_idle()
    assert Job.objects.get().attempt == 1


def fail_always(bench: Bench, job: Job, num_ticks: int) -> None:
    for _ in range(num_ticks):
        bench.tick()
        if bench.engine.holds(str(job.id)):
            bench.engine.fail(str(job.id), "its prompt is odd")


def test_a_request_that_always_fails_is_reported_and_the_others_go_on(bench: Bench) -> None:
    bad, good = make_job(2, 0), make_job(2, 1)
    fail_always(bench, bad, 40)
    assert status_of(good) == JobStatus.DONE
    failed = Job.objects.get(id=bad.id)
    assert failed.status == JobStatus.FAILED
    assert re.fullmatch(r"its prompt is odd \(attempt [5-9]\)", failed.error)
    assert connection.queue().held() == {}


def test_a_request_that_fails_once_is_written_all_the_same(bench: Bench) -> None:
    job = make_job(2, 0)
    bench.tick(4)
    bench.engine.fail(str(job.id), "a hiccup")
    bench.until_idle()
    done = Job.objects.get(id=job.id)
    assert (done.status, done.num_failures, len(done.output.split())) == (JobStatus.DONE, 1, 10)


def test_an_engine_that_cannot_work_takes_no_case_and_fails_none(bench: Bench) -> None:
    bench.engine.problem = "TRIAGE_REMOTE_MODEL: the server knows no model m; choose another."
    jobs = [make_job(priority, 0) for priority in (0, 2)]
    bench.tick(60)
    assert {status_of(job) for job in jobs} == {JobStatus.WAITING}
    assert events.worker_problems(connection.client()) == {"w1": bench.engine.problem}
    bench.engine.problem = ""
    bench.until_idle()
    assert {status_of(job) for job in jobs} == {JobStatus.DONE}
    bench.tick(2)
    assert events.worker_problems(connection.client()) == {}
    assert all(job.attempt == 1 and job.num_failures == 0 for job in Job.objects.all())


def test_requests_that_fail_because_the_engine_does_are_not_blamed(bench: Bench) -> None:
    jobs = make_job(1, 0), make_job(2, 1)
    bench.tick(4)
    bench.engine.problem = "TRIAGE_REMOTE_URL: the server does not answer; start it."
    for job in jobs:
        bench.engine.fail(str(job.id), "connection refused")
    bench.tick(10)
    assert {status_of(job) for job in jobs} == {JobStatus.WAITING}
    assert all(job.num_failures == 0 and job.progress_text for job in Job.objects.all())
    bench.engine.problem = ""
    bench.until_idle()
    assert {status_of(job) for job in jobs} == {JobStatus.DONE}


def test_after_a_death_of_the_engine_everything_is_written(bench: Bench) -> None:
    for seconds in range(4):
        make_job(2, seconds)
    bench.tick(3)
    bench.engine.die("out of memory")
    bench.until_idle()
    assert set(Job.objects.values_list("status", flat=True)) == {JobStatus.DONE}
    assert sorted(Job.objects.values_list("num_failures", flat=True)) == [0, 0, 1, 1]


def test_an_engine_that_only_dies_ends_the_process(bench: Bench) -> None:
    for _ in range(MAX_ENGINE_DEATHS - 1):
        bench.engine.die("broken")
        bench.tick(40)
        assert bench.engine.alive()
    bench.engine.die("broken")
    with pytest.raises(EngineBeyondRepair):
        bench.tick(2)


def test_a_job_that_can_never_fit_is_refused_with_the_reason(redis_client: redis.Redis) -> None:
    bench = Bench(num_slots=2, answer_length=lambda job: 10, kv=(10, 8))
    huge, good = make_job(1, 0, prompt="word " * 200), make_job(2, 1)
    bench.until_idle()
    assert status_of(good) == JobStatus.DONE
    refused = Job.objects.get(id=huge.id)
    assert refused.status == JobStatus.FAILED
    assert "KV memory" in refused.error


def test_a_warm_stop_puts_jobs_back_with_their_progress(bench: Bench) -> None:
    job = make_job(2, 0)
    bench.tick(5)
    bench.worker.stop()
    back = Job.objects.get(id=job.id)
    assert back.status == JobStatus.WAITING
    assert len(back.progress_token_ids) > 0
    assert [request.id for request in connection.queue().waiting(bench.clock())] == [str(job.id)]


def test_a_warm_stop_stores_what_has_just_ended(bench: Bench) -> None:
    jobs = make_job(2, 0), make_job(4, 1)
    bench.tick(10)
    assert running() == {str(job.id) for job in jobs}
    bench.seconds += 1  # in which the engine writes the last word, and nobody reads it
    bench.worker.stop()
    assert {status_of(job) for job in jobs} == {JobStatus.DONE}
    assert connection.queue().held() == {}


def test_a_result_is_stored_while_the_stream_is_away_and_the_words_follow(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job(2, 0)
    bench.tick(3)
    with monkeypatch.context() as patch:

        def away(*args: object, **kwargs: object) -> None:
            raise redis.ConnectionError

        patch.setattr(events, "write_stream", away)
        bench.tick(12)
        assert status_of(job) == JobStatus.DONE
        assert len(connection.queue().held()) == 1
    bench.tick(2)
    entries = events.read_stream(connection.client(), str(job.id))
    assert "".join(entry.text for entry in entries) == Job.objects.get().output
    assert [entry.status for entry in entries if entry.status] == ["done"]
    assert connection.queue().held() == {}


def test_the_stream_holds_the_answer_in_pieces_and_its_end(bench: Bench) -> None:
    job = make_job(2, 0)
    bench.until_idle()
    entries = events.read_stream(connection.client(), str(job.id))
    assert "".join(entry.text for entry in entries) == Job.objects.get().output
    assert sum(bool(entry.text) for entry in entries) >= 5
    assert entries[-1].status == "done"
    assert {entry.attempt for entry in entries[:-1]} == {1}


@pytest.mark.parametrize(
    ("said", "reason"),
    [(" give 450 mg ", "withheld"), (" give it now" * 20 + " ", "looping")],
)
def test_what_must_not_be_shown_stops_the_answer(bench: Bench, said: str, reason: str) -> None:
    job = make_job(2, 0)
    bench.tick(3)
    bench.engine._unread.append(
        TokensOut(id=str(job.id), text_delta=said, token_ids=(1,), num_generated=4)
    )
    bench.until_idle()
    done = Job.objects.get()
    assert (done.status, done.finish_reason) == (JobStatus.DONE, reason)
    entries = events.read_stream(connection.client(), str(job.id))
    assert "give" not in "".join(entry.text for entry in entries)
    assert entries[-1].status == "withheld"


def test_a_hasty_model_still_streams_in_pieces(bench: Bench) -> None:
    job = make_job(2, 0)
    bench.tick(3)
    before = len(events.read_stream(connection.client(), str(job.id)))
    said = "".join(f"word-{chr(97 + n)}\n or  so " for n in range(16))
    bench.engine._unread.append(
        TokensOut(id=str(job.id), text_delta=said, token_ids=(1,), num_generated=4)
    )
    bench.worker.tick(0.0)
    pieces = events.read_stream(connection.client(), str(job.id))[before:]
    assert len(pieces) >= 5
    assert said in "".join(piece.text for piece in pieces)


def test_a_lost_doorbell_does_no_harm(bench: Bench) -> None:
    make_job(2, 0)
    bench.doorbell.clear()
    bench.until_idle()
    assert Job.objects.get().status == JobStatus.DONE


def test_the_worker_says_how_it_is(bench: Bench) -> None:
    make_job(2, 0)
    bench.tick(3)
    (state,) = events.worker_states(connection.client()).values()
    assert (state["slots"], state["slots_used"]) == (2.0, 1.0)
    bench.worker.stop()
    assert events.worker_states(connection.client()) == {}
