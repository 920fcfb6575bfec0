"""Writes the guidance that the embedded model learns: the form of `sbar_form`, filled in.

All numbers come from the brief. The length depends on the case: short for a repeat
prescription, long for a resuscitation with a full set of vital signs.
"""

from __future__ import annotations

from collections.abc import Iterator

from llm_worker.engine.local.sbar_form import Fixed, Piece, sbar_form
from llm_worker.training.guidance_cases import TrainingCase
from triage_site.triage.brief import build_brief


def write_guidance(case: TrainingCase) -> tuple[str, str]:
    """Returns the brief of a case and its guidance."""
    brief = brief_of(case)
    return brief, fill(sbar_form(brief))


def brief_of(case: TrainingCase) -> str:
    """The brief of a case, as the model gets it."""
    return build_brief(
        case.facts,
        priority=case.priority,
        danger_signs=case.danger_signs,
        complaint=case.complaint.label if case.complaint and case.group_in_brief else None,
    )


def fill(form: tuple[Piece, ...]) -> str:
    """The text of a form with the first actions of its choices, in their order."""
    return "".join(_texts(form))


def _texts(form: tuple[Piece, ...]) -> Iterator[str]:
    chosen: list[str] = []
    for piece in form:
        if isinstance(piece, Fixed):
            yield piece.text
        else:
            chosen.append(next(line for line in piece.choices if line not in chosen))
            yield f" {chosen[-1]}."
