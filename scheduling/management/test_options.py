"""Tests of the commands without Django: options, JSON keys, traces, experiments, pages."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from scheduling.core.policies import POLICIES
from scheduling.management.options import (
    add_batching_option,
    add_policy_option,
    add_workload_options,
    workload_of,
)
from scheduling.management.simulation import compare_command, simulate_command
from scheduling.paper import experiments
from scheduling.paper.experiment_output import write_outputs
from scheduling.paper.experiments import EXPERIMENTS, points_of, run_experiment
from scheduling.paper.records import TABLE, UNFINISHED, read_points, write_table
from scheduling.paper.results_page import write_results_page

FIXED_KEYS = {
    "by_priority",
    "overall",
    "finished",
    "makespan_seconds",
    "tokens_per_second",
    "effective_batch",
    "kv_utilisation",
    "preemptions",
    "evictions",
    "recomputed_tokens",
    "priority_inversions",
    "wall_seconds",
}
FIXED_FIGURES = {"count", "mean", "p50", "p90", "p95", "p99", "max", "ttft_mean"}


def options(*flags: str) -> dict[str, Any]:
    parser = ArgumentParser()
    add_policy_option(parser)
    add_batching_option(parser)
    add_workload_options(parser)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--trace", type=Path)
    return vars(parser.parse_args(flags))


def clock() -> Any:
    ticks = count()
    return lambda: float(next(ticks))


def simulated(*flags: str) -> dict[str, Any]:
    figures: dict[str, Any] = json.loads(simulate_command(options("--json", *flags), clock()))
    return figures


@pytest.mark.parametrize("policy", POLICIES)
def test_every_policy_gives_one_object_with_fixed_keys(policy: str) -> None:
    figures = simulated("--policy", policy, "--user-request-gap", "0.01")
    assert figures.keys() >= FIXED_KEYS
    assert list(figures["by_priority"]) == ["0", "1", "2", "3", "4"]
    for line in (*figures["by_priority"].values(), figures["overall"]):
        assert line.keys() >= FIXED_FIGURES
    assert figures["finished"] == figures["overall"]["count"] == 48
    assert figures["wall_seconds"] == 1.0


def test_both_spellings_of_an_option_are_equal() -> None:
    dashed = simulated("--max-concurrent-user-requests", "7", "--gap-num", "5", "--batch-size", "3")
    joined = simulated("--max_concurrent_user_requests", "7", "--gap_num", "5", "--batch_size", "3")
    assert dashed == joined


def test_the_batching_option_selects_the_published_rule() -> None:
    flags = ("--user-request-gap", "0.01", "--batching")
    published, ours = simulated(*flags, "published"), simulated(*flags, "ours")
    assert published["by_priority"]["0"]["mean"] == pytest.approx(3.327, abs=1e-3)
    assert ours["makespan_seconds"] < published["makespan_seconds"]


def test_a_policy_without_priorities_has_inversions() -> None:
    long_queue = ("--user-request-gap", "0.01", "--max-concurrent-user-requests", "10")
    assert simulated("--policy", "semantic", *long_queue)["priority_inversions"] == 0
    assert simulated("--policy", "fcfs", *long_queue)["priority_inversions"] > 10


def test_wrong_priorities_cause_inversions() -> None:
    long_queue = ("--user-request-gap", "0.01", "--max-concurrent-user-requests", "10")
    wrong = simulated(*long_queue, "--error", "priority", "--error-rate", "0.8", "--corrected")
    assert wrong["priority_inversions"] > simulated(*long_queue)["priority_inversions"]


def test_a_trace_has_one_line_for_each_request(tmp_path: Path) -> None:
    text = simulate_command(options("--trace", str(tmp_path / "t.csv")), clock())
    assert text.startswith("level")
    lines = (tmp_path / "t.csv").read_text().splitlines()
    assert len(lines) == 49
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


def test_a_bad_workload_writes_no_trace(tmp_path: Path) -> None:
    load = tmp_path / "load.csv"
    load.write_text("arrival,priority,prompt,output\n0,7,1,1\n")
    flags = ("--workload", str(load), "--trace", str(tmp_path / "t.csv"))
    with pytest.raises(ValueError, match="line 2: priority"):
        simulate_command(options(*flags), clock())
    assert not (tmp_path / "t.csv").exists()


def test_a_policy_without_a_published_rule_is_refused() -> None:
    with pytest.raises(ValueError, match="semantic_due"):
        simulated("--policy", "semantic_due", "--batching", "published")


def test_compare_gives_ratios_to_fcfs_and_to_the_bound() -> None:
    found = json.loads(compare_command(options("--json"), clock()))
    assert list(found["policies"]) == list(POLICIES)
    for run in found["policies"].values():
        to_fcfs, to_bound = run["ratio_to_fcfs"], run["ratio_to_bound"]
        assert to_bound["overall"] >= 1
        assert all(ratio >= 1 for ratio in to_bound["up_to_priority"].values())
        assert to_bound["up_to_priority"]["4"] == to_bound["overall"]
        fcfs = found["policies"]["fcfs"]["by_priority"]["0"]["mean"]
        expected = run["by_priority"]["0"]["mean"] / fcfs
        assert to_fcfs["by_priority"]["0"] == pytest.approx(expected, abs=1e-6)
    text = compare_command(options(), clock())
    assert all(text.count(f"\n{policy} ") == 3 for policy in POLICIES)
    assert "level alone" in text


def test_compare_reads_a_file_and_omits_levels_without_requests(tmp_path: Path) -> None:
    load = tmp_path / "load.csv"
    load.write_text("arrival,priority,prompt,output\n0,1,9,9\n0,3,9,9\n")
    text = compare_command(options("--workload", str(load)), clock())
    assert "level 1" in text
    assert "level 2" not in text
    found = json.loads(compare_command(options("--workload", str(load), "--json"), clock()))
    assert found["policies"]["pjf"]["ratio_to_bound"]["up_to_priority"]["2"] is None


def test_error_options_apply_to_the_requests_of_a_file(tmp_path: Path) -> None:
    load = tmp_path / "load.csv"
    rows = "".join(f"0,{n % 5},9,{40 * n + 9}\n" for n in range(10))
    load.write_text("arrival,priority,prompt,output\n" + rows)
    plain = workload_of(options("--workload", str(load)))
    wrong = workload_of(options("--workload", str(load), "--error", "both", "--error-rate", "0.5"))
    pairs = list(zip(plain, wrong, strict=True))
    assert sum(a.predicted_tokens != b.predicted_tokens for a, b in pairs) == 5
    assert any(a.predicted_priority != b.predicted_priority for a, b in pairs)
    with pytest.raises(ValueError, match="--error: must be length, priority or both"):
        workload_of(options("--error-rate", "0.5"))


def test_a_workload_without_requests_is_valid() -> None:
    few = ("--gap-num", "1", "--max-concurrent-user-requests", "1")
    seed = next(s for s in range(9) if not workload_of(options(*few, "--seed", str(s))))
    for batching in ("ours", "published"):
        empty = (*few, "--seed", str(seed), "--batching", batching)
        assert simulated(*empty)["finished"] == 0
        assert "finished 0 of 0" in simulate_command(options(*empty), clock())
        assert "semantic" in compare_command(options(*empty), clock())


def test_a_request_that_can_never_fit_is_refused_by_both_rules(tmp_path: Path) -> None:
    load = tmp_path / "load.csv"
    load.write_text("arrival,priority,prompt,output\n0,1,30000,9000\n")
    for batching in ("ours", "published"):
        with pytest.raises(ValueError, match="request 0: 30000 \\+ 9000 tokens do not fit"):
            simulated("--workload", str(load), "--batching", batching)


def test_an_interrupted_experiment_continues_and_gives_the_same_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = points_of("length-error", largest_group=5)[:6]
    monkeypatch.setattr(experiments, "points_of", lambda *_: few)
    steps: list[tuple[int, int]] = []

    def stop_after_three(done: int, total: int) -> None:
        steps.append((done, total))
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_experiment("length-error", tmp_path, num_processes=1, progress=stop_after_three)
    folder = tmp_path / "length-error"
    with (folder / UNFINISHED).open("a") as lines:
        lines.write('{"key": "half a li')
    assert len(read_points(folder)) == 3
    steps.clear()
    again = run_experiment(
        "length-error", tmp_path, num_processes=1, progress=lambda *step: steps.append(step)
    )
    assert steps[0] == (3, 6)
    expected = run_experiment(
        "length-error", tmp_path / "expected", num_processes=1, progress=lambda *step: None
    )
    assert again == expected
    uninterrupted = tmp_path / "expected" / "length-error"
    assert (folder / TABLE).read_bytes() == (uninterrupted / TABLE).read_bytes()
    assert list(read_points(folder).values()) == again
    assert [path.name for path in folder.iterdir()] == [TABLE]


def test_experiments_cover_all_policies_and_both_rules() -> None:
    for name in EXPERIMENTS:
        points = points_of(name)
        assert len({point.key for point in points}) == len(points)
        assert {point.batching for point in points} == {"ours", "published"}
        if name != "published":
            assert {p.policy for p in points if p.batching == "ours"} == set(POLICIES)


def test_outputs_and_the_page_come_from_the_records(tmp_path: Path) -> None:
    chosen = [
        point
        for point in points_of("length-error", largest_group=20)
        if point.labels["max_concurrent"] == 20
        and point.labels["rate"] in (0.0, 1.0)
        and point.policy in ("semantic", "sjf")
    ]
    points = [experiments.run_point(point) for point in chosen]
    folder = tmp_path / "results" / "length-error"
    folder.mkdir(parents=True)
    write_table(folder, points)
    if write_outputs("length-error", points, folder) is None:
        assert len(list(folder.glob("*.svg"))) == len(list(folder.glob("*.png"))) == 2
    assert len((folder / "results.csv").read_text().splitlines()) == len(points) + 1
    assert json.loads((folder / "results.json").read_text()) == points
    page = write_results_page(tmp_path / "results", tmp_path / "RESULTS.md").read_text()
    assert "semantic, ours" in page
    assert "Not recorded yet: `python manage.py experiments gap`" in page
