"""The words that training cases are made from: complaint groups and what surrounds them."""

from __future__ import annotations

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
    """What people say, what staff should think of, and what staff should do first.

    `nouns` follow "has": *crushing chest pain*. `clauses` and `details` hold places for the
    person, as the files' heads list them. `terse` is shorthand of nurses and crews, `said`
    whole utterances, in which `{a|b}` is a choice. `rule_labels` are danger signs as the
    safety net's rules name them. `actions` are ordered, most important first, without any
    number. `priorities` are those that such cases usually get; `ages` in years.
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
    sex: str = ""  # "female", "male" or either
    ages: tuple[float, ...] = (2.0, 98.0)
    injury: bool = False
    said: tuple[str, ...] = ()
    rule_labels: tuple[str, ...] = ()


@cache
def complaints() -> tuple[Complaint, ...]:
    """All groups. Raises TypeError or FileNotFoundError where a file is not as expected."""
    rows: list[dict[str, Any]] = []
    for name in GROUP_FILES:
        rows += tomllib.loads((FOLDER / name).read_text(encoding="utf-8"))["complaint"]
    spoken, choices = _spoken(), _choices()
    for row in rows:
        row["said"] = spoken["said"].get(row["label"], []) + choices.get(row["label"], [])
        row["rule_labels"] = spoken["rule_labels"].get(row["label"], [])
    return tuple(Complaint(**{key: _frozen(value) for key, value in row.items()}) for row in rows)


@cache
def words() -> Mapping[str, tuple[str, ...]]:
    """Greetings, histories, frames, complaints outside every group, and so on, by name."""
    text = (FOLDER / "guidance_words.toml").read_text(encoding="utf-8")
    table = {key: tuple(value) for key, value in tomllib.loads(text).items()}
    return table | {"unknown_said": tuple(_spoken()["unknown"]["sentences"])}


@cache
def vocabulary() -> tuple[str, ...]:
    """Every word that calls are made from, each once, in order."""
    texts = (text for complaint in complaints() for text in _texts_of(complaint))
    found = re.findall(r"\b[A-Za-z]{2,}\b", " ".join(texts))
    return tuple(sorted(set(found)))


def _texts_of(complaint: Complaint) -> tuple[str, ...]:
    return complaint.nouns + complaint.terse + complaint.said + complaint.actions


def _choices() -> dict[str, list[str]]:
    text = (FOLDER / "spoken_choices.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)["said"]


def _spoken() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads((FOLDER / "spoken.toml").read_text(encoding="utf-8"))


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
