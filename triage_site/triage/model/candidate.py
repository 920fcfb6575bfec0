"""A classifier that lies in a folder: opened, named by its contents, asked like any other.

Its version ends in the first characters of the SHA-256 of its files, so that an answer on
record names the very weights that gave it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final, TypeVar
from zipfile import BadZipFile

from triage_site.triage.classify import classify, classify_many
from triage_site.triage.decision import DEFAULT_COSTS, Costs
from triage_site.triage.facts import CaseFacts
from triage_site.triage.model.digest import digest
from triage_site.triage.model.features import FEATURES
from triage_site.triage.model.scoring import ModelMismatch, load
from triage_site.triage.types import Classification

OUR_CARD: Final = "model.json"
OUR_FILES: Final = (OUR_CARD, "model.npz")
THEIR_CARD: Final = "config.json"  # of transformers
Found = TypeVar("Found")
One = Callable[[CaseFacts], Classification]
Many = Callable[[Sequence[CaseFacts]], list[Classification]]


class CannotOpen(RuntimeError):
    """Why a folder is no classifier, in words for whoever named it."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Rules included. `one` gives all reasons, `many` only those of the rules."""

    version: str
    one: One
    many: Many

    def classify(self, facts: CaseFacts) -> Classification:
        """Raises whatever its model raises."""
        return replace(self.one(facts), model_version=self.version)


def version_of(folder: Path) -> str:
    """The version of the weights in a folder, without loading them. Raises CannotOpen."""
    return _or_say(folder, _read_version)


def open_candidate(folder: Path, costs: Costs = DEFAULT_COSTS) -> Candidate:
    """Loads the weights and all tables that a case needs. Raises CannotOpen."""
    candidate = _candidate(folder, costs)
    try:
        candidate.many([CaseFacts(text="chest pain")])
    except Exception as error:
        raise CannotOpen(f"{folder}: it cannot answer ({type(error).__name__})") from None
    return candidate


def _candidate(folder: Path, costs: Costs) -> Candidate:
    version = version_of(folder)
    if _is_sequence_model(folder):
        # Imported late: it brings torch along.
        from triage_site.triage.model import sequence_model

        sequence = _or_say(folder, sequence_model.load)
        many = partial(sequence_model.classify_many, model=sequence, costs=costs)
        return Candidate(version, lambda facts: many([facts])[0], many)
    # Past the cache of `load`: the files may have changed.
    model = _or_say(folder, load.__wrapped__)
    return Candidate(
        version,
        one=partial(classify, model=model, costs=costs),
        many=partial(classify_many, model=model, costs=costs, explain=False),
    )


def _is_sequence_model(folder: Path) -> bool:
    return (folder / THEIR_CARD).is_file() and not (folder / OUR_CARD).is_file()


def _read_version(folder: Path) -> str:
    if _is_sequence_model(folder):
        weights = sorted(file.name for file in folder.glob("*.safetensors"))
        if not weights:
            raise ValueError("there are no weights (*.safetensors)")
        return f"{folder.resolve().name}+{digest(folder, [THEIR_CARD, *weights])}"
    card = json.loads((folder / OUR_CARD).read_text(encoding="utf-8"))
    if tuple(card["features"]) != FEATURES:
        raise ModelMismatch("trained for other features, run train_classifier again")
    return f"{card['version']}+{digest(folder, OUR_FILES)}"


def _or_say(folder: Path, read: Callable[[Path], Found]) -> Found:
    try:
        return read(folder)
    except FileNotFoundError as error:
        raise CannotOpen(f"{folder}: there is no {Path(error.filename).name}") from None
    except (OSError, ValueError, KeyError, TypeError, BadZipFile, ModelMismatch) as error:
        raise CannotOpen(f"{folder}: {error}") from None
