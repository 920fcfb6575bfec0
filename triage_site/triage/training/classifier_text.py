"""The texts that the project wrote, each with the level it should get. Pure but for reading."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from triage_site.triage.facts import CaseFacts, Sex

_HERE: Final = Path(__file__).resolve().parent
_CALLS: Final = _HERE.parents[2] / "fixtures" / "calls"
VIGNETTES: Final = _HERE / "vignettes"
_ASIDES: Final = _HERE / "asides.txt"
_CHECKS: Final = _HERE / "checks"
HELD_BACK: Final = frozenset({"fifth.csv", "sixth.csv", "seventh.csv"})
# The encoder learns from these files of vignettes; on the others, which it never saw, what is made
# of its answers is fitted and calibrated.
OF_ENCODER: Final = frozenset(
    {
        "danger_beside", "idioms", "in_disguise", "no_danger", "others_and_places",
        "past_and_forms", "resources", "short_dangers",
    }
)  # fmt: skip


# With the priority that each should get.
Cases = list[tuple[CaseFacts, int]]


def read_calls() -> Cases:
    """The calls that the replay command sends, with the priorities they should get."""
    found = []
    for path in sorted(_CALLS.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            call = json.loads(line)
            found.append((CaseFacts.from_dict(call["facts"]), int(call["expected_priority"])))
    return found


def read_vignettes() -> dict[str, Cases]:
    """All vignettes by the name of their file, but those that are there to judge by."""
    return {
        path.stem: read_vignette_file(path)
        for path in sorted(VIGNETTES.glob("*.csv"))
        if path.name not in HELD_BACK
    }


def read_vignette_file(path: Path) -> Cases:
    with path.open(newline="", encoding="utf-8") as handle:
        return [(facts_of_row(row), int(row["expert_level"]) - 1) for row in csv.DictReader(handle)]


@dataclass(frozen=True, slots=True)
class Judged:
    """A note with its priority and all that its author accepts."""

    facts: CaseFacts
    priority: int
    accepted: tuple[int, ...]


def read_calibration() -> dict[str, list[Judged]]:
    """By the name of their file, notes of authors from whom nothing else is learned."""
    return {
        path.stem: [
            Judged(
                facts_of_row(row), row["level"] - 1, tuple(level - 1 for level in row["acceptable"])
            )
            for row in map(json.loads, path.read_text(encoding="utf-8").splitlines())
        ]
        for path in sorted(_CHECKS.glob("calibration_*.jsonl"))
    }


def facts_of_row(row: Mapping[str, Any]) -> CaseFacts:
    age = row["age_years"]
    return CaseFacts(
        text=row["text"],
        age_years=None if age in ("", None) else float(age),
        sex=Sex(row.get("sex") or "unknown"),
    )


def read_asides() -> list[CaseFacts]:
    """What people write to a queue or to a machine, not of a patient."""
    return [CaseFacts(text=line) for line in _ASIDES.read_text(encoding="utf-8").splitlines()]
