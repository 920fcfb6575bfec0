"""The student keeps the teacher's order and our law."""

from __future__ import annotations

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from triage_site.triage.model.features import BLOCKS, DIRECTIONS, FEATURES
from triage_site.triage.training import distil


def _rows(number: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    rows = rng.random((number, len(FEATURES))) * (rng.random((number, len(FEATURES))) < 0.2)
    worst = rows[:, FEATURES.index("heart_fast")] + rows[:, FEATURES.index("net_1")]
    return rows, np.clip(3 - np.round(3 * worst + rng.normal(0, 0.3, number)), 0, 4).astype(int)


def test_mixtures_take_whole_blocks_of_other_rows() -> None:
    rows, _ = _rows(40)
    mixed = distil.mixtures(rows, np.random.default_rng(0))
    assert mixed.shape == (40 * distil.NUM_MIXTURES, len(FEATURES))
    columns = [FEATURES.index(name) for name in BLOCKS["complaints"]]
    known = {row.tobytes() for row in rows[:, columns]}
    assert all(row.tobytes() in known for row in mixed[:, columns])
    assert (mixed[:40] != rows).any()


def test_a_student_answers_like_its_teacher_and_is_monotone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(distil, "NUM_MIXTURES", 4)
    rows, priority = _rows(160)
    with threadpool_limits(1):  # many tests at a time on few cores
        student = distil.fit_student(rows, priority)
    said = np.stack([one.predict(rows) for one in student], axis=1)
    taught = distil.teacher_scores(distil.fit_teacher(rows, priority), rows)
    assert np.corrcoef(said[:, 1], taught[:, 1])[0, 1] > 0.9
    for name in ("heart_fast", "net_1", "no_complaint_known"):
        more = rows.copy()
        more[:, FEATURES.index(name)] += DIRECTIONS[name] * 0.5
        higher = np.stack([one.predict(more) for one in student], axis=1)
        assert (higher >= said - 1e-9).all()
