"""`.ci/scan.py`: known holes fail, and a database that does not answer is one line, soon."""

from __future__ import annotations

import importlib.util
import json
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
HOLE = {"name": "django", "version": "5.2", "vulns": [{"id": "X-1", "fix_versions": ["5.3"]}]}
SOUND = {"name": "django", "version": "5.2", "vulns": []}
UNKNOWN = {"name": "django", "version": "5.2", "skip_reason": "not found"}


@pytest.fixture
def scan() -> ModuleType:
    spec = importlib.util.spec_from_file_location("scan", ROOT / ".ci" / "scan.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def answers(monkeypatch: pytest.MonkeyPatch, scan: ModuleType, *found: Any) -> None:
    """pip-audit writes these answers, one after the other; an exception is raised."""
    left = list(found)

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        one = left.pop(0)
        if isinstance(one, Exception):
            raise one
        said = one if isinstance(one, str) else json.dumps({"dependencies": one})
        return subprocess.CompletedProcess(command, 0, stdout=said, stderr="")

    monkeypatch.setattr(scan.subprocess, "run", run)


@pytest.mark.parametrize("first", ["", [UNKNOWN], [], subprocess.TimeoutExpired("pip-audit", 5)])
def test_without_an_answer_it_says_so_in_one_line_and_passes(
    scan: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    first: Any,
) -> None:
    answers(monkeypatch, scan, first)
    assert scan.main() == 0
    assert capsys.readouterr().out == f"{scan.NO_ANSWER}\n"


def test_a_known_hole_fails_with_its_name_and_remedy(
    scan: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers(monkeypatch, scan, [SOUND], [SOUND, HOLE])
    assert scan.main() == 1
    assert "django 5.2: X-1, mended in 5.3" in capsys.readouterr().out


def test_packages_without_holes_pass_and_unknown_ones_are_named(
    scan: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers(monkeypatch, scan, [SOUND], [SOUND, {**UNKNOWN, "name": "triage-torch"}])
    assert scan.main() == 0
    assert "2 packages, 0 known holes, 1 not in the database" in capsys.readouterr().out
