"""Comparisons: figures that add up, words that name who gains and pays, choices with reasons."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from math import fsum
from typing import Any

import pytest

from scheduling.comparisons.choices import BadChoice, LoadKind, choices_from
from scheduling.comparisons.compare import Compared, compare
from scheduling.comparisons.figures import triage_effectiveness, wait_seconds
from scheduling.comparisons.series import NUM_BINS, quantiles, timeline
from scheduling.comparisons.verdict import verdict
from scheduling.core.policies import POLICIES
from scheduling.paper.simulate import Simulation, simulate
from scheduling.simulator.hardware import SETTINGS, CannotFit
from scheduling.simulator.outcome import Hold, Outcome
from scheduling.simulator.workload import Work, WorkloadSpec, generate

CROWD = generate(WorkloadSpec(gap_seconds=0.01, max_concurrent=50))
BASE = Simulation(policy="semantic", model=SETTINGS["A100_4B"], record_holds=True)
DEADLINES = BASE.deadlines_seconds


def clock() -> Callable[[], float]:
    ticks = count()
    return lambda: float(next(ticks))


@pytest.fixture(scope="module")
def crowd() -> Compared:
    return compare(CROWD, list(POLICIES), BASE, clock())


def outcome(priority: int, sent: float, started: float, finished: float) -> Outcome:
    response, ttft = finished - sent, started - sent
    return Outcome("x", priority, 5, sent, started, finished, response, ttft)


def test_the_share_before_the_deadline_is_counted_anew_from_the_run(crowd: Compared) -> None:
    run = simulate(BASE, CROWD)
    sent = {work.id: work.sent_seconds for work in CROWD}
    for level in range(5):
        own = [o for o in run.outcomes if o.priority == level]
        late = [o for o in own if o.started_seconds - sent[o.id] > DEADLINES[level]]
        expected = 1 - len(late) / len(own)
        found = crowd.policies["semantic"]["by_priority"][str(level)]["before_deadline"]
        assert found == pytest.approx(expected, abs=1e-6)


def test_triage_effectiveness_by_hand() -> None:
    outcomes = [outcome(0, 0, 1, 3), outcome(1, 0, 3, 4), outcome(4, 0, 8, 9)]
    assert [wait_seconds(o) for o in outcomes] == [1, 3, 8]
    assert triage_effectiveness(outcomes) == pytest.approx(1 - 2 / 4)
    assert triage_effectiveness([outcome(4, 0, 8, 9)]) is None
    assert triage_effectiveness([]) is None


def test_the_time_critical_gain_where_urgency_counts(crowd: Compared) -> None:
    effect = {name: one["triage_effectiveness"] for name, one in crowd.policies.items()}
    assert effect["semantic"] > 0.5 > effect["fcfs"]
    assert abs(effect["fcfs"]) < 0.2


@pytest.mark.parametrize("policy", POLICIES)
def test_the_timeline_keeps_all_slot_seconds_and_never_exceeds_the_slots(policy: str) -> None:
    run = simulate(Simulation(policy=policy, model=BASE.model, record_holds=True), CROWD)
    found = timeline(run.holds, run.makespan_seconds)
    assert all(len(level) == NUM_BINS for level in found["slots"])
    held = fsum(hold.end_seconds - hold.start_seconds for hold in run.holds)
    drawn = fsum(value for level in found["slots"] for value in level) * found["bin_seconds"]
    assert drawn == pytest.approx(held, rel=1e-3)
    for parts in zip(*found["slots"], strict=True):
        assert sum(parts) <= BASE.model.num_slots + 0.01


def test_every_request_holds_a_slot_from_its_start_to_its_end() -> None:
    run = simulate(BASE, CROWD)
    for level in range(5):
        own = [o for o in run.outcomes if o.priority == level]
        holds = [h for h in run.holds if h.priority == level]
        assert min(h.start_seconds for h in holds) == min(o.started_seconds for o in own)
        assert max(h.end_seconds for h in holds) == max(o.finished_seconds for o in own)
        assert len(holds) >= len(own)
    assert len(run.holds) == run.num_requests + run.preemptions


def test_a_timeline_of_nothing_is_flat() -> None:
    assert timeline([], 0.0)["bin_seconds"] == 0
    assert timeline([Hold(1, 0.0, 60.0)], 120.0)["slots"][1] == [1.0] * 60 + [0.0] * 60


def test_quantiles_ascend_from_the_least_to_the_greatest() -> None:
    assert quantiles([]) == []
    found = quantiles(range(101))
    assert (found[0], found[25], found[-1]) == (0, 50, 100)
    assert found == sorted(found)


def test_progress_rises_to_one_and_what_it_raises_stops_the_comparison() -> None:
    works = generate(WorkloadSpec(gap_seconds=0.5, max_concurrent=50, num_groups=100))
    seen: list[float] = []
    compare(works, ["semantic", "fcfs"], BASE, clock(), seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    assert len(seen) > 6
    assert any(2 / 3 < share < 1 for share in seen)  # while the bounds are computed

    def stop(share: float) -> None:
        if share > 0.1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compare(works, ["semantic", "fcfs"], BASE, clock(), stop)


def test_a_comparison_without_fcfs_has_no_ratio_to_it() -> None:
    found = compare(CROWD, ["semantic", "sjf"], BASE, clock())
    assert "ratio_to_fcfs" not in found.policies["semantic"]
    assert found.policies["sjf"]["ratio_to_bound"]["overall"] >= 1


def test_what_does_not_fit_says_why() -> None:
    (work,) = CROWD[:1]
    large = Work(
        **{
            name: getattr(work, name)
            for name in Work.__dataclass_fields__
            if name != "prompt_tokens"
        },
        prompt_tokens=90_000,
    )
    with pytest.raises(CannotFit, match="90000"):
        compare([large], ["fcfs"], BASE, clock())


def test_the_verdict_names_who_gains_pays_and_how_far_the_bound_is(crowd: Compared) -> None:
    found = verdict(crowd.policies, crowd.limits.overall)
    text = " ".join(found.sentences)
    assert "Semantic" in found.sentences[0]
    assert "under First come" in found.sentences[0]
    assert "pay" in text
    assert "above what no order can beat" in text
    assert {one.policy for one in found.policies} == set(POLICIES)


def line(mean: float, longest: float) -> dict[str, Any]:
    return {"count": 10, "mean": mean, "max": longest}


def figures(**levels: tuple[float, float]) -> dict[str, Any]:
    by_priority = {str(n): line(*levels.get(f"p{n}", (10.0, 20.0))) for n in range(5)}
    mean = sum(one["mean"] for one in by_priority.values()) / 5
    return {"by_priority": by_priority, "overall": line(mean, 99.0), "num_requests": 10}


def test_starvation_is_named_and_the_best_policy_without_it() -> None:
    found = verdict(
        {
            "semantic": figures(p0=(1, 2), p1=(1, 2), p4=(40, 90)),
            "semantic_due": figures(p0=(2, 4), p1=(2, 4), p4=(15, 30)),
            "fcfs": figures(),
        },
        5.0,
    )
    text = " ".join(found.sentences)
    assert "Level 4 starves under Semantic." in text
    assert "no level starves is Semantic with deadlines: 2.0 s" in text


def test_where_the_order_does_not_matter_it_says_so() -> None:
    found = verdict({"semantic": figures(), "fcfs": figures()}, 5.0)
    assert "hardly matters" in found.sentences[0]
    one_at_a_time = figures(p0=(18, 19), p1=(18, 19), p4=(22, 40))
    found = verdict({"semantic": figures(), "fcfs": figures(), "serial": one_at_a_time}, 5.0)
    assert "Semantic and First come are alike here" in found.sentences[0]
    assert found.sentences[1].startswith("One at a time: ")
    assert "soonest" not in " ".join(found.sentences)
    assert verdict({}, 0.0).sentences == ("The load holds no request.",)


def asked(**fields: Any) -> dict[str, Any]:
    return {"load": {"kind": "synthetic"}, **fields}


def test_choices_have_the_defaults_of_the_command() -> None:
    found = choices_from(asked())
    assert found.policies == tuple(POLICIES)
    assert (found.setting, found.seed, found.slots) == ("A100_4B", 0, None)
    assert found.workload_spec() == WorkloadSpec()


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({}, "load"),
        ({"load": {"kind": "tea"}}, "load.kind"),
        ({"load": {"kind": "synthetic", "user_request_gap": "soon"}}, "user_request_gap"),
        ({"load": {"kind": "synthetic", "user_request_gap": -1}}, "user_request_gap"),
        ({"load": {"kind": "synthetic", "gap_num": 1.5}}, "gap_num"),
        (
            {"load": {"kind": "synthetic", "gap_num": 9999, "max_concurrent_user_requests": 99}},
            "gap",
        ),
        ({"load": {"kind": "synthetic", "name": "x"}}, "name"),
        ({"load": {"kind": "fixture"}}, "name"),
        ({"load": {"kind": "file", "upload": "1", "priorities": "odd"}}, "priorities"),
        ({"load": {"kind": "recorded", "since": "x", "until": "y"}}, "since"),
        ({"load": {"kind": "recorded", "since": "2026-03-01T08:00:00"}}, "since"),
        ({"load": {"kind": "recorded", "since": "0001-01-01T00:00:00+14:00"}}, "since"),
        (
            {
                "load": {
                    "kind": "recorded",
                    "since": "2026-03-01T08:00:00Z",
                    "until": "2026-03-01T08:00:00Z",
                }
            },
            "until",
        ),
        (asked(policies=[]), "policies"),
        (asked(policies=["lifo"]), "policies"),
        (asked(policies="fcfs"), "policies"),
        (asked(setting="A5000_7B"), "setting"),
        (asked(setting="H100"), "setting"),
        (asked(slots=0), "slots"),
        (asked(error="all"), "error"),
        (asked(error_rate=2), "error_rate"),
        (asked(preemption="maybe"), "preemption"),
        (asked(seed=True), "seed"),
        (asked(colour="red"), "colour"),
    ],
)
def test_a_bad_choice_names_its_field(data: dict[str, Any], field: str) -> None:
    with pytest.raises(BadChoice) as refusal:
        choices_from(data)
    assert refusal.value.field.startswith(field)
    assert refusal.value.reason


def test_each_kind_of_load_is_read() -> None:
    recorded = {"since": "2026-03-01T08:00:00Z", "until": "2026-03-01T09:00:00+00:00"}
    found = [
        choices_from({"load": {"kind": "synthetic", "user_request_gap": 0.01}}).load,
        choices_from({"load": {"kind": "fixture", "name": "city_day"}}).load,
        choices_from({"load": {"kind": "recorded", **recorded}}).load,
        choices_from({"load": {"kind": "file", "upload": "u", "priorities": "ems"}}).load,
    ]
    assert [load.kind for load in found] == list(LoadKind)
