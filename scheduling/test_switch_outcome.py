"""A policy change is judged once every case that its forecast spoke of has started."""

from __future__ import annotations

from typing import Any

import pytest

from scheduling.models import Job, PolicyChange, SwitchOutcome
from scheduling.switch_outcome import judge_switches, quality
from tests.factories import at, make_job

pytestmark = pytest.mark.django_db


def change(seconds: float, **levels: tuple[float, float, float]) -> PolicyChange:
    """`levels` by name such as l2: low end, mean and high end of the expected start."""
    preview: dict[str, Any] = {
        name[1:]: {"waiting": 1, "starts_low": low, "starts_after": mean, "starts_high": high}
        for name, (low, mean, high) in levels.items()
    }
    return PolicyChange.objects.create(
        changed_at=at(seconds), old="fcfs", new="semantic", reason="test", preview=preview
    )


def waits(priority: int, seconds: float) -> Job:
    job = make_job(priority, seconds)
    Job.objects.filter(id=job.id).update(created_at=at(seconds))
    return job


def starts(job: Job, seconds: float) -> None:
    Job.objects.filter(id=job.id).update(started_at=at(seconds), status="running")


def test_the_outcome_stands_beside_the_forecast_once_all_have_started() -> None:
    first, second = waits(2, 0), waits(2, 1)
    change(10, l2=(15, 20, 25))
    starts(first, 20)
    assert judge_switches(at(25)) == 0
    starts(second, 46)
    waits(2, 30)  # came later
    assert judge_switches(at(50)) == 1
    assert judge_switches(at(51)) == 0
    assert SwitchOutcome.objects.get().levels == {
        "2": {"cases": 2, "forecast": 20, "low": 15, "high": 25, "actual": 23}
    }
    found = quality()
    assert found is not None
    assert (found.changes, found.levels, found.within_range) == (1, 1, 1.0)
    assert found.median_error_seconds == 3
    assert found.median_error == pytest.approx(3 / 23, abs=1e-3)


def test_a_change_that_another_one_overtook_is_not_scored() -> None:
    job = waits(3, 0)
    change(10, l3=(1, 2, 3))
    change(12, l3=(100, 200, 300))
    assert judge_switches(at(15)) == 1
    starts(job, 20)
    assert judge_switches(at(30)) == 1
    overtaken, judged = SwitchOutcome.objects.order_by("change_id")
    assert overtaken.levels == {}
    assert judged.levels["3"]["actual"] == 8
    found = quality()
    assert found is not None
    assert (found.changes, found.within_range) == (1, 0.0)


def test_a_cancelled_case_does_not_hold_the_score_up_and_running_ones_do_not_count() -> None:
    running, gone, last = waits(1, 0), waits(2, 1), waits(2, 2)
    starts(running, 3)
    change(10, l1=(1, 2, 3), l2=(1, 2, 3))
    Job.objects.filter(id=gone.id).update(status="cancelled", finished_at=at(11))
    starts(last, 12)
    assert judge_switches(at(20)) == 1
    assert set(SwitchOutcome.objects.get().levels) == {"2"}


def test_without_times_there_is_nothing_to_judge() -> None:
    PolicyChange.objects.create(
        changed_at=at(0), old="a", new="fcfs", reason="x", preview={"1": {"starts_after": None}}
    )
    assert judge_switches(at(100)) == 0
    assert quality() is None
