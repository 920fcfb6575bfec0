import pytest

from scheduling.core.status import MOVES, OPEN, JobStatus, sources_of

ENDED = frozenset(JobStatus) - OPEN


def may_move(old: JobStatus, new: JobStatus) -> bool:
    return new in MOVES[old]


def reachable(start: JobStatus) -> set[JobStatus]:
    seen: set[JobStatus] = set()
    todo = [start]
    while todo:
        for status in MOVES[todo.pop()] - seen:
            seen.add(status)
            todo.append(status)
    return seen


def test_every_status_has_a_row_in_the_table() -> None:
    assert set(MOVES) == set(JobStatus)


@pytest.mark.parametrize("status", JobStatus)
def test_no_status_changes_to_itself(status: JobStatus) -> None:
    assert not may_move(status, status)


@pytest.mark.parametrize("new", JobStatus)
def test_sources_are_the_inverse_of_the_moves(new: JobStatus) -> None:
    assert sources_of(new) == {old for old in JobStatus if may_move(old, new)}


def test_a_waiting_job_can_reach_every_status() -> None:
    assert reachable(JobStatus.WAITING) == set(JobStatus)


@pytest.mark.parametrize("status", [JobStatus.DONE, JobStatus.CANCELLED])
def test_done_and_cancelled_are_final(status: JobStatus) -> None:
    assert not MOVES[status]


def test_only_a_running_job_can_be_done() -> None:
    assert sources_of(JobStatus.DONE) == {JobStatus.RUNNING}


def test_only_a_waiting_job_can_be_claimed() -> None:
    assert sources_of(JobStatus.RUNNING) == {JobStatus.WAITING}


@pytest.mark.parametrize("status", sorted(OPEN))
def test_an_open_job_can_be_cancelled_and_can_fail(status: JobStatus) -> None:
    assert {JobStatus.CANCELLED, JobStatus.FAILED} <= MOVES[status]


@pytest.mark.parametrize("status", sorted(ENDED))
def test_an_ended_job_can_only_return_to_waiting(status: JobStatus) -> None:
    assert MOVES[status] <= {JobStatus.WAITING}
