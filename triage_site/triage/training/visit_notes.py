"""Notes that people wrote, each with the arrival and the vital signs of a patient of the study.

The complaints of the study are a few plain words ("abd pain"), so that from the study alone the
part of visits learns little of what words can tell. These notes teach it that. The encoder saw
none of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import cycle

import numpy as np

from triage_site.triage.classify import look
from triage_site.triage.facts import CaseFacts
from triage_site.triage.training.classifier_fit import Rows, rows_of
from triage_site.triage.training.classifier_text import Judged, read_calibration

_YOUNGEST = 16  # years: the study has adults only
_SEED = 0


def as_visits(study: Rows) -> Rows:
    """Each note of an adult with the measurements of a random patient of the study who has its
    level. All notes of an author lie in one fold, with patients of that fold alone, so that
    neither author nor patient is on both sides of a split."""
    rng = np.random.default_rng(_SEED)
    folds = cycle(np.unique(study.fold).tolist())
    found: list[tuple[CaseFacts, int, int]] = []
    for (_, notes), fold in zip(sorted(read_calibration().items()), folds, strict=False):
        for note in _of_adults(notes):
            alike = np.flatnonzero((study.fold == fold) & (study.priority == note.priority))
            patient = study.seen[int(rng.choice(alike))].entered
            found.append((_measured_as(note.facts, patient), note.priority, fold))
    return rows_of(
        [look(facts) for facts, _, _ in found],
        [priority for _, priority, _ in found],
        [fold for _, _, fold in found],
    )


def _of_adults(notes: Sequence[Judged]) -> list[Judged]:
    ages = [(note, note.facts.age_years) for note in notes]
    return [note for note, age in ages if age is None or age >= _YOUNGEST]


def _measured_as(note: CaseFacts, patient: CaseFacts) -> CaseFacts:
    age = patient.age_years if note.age_years is None else note.age_years
    return replace(patient, text=note.text, sex=note.sex, age_years=age)
