"""The texts of training cases: complaint groups and other lists of words."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
GROUP_FILES = ("complaints_medical.toml", "complaints_general.toml", "complaints_injury.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """A complaint group: what people say, possible causes, and first actions.

    `nouns` follow "has": *crushing chest pain*. `clauses` and `details` have placeholders for
    the patient, listed at the top of the files. `terse` is shorthand of nurses and ambulance
    crews. `utterances` are whole sentences, in which `{a|b}` is a choice. `rule_labels` are
    labels of danger signs in the rules of the classifier. `actions` are in order of importance
    and have no numbers. `priorities` are usual for the group. `ages` are in years.
    """

    label: str
    nouns: tuple[str, ...]
    clauses: tuple[str, ...]
    terse: tuple[str, ...]
    details: tuple[str, ...]
    think: str
    actions: tuple[str, ...]
    priorities: tuple[int, ...]
    danger: tuple[str, ...] = ()
    sex: str = ""  # "female", "male", or empty for both
    ages: tuple[float, ...] = (2.0, 98.0)
    injury: bool = False
    utterances: tuple[str, ...] = ()
    rule_labels: tuple[str, ...] = ()


@cache
def complaints() -> tuple[Complaint, ...]:
    """All groups. Raises TypeError for a wrong field, FileNotFoundError for a missing file."""
    rows: list[dict[str, Any]] = []
    for name in GROUP_FILES:
        rows += tomllib.loads((FOLDER / name).read_text(encoding="utf-8"))["complaint"]
    spoken, choices = _spoken(), _choices()
    for row in rows:
        row["utterances"] = spoken["said"].get(row["label"], []) + choices.get(row["label"], [])
        row["rule_labels"] = spoken["rule_labels"].get(row["label"], [])
    return tuple(Complaint(**{key: _frozen(value) for key, value in row.items()}) for row in rows)


@cache
def word_lists() -> Mapping[str, tuple[str, ...]]:
    """Lists of words by name: greetings, histories, frames, complaints outside all groups."""
    text = (FOLDER / "guidance_words.toml").read_text(encoding="utf-8")
    table = {key: tuple(value) for key, value in tomllib.loads(text).items()}
    return table | {"unknown_said": tuple(_spoken()["unknown"]["sentences"])}


@cache
def vocabulary() -> tuple[str, ...]:
    """All words of the complaint groups, without duplicates, sorted."""
    texts = (text for complaint in complaints() for text in _texts_of(complaint))
    found = re.findall(r"\b[A-Za-z]{2,}\b", " ".join(texts))
    return tuple(sorted(set(found)))


def learned_lines() -> str:
    """The lines for each complaint, as the JSON of `sbar_lines`: those that the model learns to
    write, and those of `lines_only.toml`, among which it chooses as well."""
    lines = {each.label: {"causes": each.think, "actions": each.actions} for each in complaints()}
    lines |= tomllib.loads((FOLDER / "lines_only.toml").read_text(encoding="utf-8"))
    return json.dumps(lines, indent=1, ensure_ascii=False) + "\n"


def _texts_of(complaint: Complaint) -> tuple[str, ...]:
    return complaint.nouns + complaint.terse + complaint.utterances + complaint.actions


def _choices() -> dict[str, list[str]]:
    text = (FOLDER / "spoken_choices.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)["said"]


def _spoken() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads((FOLDER / "spoken.toml").read_text(encoding="utf-8"))


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
