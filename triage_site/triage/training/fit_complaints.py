"""Fitting the names of complaints: one logistic regression per name, on vignettes whose authors
named the complaint, and on the texts by which a danger sign shows what it fires on."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from triage_site.triage.classify import look
from triage_site.triage.facts import CaseFacts
from triage_site.triage.model.naming import LEAST_PROBABLE, Names, Told, told
from triage_site.triage.signs.tables import signs
from triage_site.triage.training.classifier_text import VIGNETTES, facts_of_row

STRENGTH: Final = 3.0  # inverse of the penalty
PHRASE_WEIGHT: Final = 0.3  # of what is in every fit: short, where a note has many words
MIN_NOTES: Final = 2  # in which a feature must stand
MIN_OF_NAME: Final = 4  # notes of a name
NO_NAME: Final = ""
PHRASES: Final = Path(__file__).parent / "complaint_phrases.csv"
ALWAYS: Final = "always"  # the source of what is in every fit
LEAST_WEIGHT: Final = 0.02  # smaller ones are left out of the file


@dataclass(frozen=True, slots=True)
class Labelled:
    """A note with its features, the name of its complaint, and others that are not wrong."""

    source: str
    features: tuple[Told, ...]
    label: str
    also: frozenset[str]


def read_labelled() -> list[Labelled]:
    """Vignettes of files with a column `complaint`, short phrases, texts of danger signs."""
    out = []
    for path in sorted(VIGNETTES.glob("*.csv")):
        with path.open(newline="", encoding="utf-8") as handle:
            for row in csv.DictReader(handle):
                if row.get("complaint") is not None:
                    also = frozenset(filter(None, row["also"].split("; ")))
                    out.append(labelled(path.stem, facts_of_row(row), row["complaint"], also))
    with PHRASES.open(newline="", encoding="utf-8") as handle:
        out += [
            labelled(ALWAYS, facts_of_row(row), row["complaint"], frozenset())
            for row in csv.DictReader(handle)
        ]
    out += [
        labelled(ALWAYS, CaseFacts(text=text), sign.complaint, frozenset())
        for sign in signs()
        if sign.complaint
        for text in sign.fires
    ]
    return out


def labelled(source: str, facts: CaseFacts, label: str, also: frozenset[str]) -> Labelled:
    case = look(facts)
    features = told(case.fired, case.view.named, case.facts, case.note)
    return Labelled(source, tuple(features), label, also)


def fit_names(notes: Sequence[Labelled]) -> Names:
    """Names with too few notes are not learned."""
    counts = Counter(note.label for note in notes)
    known = [note for note in notes if counts[note.label] >= MIN_OF_NAME]
    spread = Counter(name for note in known for name in {one.name for one in note.features})
    rows = {
        name: row for row, name in enumerate(sorted(n for n in spread if spread[n] >= MIN_NOTES))
    }
    table = _table([note.features for note in known], rows)
    labels = sorted({note.label for note in known})
    weight = [PHRASE_WEIGHT if note.source == ALWAYS else 1.0 for note in known]
    fitted = [
        LogisticRegression(C=STRENGTH, solver="liblinear").fit(
            table, [note.label == label for note in known], sample_weight=weight
        )
        for label in labels
    ]
    weights = np.stack([one.coef_[0] for one in fitted], axis=1).astype(np.float32)
    intercept = np.array([one.intercept_[0] for one in fitted], dtype=np.float32)
    return Names(tuple(labels), rows, weights, intercept)


def _table(notes: Sequence[Sequence[Told]], rows: dict[str, int]) -> csr_matrix:
    """[notes, features]"""
    cells = {
        (index, rows[one.name]): one.value
        for index, features in enumerate(notes)
        for one in features
        if one.name in rows
    }
    where = np.array([*cells], dtype=np.int64).reshape(-1, 2)
    return csr_matrix(([*cells.values()], where.T), shape=(len(notes), len(rows)))


def save_names(path: Path, names: Names) -> None:
    small = np.abs(names.weights) < LEAST_WEIGHT
    kept = np.where(small, 0, names.weights).astype(np.float16)
    np.savez_compressed(
        path,
        features=np.frombuffer("\n".join(names.rows).encode(), dtype=np.uint8),
        labels=np.frombuffer("\n".join(names.labels).encode(), dtype=np.uint8),
        weights=kept,
        intercept=names.intercept,
    )


def judged(names: Names, notes: Sequence[Labelled]) -> Counter[str]:
    """How many get a `right` name, a `wrong` one, or none (`open`), age and sex aside."""
    out: Counter[str] = Counter()
    for note in notes:
        chances = names.probabilities(note.features)
        best = names.labels[int(chances.argmax())]
        said = best if chances.max() >= LEAST_PROBABLE else NO_NAME
        is_right = said in {note.label, *note.also}
        out["right" if is_right else "wrong" if said else "open"] += 1
    return out


def out_of_file(notes: Sequence[Labelled]) -> dict[str, Counter[str]]:
    """By file, judged by names that were fitted without it."""
    sources = sorted({note.source for note in notes} - {ALWAYS})
    return {
        source: judged(
            fit_names([note for note in notes if note.source != source]),
            [note for note in notes if note.source == source],
        )
        for source in sources
    }


def names_as_text(found: Mapping[str, Counter[str]]) -> str:
    """A line per file: shares of right names, of notes without one, of wrong ones."""
    lines = []
    for source, counts in found.items():
        shares = (
            f"{kind} {counts[kind] / counts.total():.3f}" for kind in ("right", "open", "wrong")
        )
        lines.append(f"names of complaints, {source}: {', '.join(shares)}")
    return "\n".join(lines)
