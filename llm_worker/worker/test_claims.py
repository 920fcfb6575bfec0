"""The table of a claim's states: total, without dead ends, and right about each refusal."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_worker.worker import claims
from llm_worker.worker.claims import (
    NEXT,
    NEXT_KNOWS_REFUSAL,
    RENEWED,
    STEPS,
    TAKES_SLOT,
    Claim,
    Outcome,
    Reply,
    State,
    Step,
)
from llm_worker.worker.endings import Ending, Progress
from scheduling.core.request import Request
from scheduling.core.status import JobStatus

REQUEST = Request(id="j", arrival_seconds=0.0, priority=2, prompt_tokens=5, predicted_tokens=9)
DONE = Ending(status=JobStatus.DONE, shown="done", reason="eos", text="words", num_tokens=3)


def make_claim(state: State, **values: Any) -> Claim:
    given: dict[str, Any] = {"request": REQUEST, "token": "t", "lease_until": 15.0}
    if state in (State.ENDED, State.SENT, State.STORED, State.CLOSED):
        given |= {"ending": DONE}
    if state in (State.RETURNING, State.RETURNED):
        given |= {"progress": Progress(why="preempted", token_ids=(1, 2), text="a b")}
    return Claim(state=state, attempt=1, stream_epoch=9, **{**given, **values})


def after(claim: Claim, outcome: Outcome, status: JobStatus | None = None, **more: float) -> Claim:
    times = {"now": 1.0, "limit_seconds": 120.0, "sql_ok_at": 0.0, **more}
    now = times.pop("now")
    return claims.after(claim, Reply(outcome=outcome, status=status), now, **times)


def test_every_state_has_one_step_or_none_and_every_outcome_leads_somewhere() -> None:
    assert set(STEPS) == set(State) - {State.IN_ENGINE, State.GONE}
    assert set(NEXT) == set(STEPS)
    for state, to in NEXT.items():
        needed = set(Outcome) - ({Outcome.REFUSED} if state not in NEXT_KNOWS_REFUSAL else set())
        assert set(to) == needed, state
    assert {STEPS[state] for state in STEPS} | {Step.MARK} == set(Step)


@pytest.mark.parametrize("state", sorted(set(STEPS)))
def test_a_store_that_answers_brings_every_claim_to_its_end(state: State) -> None:
    claim = make_claim(state)
    for _ in range(10):
        if claims.due(claim) is None:
            break
        claim = after(claim, Outcome.OK)
    assert claim.state in (State.GONE, State.IN_ENGINE)
    assert claim.unsent == ()


@pytest.mark.parametrize("state", sorted(set(STEPS) - {State.STARTED, State.ENDED}))
def test_a_call_without_answer_is_repeated(state: State) -> None:
    claim = make_claim(state)
    assert claims.due(after(claim, Outcome.AWAY)) is claims.due(claim)


@pytest.mark.parametrize("state", sorted(set(STEPS)))
def test_nothing_is_tried_without_end_where_a_call_can_never_succeed(state: State) -> None:
    claim = make_claim(state)
    for _ in range(6):
        if claims.due(claim) is not None:
            claim = after(claim, Outcome.BROKEN)
    assert claim.state is State.GONE


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (JobStatus.WAITING, State.RETURNED),  # Redis must put it back, too
        (JobStatus.RUNNING, State.GONE),  # somebody else's: not ours to touch
        (JobStatus.CANCELLED, State.CLOSED),  # Redis must forget it
        (JobStatus.FAILED, State.CLOSED),
        (None, State.CLOSED),
    ],
)
@pytest.mark.parametrize("at", [State.LEASED, State.SENT, State.RETURNING])
def test_what_redis_must_still_hear_follows_from_what_sql_says(
    at: State, status: JobStatus | None, state: State
) -> None:
    assert after(make_claim(at), Outcome.REFUSED, status).state is state


def test_a_result_that_was_stored_although_the_call_failed_is_stored() -> None:
    claim = after(make_claim(State.SENT), Outcome.REFUSED, JobStatus.DONE)
    assert claim.state is State.STORED
    assert claim.unsent[-1].status == "done"


def test_a_result_that_sql_alone_refuses_becomes_a_failure_after_the_limit() -> None:
    claim = after(make_claim(State.SENT), Outcome.AWAY, now=10.0)
    assert claim.ending == DONE
    claim = after(claim, Outcome.AWAY, now=131.0, sql_ok_at=130.0)
    assert claim.ending is not None
    assert claim.ending.status is JobStatus.FAILED
    assert claims.due(claim) is Step.STORE


def test_a_result_outlives_any_outage_of_sql() -> None:
    claim = after(make_claim(State.SENT), Outcome.AWAY, now=10.0, sql_ok_at=9.0)
    claim = after(claim, Outcome.AWAY, now=9999.0, sql_ok_at=9.0)
    assert claim.ending == DONE
    assert claims.dropped(claim, 9999.0, limit_seconds=120.0) is claim


def test_progress_that_sql_refuses_is_left_behind_and_the_job_is_not() -> None:
    claim = after(make_claim(State.RETURNING), Outcome.BROKEN)
    assert claim.progress is not None
    assert claim.progress.token_ids is None
    assert claims.due(claim) is Step.GIVE_BACK


@pytest.mark.parametrize("state", sorted(set(State) - RENEWED - {State.GONE}))
def test_a_claim_ends_with_its_lease_unless_that_is_renewed(state: State) -> None:
    claim = make_claim(state)
    end = 135.0 if state is State.STORED else 15.0  # the last words need no lease
    assert claims.dropped(claim, end - 0.1, limit_seconds=120.0) is claim
    assert claims.dropped(claim, end, limit_seconds=120.0).state is State.GONE


def test_only_what_the_engine_has_or_gets_takes_a_slot() -> None:
    taken = {s for s in State if claims.num_slots_taken([make_claim(s)])}
    assert taken == TAKES_SLOT == {State.LEASED, State.STARTED, State.IN_ENGINE}


def test_entries_of_the_stream_never_change_once_they_are_cut() -> None:
    claim = claims.begun(make_claim(State.LEASED), REQUEST, attempt=2, stream_epoch=7)
    claim = claims.with_words(claim, ["a ", "b "], 2)
    first = claim.unsent
    claim = claims.with_words(claim, ["c"], 3)
    assert claim.unsent[:3] == first
    assert [entry.seq for entry in claim.unsent] == [1, 2, 3, 4]


STATUSES = st.none() | st.sampled_from(list(JobStatus))
Event = st.sampled_from(["reply", "ended", "returning", "voided", "words", "time"])


@given(
    st.sampled_from(sorted(State)),
    st.lists(
        st.tuples(
            Event, st.sampled_from(list(Outcome)), st.none() | st.sampled_from(list(JobStatus))
        )
    ),
)
def test_no_history_brings_a_claim_back_to_life_or_renews_what_has_ended(
    start: State, history: list[tuple[str, Outcome, JobStatus | None]]
) -> None:
    claim, now = make_claim(start), 0.0
    order = list(State)
    for what, outcome, status in history:
        old, now = claim.state, now + 3.0
        if what == "reply" and claims.due(claim) is not None:
            claim = after(claim, outcome, status, now=now)
        elif what == "ended":
            claim = claims.ended(claim, DONE)
        elif what == "returning":
            claim = claims.returning(claim, Progress(why="preempted"))
        elif what == "voided":
            claim = claims.voided(claim, status)
        elif what == "words" and claim.state is State.IN_ENGINE:
            claim = claims.with_words(claim, ["x"], 1)
        elif what == "time":
            claim = claims.dropped(claim, now, limit_seconds=120.0)
        assert old is not State.GONE or claim.state is State.GONE
        assert claim.state not in TAKES_SLOT or order.index(claim.state) >= order.index(old)
        assert claim.state is not State.IN_ENGINE or old in (State.IN_ENGINE, State.STARTED)
    assert replace(claim, state=State.GONE).key == ("j", "t")
