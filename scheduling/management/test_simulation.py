"""Tests of the management commands: output, errors and exit codes."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command


def test_simulate_prints_one_json_object() -> None:
    out = StringIO()
    call_command("simulate", "--json", "--user_request_gap", "0.01", stdout=out)
    figures = json.loads(out.getvalue())
    assert figures["finished"] == figures["overall"]["count"] == 48


@pytest.mark.parametrize("command", ["simulate", "compare"])
@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (("--setting", "A5000_7B"), "A5000_7B: .* does not fit"),
        (("--workload", "none.csv"), r"none\.csv: cannot be read"),
        (("--error-rate", "0.2"), "--error: must be length, priority or both"),
    ],
)
def test_a_user_error_gives_exit_code_2_and_the_reason(
    command: str, flags: tuple[str, ...], reason: str
) -> None:
    out = StringIO()
    with pytest.raises(CommandError, match=reason) as refusal:
        call_command(command, *flags, stdout=out)
    assert refusal.value.returncode == 2
    assert out.getvalue() == ""


def test_a_bad_workload_writes_no_trace_file(tmp_path: Path) -> None:
    load = tmp_path / "load.csv"
    load.write_text("arrival,priority,prompt,output\n0,1,5,5\n1,9,5,5\n")
    with pytest.raises(CommandError, match=r"load\.csv: line 3: priority: must be 0 to 4"):
        call_command("simulate", "--workload", str(load), "--trace", str(tmp_path / "trace.csv"))
    assert [path.name for path in tmp_path.iterdir()] == ["load.csv"]


def test_experiments_keep_records_and_write_a_page_of_them(tmp_path: Path) -> None:
    flags = ("published", "--largest-group", "5", "--processes", "1", "--out", str(tmp_path))
    bars = StringIO()
    call_command("experiments", *flags, stderr=bars)
    assert "16/16" in bars.getvalue()
    table = (tmp_path / "published" / "results.csv").read_bytes()
    call_command("experiments", *flags, stderr=bars)
    assert (tmp_path / "published" / "results.csv").read_bytes() == table
    call_command("experiments", "report", "--out", str(tmp_path), stdout=StringIO())
    assert "semantic/A100_4B/gap0.01/max5/batch16" in (tmp_path / "RESULTS.md").read_text()
