"""Writes the guidance that the embedded model learns: the form of `sbar_form`, filled in.

All numbers come from the brief. The length depends on the case: short for a repeat
prescription, long for a resuscitation with a full set of vital signs.
"""

from __future__ import annotations

from collections.abc import Iterator

from llm_worker.engine.local.sbar_form import Action, Causes, Fixed, Piece, sbar_form
from llm_worker.training.guidance_cases import TrainingCase
from llm_worker.training.guidance_complaint import Complaint
from triage_site.triage.brief import build_brief


def write_guidance(case: TrainingCase) -> tuple[str, str]:
    """Returns the brief of a case and its guidance."""
    brief = brief_of(case)
    return brief, fill(sbar_form(brief), case.complaint)


def brief_of(case: TrainingCase) -> str:
    """The brief of a case, as the model gets it."""
    return build_brief(
        case.facts,
        priority=case.priority,
        danger_signs=case.danger_signs,
        complaint=case.complaint.label if case.complaint and case.group_in_brief else None,
    )


def fill(form: tuple[Piece, ...], complaint: Complaint | None) -> str:
    """The text of a form with the causes and actions of a complaint group."""
    return "".join(_texts(form, complaint))


def _texts(form: tuple[Piece, ...], complaint: Complaint | None) -> Iterator[str]:
    actions = iter(complaint.actions if complaint else ())
    for piece in form:
        if isinstance(piece, Fixed):
            yield piece.text
        elif isinstance(piece, Causes) and complaint:
            yield f" {complaint.think}."
        elif isinstance(piece, Action):
            yield f" {next(actions)}."
