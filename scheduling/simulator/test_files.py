"""Tests of workload and settings files: errors give the line, the field and the reason."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from scheduling.simulator.hardware import StepTimeModel, UnknownSetting, published_setting
from scheduling.simulator.measured import MeasuredModel
from scheduling.simulator.settings_file import FORMAT, load_setting, measured_setting
from scheduling.simulator.workload_files import BadWorkload, load_workload

HEAD = "arrival,priority,prompt,output,predicted\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD + "0,1,5,5,5\n1,9,5,5,5\n", "line 3: priority: must be 0 to 4, not 9"),
        (HEAD + "zero,1,5,5,5\n", "line 2: arrival: must be a number, not 'zero'"),
        (HEAD + "-1,1,5,5,5\n", "line 2: arrival: must not be negative"),
        (HEAD + "0,1,5.5,5,5\n", "line 2: prompt: must be a whole number"),
        (HEAD + "0,1,5,0,5\n", "line 2: output: must be 1 to"),
        (HEAD + "0,1,5,5\n", "line 2: row: must have 5 fields"),
        (HEAD + "0,1,,5,5\n", "line 2: prompt: missing"),
        (HEAD + "nan,1,5,5,5\n", "line 2: arrival: must be finite"),
        ("arrival,priority,prompt\n", "line 1: output: missing column"),
        (HEAD, "contains no requests"),
    ],
)
def test_a_bad_csv_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "load.csv"
    path.write_text(text)
    with pytest.raises(BadWorkload) as refusal:
        load_workload(path, 1.0)
    assert message in str(refusal.value)
    assert str(path) in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"arrival": 0}\n', "line 1: priority: missing"),
        ("\n{oops\n", "line 2: record: not JSON"),
        ("[1]\n", "line 1: record: must be a JSON object"),
        (
            '{"id":1,"arrival":0,"priority":1,"prompt":2,"output":3}\n' * 2,
            "line 2: id: 1 occurs twice",
        ),
        ('{"arrival":0,"priority":true,"prompt":2,"output":3}', "line 1: priority: must be a"),
    ],
)
def test_bad_json_lines_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "load.jsonl"
    path.write_text(text)
    with pytest.raises(BadWorkload, match=message):
        load_workload(path, 1.0)


def test_csv_and_json_lines_give_the_same_requests(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(HEAD + "0.5,1,5,6,7\n2,4,8,9,\n")
    (tmp_path / "a.jsonl").write_text(
        '{"arrival":0.5,"priority":1,"prompt":5,"output":6,"predicted":7}\n'
        '{"arrival_seconds":2,"priority":4,"prompt_tokens":8,"output_tokens":9}\n'
    )
    works = load_workload(tmp_path / "a.csv", 1.0)
    assert works == load_workload(tmp_path / "a.jsonl", 1.0)
    assert [work.predicted_tokens for work in works] == [7, 9]
    assert [work.enqueue_seconds for work in works] == [0.0, 0.5]


def test_published_requests_are_read_at_their_gap(tmp_path: Path) -> None:
    entry = {
        "id": 0,
        "group": 2,
        "priority": 4,
        "prompt_tokens": 281,
        "output_tokens": 429,
        "predicted_priority": 3,
        "predicted_tokens": 400.0,
        "arrival_seconds": {"0.01": 0.0215, "1.0": 2.0015},
        "published_enqueue_seconds": {"0.01": 0.0115, "1.0": 1.0015},
    }
    path = tmp_path / "w.json"
    path.write_text(json.dumps({"max5": [entry], "max20": []}))
    (work,) = load_workload(path, 0.01, "max5")
    assert (work.sent_seconds, work.arrival_seconds, work.enqueue_seconds) == (0.02, 0.0215, 0.0115)
    assert (work.priority, work.predicted_priority, work.predicted_tokens) == (4, 3, 400)
    with pytest.raises(BadWorkload, match="arrival_seconds: no times for a gap of"):
        load_workload(path, 0.5, "max5")
    with pytest.raises(BadWorkload, match="max5, max20"):
        load_workload(path, 0.01, "max7")


def test_an_error_gives_the_line_of_the_entry(tmp_path: Path) -> None:
    good = {"arrival": 0, "priority": 1, "prompt": 5, "output": 6}
    path = tmp_path / "w.json"
    path.write_text(json.dumps({"note": ["max5"], "max5": [good, good | {"output": 0}]}, indent=1))
    (line,) = [
        n for n, text in enumerate(path.read_text().splitlines(), 1) if '"output": 0' in text
    ]
    with pytest.raises(BadWorkload, match=f"line {line - 4}, entry 2: output: must be 1 to"):
        load_workload(path, 1.0, "max5")
    path.write_text(json.dumps({"only": [good]}))
    assert len(load_workload(path, 1.0, "max5")) == 1


def test_the_error_for_a_missing_file_gives_its_name(tmp_path: Path) -> None:
    with pytest.raises(BadWorkload, match=r"none\.csv: cannot be read"):
        load_workload(tmp_path / "none.csv", 1.0)


MODEL = StepTimeModel(
    name="bench",
    base_seconds=0.004,
    seconds_per_new_token=0.0004,
    seconds_per_kv_token=2e-6,
    num_slots=8,
    max_step_tokens=256,
    num_kv_blocks=512,
)


def setting_to_json(model: StepTimeModel, measured_on: str) -> str:
    return json.dumps({"format": FORMAT, **asdict(model), "measured_on": measured_on})


def test_a_settings_file_can_be_read_back(tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    path.write_text(setting_to_json(MODEL, "a test"))
    assert load_setting(str(path)) == MODEL


MEASURED = MeasuredModel(
    prefill_base_seconds=0.05,
    prefill_seconds_per_token=1 / 3000,
    step_base_seconds=0.0071,
    step_seconds_per_request=0.1 + 0.2,
    num_slots=8,
)


def test_a_measured_model_can_be_read_back_alone_and_from_an_export(tmp_path: Path) -> None:
    alone, export = tmp_path / "model.json", tmp_path / "results.json"
    alone.write_text(json.dumps(measured_setting(MEASURED)))
    export.write_text(json.dumps({"id": "x", "service_model": measured_setting(MEASURED)}))
    assert load_setting(str(alone)) == load_setting(str(export)) == MEASURED
    broken = measured_setting(MEASURED) | {"step_base_seconds": -1}
    export.write_text(json.dumps({"service_model": broken}))
    with pytest.raises(UnknownSetting, match="service_model: step_base_seconds: must be finite"):
        load_setting(str(export))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"base_seconds": -1}, "base_seconds: must be finite and not negative"),
        ({"base_seconds": "4 ms"}, "base_seconds: must be a number"),
        ({"num_slots": 2.5}, "num_slots: must be a whole number"),
        ({"num_slots": 256}, "max_step_tokens: must exceed num_slots"),
        ({"format": "step-time/2"}, "format: must be 'step-time/1'"),
        ({"base_second": 1}, "base_second: unknown field"),
    ],
)
def test_a_bad_settings_file_is_refused(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    path = tmp_path / "bench.json"
    path.write_text(json.dumps(json.loads(setting_to_json(MODEL, "a test")) | change))
    with pytest.raises(UnknownSetting, match=message):
        load_setting(str(path))


def test_a_setting_that_does_not_fit_is_refused_with_the_reason() -> None:
    with pytest.raises(UnknownSetting, match="does not fit"):
        published_setting("A5000_7B")
    with pytest.raises(UnknownSetting, match="use A100_4B"):
        published_setting("H100")
