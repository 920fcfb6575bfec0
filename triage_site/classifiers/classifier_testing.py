"""Test helpers: a second classifier, and cases with stored answers."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from triage_site.triage import Classification
from triage_site.triage.model.scoring import WEIGHTS_DIR

CLASSIFICATION = Classification(
    priority=2,
    model_priority=2,
    probabilities=(0.0, 0.1, 0.7, 0.1, 0.1),
    confidence=0.7,
    level_set=(2,),
    needs_person=False,
    reasons=(),
    danger_signs=(),
    rules_version="r",
    model_version="m",
    news2=None,
)


def classification(priority: int, **values: Any) -> Classification:
    return replace(CLASSIFICATION, priority=priority, model_priority=priority, **values)


def other_weights(folder: Path, version: str = "other-1") -> Path:
    """Copies the shipped weights to `folder` under another version."""
    shutil.copytree(WEIGHTS_DIR, folder, dirs_exist_ok=True)
    card = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps({**card, "version": version}))
    return folder


def record_shadow(case_id: Any, version: str, priority: int, now: datetime, **values: Any) -> None:
    from triage_site.classifiers import services

    arguments: dict[str, Any] = {
        "version": version,
        "classification": classification(priority),
        "failure": "",
        "seconds": 0.01,
        "active_version": "m",
        "active_priority": 2,
        "now": now,
    }
    services.record_shadow_answer(case_id, **{**arguments, **values})
