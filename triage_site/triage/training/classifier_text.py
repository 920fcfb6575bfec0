"""Training text for the triage model, written by program from `classifier_scenarios.toml`. Pure.

Short shorthand is all that the real rows hold; people write whole stories. Each scenario has a
level; the program varies words, sex, age and the sentences around it, all from one seed. The
calls of the fixtures and the vignettes are whole texts, each with the level it should get.
"""

from __future__ import annotations

import csv
import json
import random
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from triage_site.triage.facts import CaseFacts, Sex

_HERE: Final = Path(__file__).resolve().parent
_SCENARIOS: Final = _HERE / "classifier_scenarios.toml"
_CALLS: Final = _HERE.parents[2] / "fixtures" / "calls"
VIGNETTES: Final = _HERE / "vignettes"
_ASIDES: Final = _HERE / "asides.txt"
HELD_BACK: Final = frozenset({"fifth.csv", "sixth.csv", "seventh.csv"})
_CHOICE: Final = re.compile(r"\{([^{}]*)\}")
_SHE: Final = (
    (r"\bHe\b", "She"),
    (r"\bhe\b", "she"),
    (r"\bhis\b", "her"),
    (r"\bHis\b", "Her"),
    (r"\bhim\b", "her"),
)
_MALE_ONLY: Final = re.compile(r"testic")
_MAX_EXTRAS: Final = 3


def training_texts(seed: int, copies: int) -> Iterator[tuple[CaseFacts, int]]:
    """Cases and their priorities, `copies` of each scenario."""
    rng = random.Random(seed)
    tables: dict[str, Any] = tomllib.loads(_SCENARIOS.read_text(encoding="utf-8"))
    for priority in range(5):
        name = f"level{priority + 1}"
        for ages, sentence in tables[name]:
            for _ in range(copies):
                yield _case(sentence, ages, tables["extra"][name], rng), priority


def read_calls() -> list[tuple[CaseFacts, int]]:
    """The calls that the replay command sends, with the priorities they should get."""
    found = []
    for path in sorted(_CALLS.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            call = json.loads(line)
            found.append((CaseFacts.from_dict(call["facts"]), int(call["expected_priority"])))
    return found


def read_vignettes() -> dict[str, list[tuple[CaseFacts, int]]]:
    """All vignettes by the name of their file, but those that are there to judge by."""
    return {
        path.stem: read_vignette_file(path)
        for path in sorted(VIGNETTES.glob("*.csv"))
        if path.name not in HELD_BACK
    }


def read_vignette_file(path: Path) -> list[tuple[CaseFacts, int]]:
    with path.open(newline="", encoding="utf-8") as handle:
        return [(facts_of_row(row), int(row["expert_level"]) - 1) for row in csv.DictReader(handle)]


def facts_of_row(row: Mapping[str, str]) -> CaseFacts:
    return CaseFacts(
        text=row["text"],
        age_years=float(row["age_years"]) if row["age_years"] else None,
        sex=Sex(row.get("sex") or "unknown"),
    )


def read_asides() -> list[CaseFacts]:
    """What people write to a queue or to a machine, not of a patient."""
    return [CaseFacts(text=line) for line in _ASIDES.read_text(encoding="utf-8").splitlines()]


def _case(sentence: str, ages: str, extras: list[str], rng: random.Random) -> CaseFacts:
    low, high = (float(bound) for bound in ages.split("-"))
    core = expand(sentence, rng) + "."
    chosen = rng.sample(extras, rng.randint(0, _MAX_EXTRAS))
    text = " ".join([core, *chosen])
    female = core.startswith("She ") or (rng.random() < 0.5 and not _MALE_ONLY.search(core))
    if female:
        for pattern, word in _SHE:
            text = re.sub(pattern, word, text)
    age = round(rng.uniform(low, high), 2 if high < 3 else 0)
    return CaseFacts(text=text, age_years=age, sex=Sex.FEMALE if female else Sex.MALE)


def expand(text: str, rng: random.Random) -> str:
    """Every `{a|b}` replaced by one of its choices, the inner ones first."""
    while match := _CHOICE.search(text):
        text = text[: match.start()] + rng.choice(match.group(1).split("|")) + text[match.end() :]
    return text
