"""All writes of the clinical app. Every change of a case is also a row of its history."""

from triage_site.cases.services.care import cancel_case, close_case, reopen_case, see_patient
from triage_site.cases.services.departments import transfer_case
from triage_site.cases.services.guidance import follow_jobs, refresh_guidance, retry_case
from triage_site.cases.services.intake import (
    CLASSIFY_TASK,
    LAST_IN_TURN,
    SAFE_PRIORITY,
    ask_classifier,
    begin_classification,
    classified_data,
    classify_without_model,
    kept_of,
    record_classification,
    rescue_unclassified,
    submit_case,
)
from triage_site.cases.services.levels import (
    LEVEL_CHANGED,
    decide_proposal,
    move_in_queue,
    override_priority,
)
from triage_site.cases.services.openings import (
    acknowledge_opening,
    open_with_reason,
    review_opening,
)
from triage_site.cases.services.queue_moves import move_case
from triage_site.cases.services.reassess import add_note, record_vitals
from triage_site.cases.services.records import Conflict, change, changes_since, locked, record
from triage_site.cases.services.replays import (
    MAX_SPEED,
    MIN_SPEED,
    beat_replay,
    end_replay,
    remove_replay,
    send_call,
    start_replay,
    stop_replay,
    worsen_call,
)

__all__ = [
    "CLASSIFY_TASK",
    "LAST_IN_TURN",
    "LEVEL_CHANGED",
    "MAX_SPEED",
    "MIN_SPEED",
    "SAFE_PRIORITY",
    "Conflict",
    "acknowledge_opening",
    "add_note",
    "ask_classifier",
    "beat_replay",
    "begin_classification",
    "cancel_case",
    "change",
    "changes_since",
    "classified_data",
    "classify_without_model",
    "close_case",
    "decide_proposal",
    "end_replay",
    "follow_jobs",
    "kept_of",
    "locked",
    "move_case",
    "move_in_queue",
    "open_with_reason",
    "override_priority",
    "record",
    "record_classification",
    "record_vitals",
    "refresh_guidance",
    "remove_replay",
    "reopen_case",
    "rescue_unclassified",
    "retry_case",
    "review_opening",
    "see_patient",
    "send_call",
    "start_replay",
    "stop_replay",
    "submit_case",
    "transfer_case",
    "worsen_call",
]
