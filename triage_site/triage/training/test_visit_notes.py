"""Written notes as patients of the study: whose measurements they get, and how much they count."""

from __future__ import annotations

import numpy as np
import pytest

from triage_site.triage.classify import look
from triage_site.triage.facts import ArrivalMode, CaseFacts
from triage_site.triage.model.features import FEATURES
from triage_site.triage.training import visit_notes
from triage_site.triage.training.classifier_fit import NOTE_WEIGHT, Rows, fit_rows, rows_of
from triage_site.triage.training.classifier_text import Judged
from triage_site.triage.training.visit_notes import as_visits

_COMPLAINTS = ("chest pain", "abd pain", "knee pain", "cough", "open wound")


def study() -> Rows:
    """Ten patients in two folds; who is in fold 1 has a heart rate of 100 and more."""
    seen, priority, fold = [], [], []
    for which in (0, 1):
        for level, complaint in enumerate(_COMPLAINTS):
            facts = CaseFacts(
                text=complaint, age_years=50.0, arrival_mode=ArrivalMode.WALKING,
                hr_bpm=60.0 + 40 * which + level, rr_bpm=16.0, sbp_mmhg=120.0, temp_c=36.6,
            )  # fmt: skip
            seen.append(look(facts))
            priority.append(level)
            fold.append(which)
    return rows_of(seen, priority, fold)


@pytest.fixture
def notes(monkeypatch: pytest.MonkeyPatch) -> Rows:
    told = {
        name: [
            Judged(CaseFacts(text=f"{name} {level}", age_years=age), level, (level,))
            for level in range(5)
            for age in (40.0, 6.0, None)
        ]
        for name in ("author a", "author b", "author c")
    }
    monkeypatch.setattr(visit_notes, "read_calibration", lambda: told)
    return as_visits(study())


def test_each_note_of_an_adult_has_the_measurements_of_a_patient_of_its_level(notes: Rows) -> None:
    assert len(notes.seen) == 3 * 5 * 2
    for case, level, fold in zip(notes.seen, notes.priority, notes.fold, strict=True):
        assert case.entered.hr_bpm == 60.0 + 40 * fold + level
        assert case.entered.text.endswith(str(level))
        assert case.entered.arrival_mode is ArrivalMode.WALKING
        assert case.entered.age_years in (40.0, 50.0)
        assert case.view.is_measured


def test_no_author_is_in_two_folds(notes: Rows) -> None:
    authors = [case.entered.text[:8] for case in notes.seen]
    folds = {
        author: {int(fold) for one, fold in zip(authors, notes.fold, strict=True) if one == author}
        for author in authors
    }
    assert all(len(found) == 1 for found in folds.values())
    assert set().union(*folds.values()) == {0, 1}


def test_that_figures_are_usual_is_not_learned_from_visits() -> None:
    rows = study()
    assert any(case.view.numbers["figures_normal"] for case in rows.seen)
    assert not rows.features[:, FEATURES.index("figures_normal")].any()


def test_a_note_counts_less_than_a_row_of_the_study() -> None:
    """Twenty notes that say the contrary of the study do not outweigh it."""
    rows = study()
    many = rows.keep(np.ones(len(rows.seen), dtype=bool))
    for _ in range(3):
        many = Rows(
            [*many.seen, *many.seen],
            np.vstack([many.features, many.features]),
            np.concatenate([many.priority, many.priority]),
            np.concatenate([many.fold, many.fold]),
        )
    contrary = Rows(many.seen[:20], many.features[:20], 4 - many.priority[:20], many.fold[:20])
    assert pytest.approx(0.03) == NOTE_WEIGHT
    scores = fit_rows(many, contrary).scores(rows.features)
    assert scores[0, 1] > scores[4, 1]
