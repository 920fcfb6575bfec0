"""A case in few words, for lists: the complaint, and what happened to the patient."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from triage_site.cases.clinical import STATUS_WORDS, ClinicalStatus, Move, target_of
from triage_site.cases.levels import duration_text, moment_text
from triage_site.cases.models import Case
from triage_site.cases.patient import patient_summary
from triage_site.cases.told_facts import measured_told, person_told

COMPLAINT_CHARACTERS: Final = 140
BY_THE_NOTE: Final = "(note)"
_DOUBTED: Final = {"age_years": "age", "sex": "sex"}
TRANSFER: Final = "transfer"
ANONYMISED_FOR_GOOD: Final = "The case was anonymised, so it cannot be reopened."
ANONYMISED: Final = "Anonymised: words, names and figures were removed"


def patient_words(case: Case) -> str:
    """Returns age and sex, marked where the note alone tells one; of an anonymised case the band
    of the age."""
    if case.anonymised_at is None:
        facts = case.case_facts
        told = person_told(facts)
        return patient_summary(told) + (f" {BY_THE_NOTE}" if told != facts else "")
    return f"{case.age_band} y" if case.age_band else "Age unknown"


def patient_doubt(case: Case) -> str:
    """Returns what the note tells of the patient that differs from what was entered, in brackets;
    empty where nothing does."""
    if case.anonymised_at is not None:
        return ""
    contradicted = measured_told(case.case_facts).contradicted
    found = [name for field, name in _DOUBTED.items() if field in contradicted]
    return f" (the note tells another {' and '.join(found)})" if found else ""


def complaint_words(case: Case) -> str:
    """Returns the complaint in one line, or that it was removed."""
    return complaint_text(case.case_facts.text) if case.anonymised_at is None else ANONYMISED


def complaint_text(text: str) -> str:
    """Returns the complaint in one line, cut between words: half a number is another number."""
    words = " ".join(text.split())
    if len(words) <= COMPLAINT_CHARACTERS:
        return words
    whole = words[: COMPLAINT_CHARACTERS + 1].rpartition(" ")[0]
    return (whole or words[:COMPLAINT_CHARACTERS]) + "…"


def care_words(case: Case, now: datetime) -> str:
    """Returns who sees the patient since when, or how the case ended; empty for who waits."""
    if case.is_waiting:
        return ""
    until = case.waited_until or case.arrived_at
    waited = duration_text(max(0.0, (until - case.arrived_at).total_seconds()))
    if not case.is_closed:
        return f"{case.seen_by} since {moment_text(case.seen_at or until, now)}, waited {waited}"
    ended = moment_text(case.closed_at or case.arrived_at, now)
    return f"{case.get_disposition_display()} {ended}, waited {waited}"


def why_not_words(case: Case, act: str) -> str:
    """Returns why `act` cannot be done to the case as it is now; empty where it can. An act is a
    `Move` or another one that a closed case does not take, but a transfer, which every case does.
    """
    if act in list(Move):
        status = ClinicalStatus(case.clinical_status)
        if target_of(Move(act), status) is None:
            return f"The case is {STATUS_WORDS[status].lower()} already."
    elif case.is_closed and act != TRANSFER:
        return "The case is closed."
    return ANONYMISED_FOR_GOOD if act == Move.REOPEN and case.anonymised_at else ""
