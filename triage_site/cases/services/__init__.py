"""All writes of the clinical app. Every change of a case is also a row of its history."""

from triage_site.cases.services.care import cancel_case, close_case, reopen_case, see_patient
from triage_site.cases.services.guidance import follow_jobs, retry_case, submit_guidance
from triage_site.cases.services.intake import (
    CLASSIFY_TASK,
    SAFE_PRIORITY,
    ask_classifier,
    begin_classification,
    classified_data,
    classify_without_model,
    record_classification,
    rescue_unclassified,
    submit_case,
)
from triage_site.cases.services.levels import decide_proposal, override_priority
from triage_site.cases.services.reassess import add_note, record_vitals
from triage_site.cases.services.records import Conflict, changes_since, record

__all__ = [
    "CLASSIFY_TASK",
    "SAFE_PRIORITY",
    "Conflict",
    "add_note",
    "ask_classifier",
    "begin_classification",
    "cancel_case",
    "changes_since",
    "classified_data",
    "classify_without_model",
    "close_case",
    "decide_proposal",
    "follow_jobs",
    "override_priority",
    "record",
    "record_classification",
    "record_vitals",
    "reopen_case",
    "rescue_unclassified",
    "retry_case",
    "see_patient",
    "submit_case",
    "submit_guidance",
]
