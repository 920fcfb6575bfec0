"""What the encoder says of the notes it learns from, by trainings that saw none of their file.

Whoever fits a model on the shipped encoder's own answers for these notes would trust it too much.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from triage_site.triage.facts import CaseFacts
from triage_site.triage.model.encoder import NUM_BOUNDARIES, Encoded, words_to_read
from triage_site.triage.reading.note import Note

FILE: Final = Path(__file__).parent / "held_out.npz"
NUM_FOLDS: Final = 3
IN_EVERY_FIT: Final = -1
OF_SIGNS: Final = "signs"
_DIGITS: Final = 16


def fold_of(source: str) -> int:
    """Of a file of notes. What has no file, or is of the danger signs, is in every fit."""
    if source in ("", OF_SIGNS):
        return IN_EVERY_FIT
    return int(hashlib.sha256(source.encode()).hexdigest(), 16) % NUM_FOLDS


class HeldOut:
    """Log odds of levels [4] and of each read word, by note."""

    def __init__(self, told: Mapping[str, NDArray[Any]] | None = None) -> None:
        self._told = dict(told or {})

    def add(self, key: str, at_most: NDArray[Any], now: NDArray[Any]) -> None:
        self._told[_digits(key)] = np.concatenate([at_most, now]).astype(np.float32)

    def of(self, facts: CaseFacts, note: Note) -> Encoded | None:
        told = self._told.get(_digits(key_of(facts)))
        if told is None:
            return None
        words = words_to_read(note)
        kept = [at for at, word in enumerate(words) if word]
        if len(told) != NUM_BOUNDARIES + len(kept):
            return None  # the words are read in another way now
        now = np.full(len(words), np.nan)
        now[kept] = told[NUM_BOUNDARIES:]
        return Encoded(told[:NUM_BOUNDARIES].astype(np.float64), now)

    def save(self, file: Path, *, keep: bool = False) -> None:
        """With `keep`, what the file has of other notes stays."""
        told = {**(HeldOut.load(file)._told if keep and file.exists() else {}), **self._told}
        lengths = np.array([len(values) for values in told.values()])
        np.savez_compressed(
            file,
            keys=np.array(list(told)),
            lengths=lengths,
            values=np.concatenate(list(told.values())).astype(np.float16),
        )

    @classmethod
    def load(cls, file: Path = FILE) -> HeldOut:
        with np.load(file, allow_pickle=False) as arrays:
            parts = np.split(arrays["values"].astype(np.float32), np.cumsum(arrays["lengths"])[:-1])
            return cls(dict(zip(arrays["keys"].tolist(), parts, strict=True)))


def key_of(facts: CaseFacts) -> str:
    return f"{facts.age_years}|{facts.text}"


def _digits(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:_DIGITS]
