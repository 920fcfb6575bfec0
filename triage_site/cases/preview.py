"""The provisional priority of a case while it is typed. Nothing is stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import structlog

from triage_site.cases.forms import CaseForm
from triage_site.cases.levels import level_of
from triage_site.cases.panel import level_set_text, news2_absent_reason
from triage_site.cases.reason_words import reasons_shown
from triage_site.classifiers.active import classify
from triage_site.triage import PERSON_REASONS, PHRASE, screen
from triage_site.triage.facts import NOT_TAKEN, CaseFacts, Consciousness
from triage_site.triage.vitals import VITAL_RANGES

log = structlog.get_logger(__name__)

MAX_CHARACTERS = 2000  # of a note: a preview of a longer one costs no more


def preview_context(data: Mapping[str, Any]) -> dict[str, Any]:
    """Classifies the valid fields of the form. Fields that are not valid yet are left out."""
    form = CaseForm(data)
    form.is_valid()
    facts, is_cut = bounded(form.facts_so_far())
    findings = [one for one in form.summary() if one.field != "text"] + form.warnings
    preview = _preview(facts) if _has_content(facts) else None
    return {"preview": preview, "findings": findings, "is_cut": is_cut}


def bounded(facts: CaseFacts) -> tuple[CaseFacts, bool]:
    """Returns facts with a note of at most MAX_CHARACTERS, and whether it was longer.

    The begin usually holds the complaint, and the end is what is being typed.
    """
    text = facts.text
    if len(text) <= MAX_CHARACTERS:
        return facts, False
    half = MAX_CHARACTERS // 2
    begin, end = text[:half].rpartition(" ")[0], text[-half:].partition(" ")[2]
    return replace(facts, text=f"{begin}\n{end}"), True


def _has_content(facts: CaseFacts) -> bool:
    if facts.text.strip() or facts.consciousness != Consciousness.NOT_TAKEN:
        return True
    return any(getattr(facts, name) != NOT_TAKEN for name in VITAL_RANGES)


def _preview(facts: CaseFacts) -> dict[str, Any]:
    rules_only = False
    try:
        classification = classify(facts)
    except Exception as error:
        log.warning("preview_without_model", error=type(error).__name__)
        rules_only = True
        try:
            classification = screen(facts)
        except Exception as second:
            log.error("preview_failed", error=type(second).__name__)
            return {"failed": True}
    said = classification.to_dict()
    return {
        "level": level_of(classification.priority),
        "level_set": level_set_text(said),
        "needs_person": classification.needs_person,
        "why_person": [PERSON_REASONS[code] for code in classification.person_reasons],
        "news2": classification.news2,
        "news2_absent": news2_absent_reason(facts),
        "flags": _flags(said["reasons"]),
        "rules_only": rules_only,
    }


def _flags(reasons: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The reasons that a person checks while typing, without phrases.

    A rule and a word can have the same text, which is shown once; so is a figure that a rule
    names.
    """
    flags: dict[str, dict[str, Any]] = {}
    for reason in reasons_shown(reasons):
        text = reason["text"]
        is_told = reason["kind"] == "vital" and any(text in flag for flag in flags)
        if reason["kind"] != "model" and reason["code"] != PHRASE and not is_told:
            flags.setdefault(text, reason)
    return list(flags.values())
