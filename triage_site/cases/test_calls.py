"""The reader of call files: typed calls, or an error with line, field and reason."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from triage_site.cases.calls import CallsFileError, Escalation, load_calls
from triage_site.triage.facts import UNMEASURABLE, ArrivalMode, CaseFacts


def a_call(**changes: Any) -> dict[str, Any]:
    call: dict[str, Any] = {
        "id": "evening-001",
        "offset_seconds": 12.5,
        "call_type": "FALL VICTIM",
        "facts": {
            "text": "slipped on the stairs",
            "age_years": 70,
            "sex": "female",
            "arrival_mode": "ambulance",
            "spo2_percent": "unmeasurable",
            "hr_bpm": 88,
        },
        "expected_priority": 2,
        "why": "An older person with a painful hip.",
        "escalation": {"after_seconds": 900, "priority": 1, "why": "New confusion."},
    }
    return copy.deepcopy(call) | changes


def write(folder: Path, *lines: Any) -> Path:
    path = folder / "calls.jsonl"
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("\n".join(texts) + "\n", encoding="utf-8")
    return path


def refusal(path: Path) -> CallsFileError:
    with pytest.raises(CallsFileError) as caught:
        load_calls(path)
    return caught.value


def test_a_good_line_becomes_a_typed_call(tmp_path: Path) -> None:
    (call,) = load_calls(write(tmp_path, a_call()))
    assert (call.id, call.offset_seconds, call.call_type) == ("evening-001", 12.5, "FALL VICTIM")
    assert isinstance(call.facts, CaseFacts)
    assert call.facts.arrival_mode is ArrivalMode.AMBULANCE
    assert call.facts.spo2_percent is UNMEASURABLE
    assert call.expected_priority == 2
    assert call.escalation == Escalation(after_seconds=900, priority=1, why="New confusion.")


def test_a_call_without_escalation_has_none(tmp_path: Path) -> None:
    data = a_call()
    del data["escalation"]
    assert load_calls(write(tmp_path, data))[0].escalation is None


def test_order_is_kept_and_blank_lines_are_skipped(tmp_path: Path) -> None:
    path = write(tmp_path, a_call(), "", a_call(id="evening-002"), "  ")
    assert [call.id for call in load_calls(path)] == ["evening-001", "evening-002"]


def test_a_line_separator_inside_the_text_does_not_end_the_line(tmp_path: Path) -> None:
    data = a_call()
    data["facts"]["text"] = "first\u2028second"
    path = write(tmp_path, json.dumps(data, ensure_ascii=False))
    assert load_calls(path)[0].facts.text == "first\u2028second"


def changed(*keys: str, to: Any) -> dict[str, Any]:
    data = a_call()
    inner = data
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = to
    return data


BAD = [
    ("{", "line", "is not JSON"),
    ("[" * 100_000, "line", "nested too deeply"),
    ("[1, 2]", "line", "must be a JSON object"),
    (changed("id", to=" "), "id", "not empty"),
    (changed("id", to=7), "id", "must be text"),
    (changed("offset_seconds", to="soon"), "offset_seconds", "number of seconds"),
    (changed("offset_seconds", to=-1), "offset_seconds", "not negative"),
    (changed("offset_seconds", to=float("nan")), "offset_seconds", "finite"),
    (changed("offset_seconds", to=10**400), "offset_seconds", "too large"),
    (changed("offset_seconds", to=True), "offset_seconds", "number of seconds"),
    (changed("expected_priority", to=5), "expected_priority", "0 to 4"),
    (changed("expected_priority", to=1.0), "expected_priority", "whole number"),
    (changed("expected_priority", to=True), "expected_priority", "whole number"),
    (changed("surprise", to=1), "surprise", "unknown field"),
    (changed("facts", to="text"), "facts", "must be an object"),
    (changed("facts", "text", to=None), "facts.text", "required"),
    (changed("facts", "text", to="  "), "facts.text", "in a few words"),
    (changed("facts", "sex", to="f"), "facts.sex", "must be one of"),
    (changed("facts", "hr_bpm", to="fast"), "facts.hr_bpm", "must be a number"),
    (changed("facts", "hr_bpm", to=900), "facts.hr_bpm", "0 to 350"),
    (changed("facts", "pulse", to=80), "facts.pulse", "unknown field"),
    (changed("escalation", to=[]), "escalation", "must be an object"),
    (changed("escalation", "priority", to=2), "escalation.priority", "more urgent"),
    (changed("escalation", "after_seconds", to="later"), "escalation.after_seconds", "number"),
    (changed("escalation", to={"priority": 1}), "escalation.after_seconds", "is missing"),
]


@pytest.mark.parametrize(("line", "field", "reason"), BAD, ids=[f"{b[1]}-{b[2]}" for b in BAD])
def test_an_error_names_line_field_and_reason(
    tmp_path: Path, line: Any, field: str, reason: str
) -> None:
    path = write(tmp_path, a_call(id="evening-000", offset_seconds=0), "", line)
    error = refusal(path)
    assert (error.line, error.field) == (3, field)
    assert reason in error.reason
    assert str(error) == f"{path}, line 3: {field}: {error.reason}"


@pytest.mark.parametrize("name", [name for name in a_call() if name != "escalation"])
def test_every_field_except_the_escalation_is_required(tmp_path: Path, name: str) -> None:
    data = a_call()
    del data[name]
    error = refusal(write(tmp_path, data))
    assert (error.line, error.field, error.reason) == (1, name, "is missing")


def test_calls_out_of_order_are_refused(tmp_path: Path) -> None:
    error = refusal(write(tmp_path, a_call(), a_call(id="evening-002", offset_seconds=3)))
    assert (error.line, error.field) == (2, "offset_seconds")


def test_an_id_must_be_unique(tmp_path: Path) -> None:
    error = refusal(write(tmp_path, a_call(), a_call()))
    assert (error.line, error.field) == (2, "id")
    assert "line 1" in error.reason


def test_a_missing_empty_or_binary_file_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "nowhere.jsonl").line is None
    assert refusal(write(tmp_path, "")).reason == "holds no call"
    binary = tmp_path / "binary.jsonl"
    binary.write_bytes(b"\xff\xfe\x00")
    assert refusal(binary).reason == "not UTF-8 text"
