"""The audit log in plain words: what each address shows and does, and each kind of record.

Records keep short names, so that words may become better. A test goes through all addresses of the
site and all kinds that it can write.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Words:
    """`shows` follows "viewed"; `did` says what somebody did who sent it, "" where nobody can."""

    shows: str
    did: str = ""


# By the name of the address.
ADDRESSES: Final[Mapping[str, Words]] = MappingProxyType(
    {
        # Cases
        "board": Words("the board"),
        "board_fragment": Words("the board"),
        "wall": Words("the wall display", "opened the wall display"),
        "wall_rows": Words("the wall display"),
        "end_wall": Words("the wall display", "ended the wall display"),
        "preview": Words("the provisional level of a new case", "asked for a provisional level"),
        "stay": Words("whether the session goes on", "stayed signed in"),
        "find": Words("the search for cases", "searched for cases"),
        "new_case": Words("the form for a new case", "entered a case"),
        "case": Words("the case page"),
        "panel": Words("the side panel of the case"),
        "facts": Words("the facts of the case"),
        "guidance": Words("the guidance of the case"),
        "print": Words("the print of the case"),
        "live_case": Words("live updates of the case"),
        "live": Words("live updates of a page"),
        "override": Words("the form to change the level", "changed the level"),
        "seen": Words("the form to see the patient", "marked the patient as being seen"),
        "close": Words("the form to close the case", "closed the case"),
        "reopen": Words("the form to reopen the case", "reopened the case"),
        "vitals": Words("the form for vital signs", "entered vital signs"),
        "note": Words("the form for a note", "added a note"),
        "proposal": Words(
            "the proposal of a lower level", "answered the proposal of a lower level"
        ),
        "move": Words("the form to move the case in the queue", "moved the case in the queue"),
        "transfer": Words("the form to change the department", "changed the department"),
        "order": Words("why the case stands where it stands"),
        "retry": Words("the form to ask for guidance again", "asked for guidance again"),
        "break_glass": Words(
            "the form to open a case of another department", "opened a case of another department"
        ),
        # Accounts
        "account": Words("the account page"),
        "password": Words("the form to change the password", "changed the password"),
        "second_factor": Words("the form for an authenticator app", "set up an authenticator app"),
        "remove_factor": Words(
            "the form to remove the authenticator app", "removed the authenticator app"
        ),
        "recovery_codes": Words("the form for recovery codes", "made recovery codes"),
        "acknowledge_notices": Words(
            "the notices about the account", "answered the notices about the account"
        ),
        "not_me": Words(
            "the form that says a change was not theirs", "said that a change was not theirs"
        ),
        "end_session": Words("the form to end a session", "ended a session"),
        "make_token": Words("the form for an API token", "made an API token"),
        "revoke_token": Words("the form to revoke an API token", "revoked an API token"),
        "login": Words("the sign-in page", "signed in"),
        "logout": Words("the sign-out page", "signed out"),
        # The console
        "ops": Words("the operations page", "switched the policy"),
        "ops_preview": Words("the preview of a policy switch"),
        "switch_undo": Words("the form to undo a policy switch", "undid a policy switch"),
        "ops_state": Words("the operations page"),
        "ops_queue": Words("the queue page", "paused or resumed guidance"),
        "ops_queue_state": Words("the queue page"),
        "ops_series": Words("the charts of the operations page"),
        "replays": Words("the replays page", "started a replay"),
        "replays_state": Words("the replays page"),
        "replay_stop": Words("the form to stop a replay", "stopped a replay"),
        "replay_remove": Words(
            "the form to remove the cases of a replay", "removed the cases of a replay"
        ),
        "comparisons": Words("the comparisons page", "started a comparison or sent a file"),
        "comparison": Words("a comparison"),
        "comparison_progress": Words("the progress of a comparison"),
        "comparison_cancel": Words("the form to cancel a comparison", "cancelled a comparison"),
        "comparison_results_csv": Words("the results of a comparison (CSV)"),
        "comparison_results_json": Words("the results of a comparison (JSON)"),
        "comparison_load_csv": Words("the load of a comparison (CSV)"),
        "remove_upload": Words("the form to remove an uploaded file", "removed an uploaded file"),
        "ops_openings": Words("the openings of cases of other departments"),
        "opening_alerts": Words("the alerts about opened cases"),
        "acknowledge_opening": Words(
            "the alert about an opened case", "acknowledged the alert about an opened case"
        ),
        "review_opening": Words("the form to review an opening", "reviewed an opening"),
        "audit": Words("the audit log"),
        "audit_csv": Words("the audit log (CSV)"),
        "ops_monitoring": Words("the classifier page"),
        "ops_signs": Words("the danger signs page"),
        "ops_promote": Words("the form to promote a classifier", "promoted a classifier"),
        "ops_undo": Words("the form to undo a promotion", "undid a promotion"),
        # The API
        "api:submit": Words("the entry of a case", "entered a case"),
        "api:list_cases": Words("the list of cases"),
        "api:read": Words("the case"),
        "api:fhir": Words("the case as FHIR"),
        "api:seen": Words("the mark that the patient is being seen", "marked the patient as seen"),
        "api:close": Words("the closing of the case", "closed the case"),
        "api:reopen": Words("the reopening of the case", "reopened the case"),
        "api:vitals": Words("the entry of vital signs", "entered vital signs"),
        "api:note": Words("the entry of a note", "added a note"),
        "api:override": Words("the change of the level", "changed the level"),
        "api:proposal": Words(
            "the proposal of a lower level", "answered the proposal of a lower level"
        ),
        # Until comparisons got names of their own, of guidance or of a comparison.
        "api:cancel": Words("the cancelling", "cancelled"),
        "api:transfer": Words("the change of the department", "changed the department"),
        "api:queue": Words("the queue"),
        "api:policy": Words("the active policy"),
        "api:switch": Words("the switch of the policy", "switched the policy"),
        "api:create": Words("the start of a comparison", "started a comparison"),
        "api:read_comparison": Words("a comparison"),
        "api:load": Words("the load of a comparison"),
        "api:cancel_comparison": Words("the cancelling of a comparison", "cancelled a comparison"),
        "api:upload": Words("the upload of a file", "uploaded a file"),
        "api:remove_upload": Words("the removal of a file", "removed an uploaded file"),
        "api:move": Words("the move of the case in the queue", "moved the case in the queue"),
        "api:moves": Words("the moves of the case in the queue"),
        "api:admission": Words("whether guidance is paused"),
        "api:change_admission": Words("the pause of guidance", "paused or resumed guidance"),
        "api:break_glass": Words(
            "the opening of a case of another department", "opened a case of another department"
        ),
        "api:api-root": Words("the address of the API"),
        "api:openapi-json": Words("the description of the API"),
        "api:openapi-view": Words("the description of the API"),
        # For monitors
        "ready": Words("the state of the site"),
        "metrics": Words("the metrics"),
        "security_txt": Words("the contact for security"),
    }
)

# How it was asked for, by the name in the record.
WAYS: Final[Mapping[str, str]] = MappingProxyType(
    {"page": "page", "fragment": "part of a page", "stream": "live updates", "api": "API"}
)

# By table and kind; other kinds have good words of their own (the label of the choice).
_KINDS: Final[Mapping[tuple[str, str], str]] = MappingProxyType(
    {
        ("scheduling.QueueMove", "queued"): "queued for guidance",
        ("scheduling.QueueMove", "started"): "guidance started",
        ("scheduling.QueueMove", "returned"): "given back to the queue",
        ("scheduling.QueueMove", "rewritten"): "facts changed, guidance starts again",
        ("scheduling.QueueMove", "moved"): "moved in the queue by a person",
        ("scheduling.QueueMove", "promoted"): "deadline for guidance passed",
        ("scheduling.QueueMove", "switched"): "place changed by a policy switch",
        ("scheduling.QueueMove", "ended"): "guidance ended",
        ("scheduling.QueueMove", "cancelled"): "guidance cancelled",
        ("cases.ReplayEvent", "started"): "replay started",
        ("cases.ReplayEvent", "stopped"): "replay stopped",
        ("cases.ReplayEvent", "ended"): "replay ended",
        ("cases.ReplayEvent", "removed"): "cases of a replay removed",
    }
)

# Tables whose rows are all of one kind.
TABLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "scheduling.PolicyChange": "policy switched",
        "classifiers.ClassifierChange": "classifier changed",
        "cases.Opening": "case of another department opened",
    }
)

# What a record of the retention speaks of, beside names of tables.
_REMOVED: Final[Mapping[str, str]] = MappingProxyType(
    {"retention": "by the rules of the site", "damage": "the audit was damaged before"}
)
_TABLES_OF_RECORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "audit_auditrecord": "records of the audit",
        "audit_auditseal": "seals of the audit",
        "cases_caseevent": "histories of cases",
        "cases_casenote": "notes of cases",
        "cases_vitalset": "vital signs of cases",
        "cases_opening": "openings of cases",
        "cases_openingnote": "answers to openings of cases",
        "cases_replayevent": "histories of replays",
        "classifiers_classifierchange": "changes of the classifier",
        "classifiers_shadowanswer": "answers of the shadow classifier",
        "scheduling_admissionchange": "pauses of guidance",
        "scheduling_policychange": "switches of the policy",
        "scheduling_queuemove": "moves in the queue",
        "scheduling_switchoutcome": "outcomes of policy switches",
    }
)


def viewed(name: str) -> str:
    """Returns what an address shows; a name of another release as it is."""
    return ADDRESSES[name].shows if name in ADDRESSES else name


def acted(name: str) -> str:
    if name not in ADDRESSES:
        return f"acted: {name}" if name else "acted"
    return ADDRESSES[name].did or f"used {ADDRESSES[name].shows}"


def removed(what: str) -> str:
    return _REMOVED.get(what) or _TABLES_OF_RECORDS.get(what, what)


# Kinds of records and views that speak of an address.
_OF_ADDRESS: Final[Mapping[str, Callable[[str], str]]] = MappingProxyType(
    {
        "viewed": lambda name: f"viewed {viewed(name)}",
        "acted": acted,
        "refused": lambda name: f"access refused: {viewed(name)}",
        "retention": lambda what: f"old records removed: {removed(what)}",
    }
)


def what_words(table: str, kind: str, label: str, what: str) -> str:
    """Returns what was done. `label` are the words of the kind, `what` of which address or
    account change a record speaks."""
    if kind in _OF_ADDRESS and table in ("audit.AuditRecord", "cases.CaseEvent"):
        return _OF_ADDRESS[kind](what)
    words = _KINDS.get((table, kind), label)
    return f"{words}: {what}" if what else words


def through(data: Mapping[str, Any]) -> str:
    """Returns how it was asked for; empty where the record does not say."""
    via = str(data.get("via", ""))
    return WAYS.get(via, via)
