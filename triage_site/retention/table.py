"""What happens to each table when its records are old. A model or field that can hold words and
is not named here fails a test.

`Fate.CASES`: rows of old closed cases are removed, or lose the fields in `cleared`.
`Fate.AUDIT`: the same to rows that are older than the audit is kept.
`Fate.EXPIRED`: rows that have no use any more are removed. `Fate.KEPT`: rows stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from typing import Any, Final

from triage_site.cases.models import CaseEvent, OverrideReason
from triage_site.ops.models import UNUSED_UPLOAD
from triage_site.retention.age import age_band

New = Callable[[Any], Any]  # from a row to the new value of one of its fields


class Fate(Enum):
    CASES = "old cases"
    AUDIT = "old audit"
    EXPIRED = "expired"
    KEPT = "kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """`kept` says of each other field that can hold words why it may stay.

    `lookup` finds rows of cases: with the field of `Case` named by `of`. `time` is the field that
    says how old a row is, and `unused` how long ago that must be for an expired one. Where nothing
    is `cleared`, whole rows are removed.
    """

    fate: Fate
    cleared: Mapping[str, New] = field(default_factory=dict)
    kept: Mapping[str, str] = field(default_factory=dict)
    lookup: str = ""
    of: str = "number"
    time: str = ""
    unused: timedelta = timedelta(days=1)

    @property
    def named(self) -> set[str]:
        return {*self.cleared, *self.kept}


# What an event of a history keeps: numbers, and words of this program. All other keys go.
EVENT_KEYS: Final = frozenset(
    {
        *("from", "to", "priority", "confidence", "rules_version", "model_version", "version"),
        *("late", "job", "by", "was", "why", "policy", "attempt", "waited_seconds", "disposition"),
        *("steps", "asked", "what", "via", "guidance_shown", "opening"),
    }
)
_CLASSIFICATION_KEYS: Final = frozenset(
    {
        *("priority", "model_priority", "confidence", "level_set", "needs_person"),
        *("rules_version", "model_version"),
    }
)


def event_data(event: Any) -> dict[str, Any]:
    """Returns the data of an event without what people typed and without findings."""
    is_code = event.kind == CaseEvent.Kind.OVERRIDDEN and (
        event.data.get("reason") in OverrideReason.values
    )
    keys = EVENT_KEYS | {"reason"} if is_code else EVENT_KEYS
    return {key: value for key, value in event.data.items() if key in keys}


def _classification(case: Any) -> dict[str, Any]:
    return {k: v for k, v in case.classification.items() if k in _CLASSIFICATION_KEYS}


def _age_band(case: Any) -> str:
    return age_band({**case.facts, **case.changed_facts}.get("age_years"))


def _to(value: Any) -> New:
    return lambda row: value


def _kept(why: str, *names: str) -> dict[str, str]:
    return dict.fromkeys(names, why)


_CODE, _STAFF = "a code or word of this program", "of an account, not of a patient"
_FIGURES, _FIXTURE = "figures", "of a fixture of this project"
_SITE = "about the site, not about a case"
_WHOLE = "goes with its row"


def _whole(fate: Fate, *names: str, **values: Any) -> Table:
    """A table whose rows are removed."""
    return Table(fate=fate, kept=_kept(_WHOLE, *names), **values)


TABLES: Final[Mapping[str, Table]] = {
    # The rows of old cases: those that are removed first, the case itself last.
    "cases.CaseNote": _whole(Fate.CASES, "text", lookup="case__in"),
    "cases.VitalSet": _whole(Fate.CASES, "readings", lookup="case__in"),
    "cases.OpeningNote": Table(
        fate=Fate.CASES,
        lookup="opening__case__in",
        cleared={"text": _to("")},
        kept=_kept(_CODE, "kind"),
    ),
    "cases.Opening": Table(fate=Fate.CASES, lookup="case__in", cleared={"reason": _to("")}),
    "classifiers.ShadowAnswer": _whole(
        *(Fate.CASES, "version", "failure", "level_set", "active_version"),
        lookup="case_id__in",
        of="id",
    ),
    "cases.CaseEvent": Table(
        fate=Fate.CASES,
        lookup="case__in",
        cleared={"data": event_data},
        kept=_kept(_CODE, "kind"),
    ),
    "scheduling.Job": Table(
        fate=Fate.CASES,
        lookup="case_id__in",
        of="id",
        cleared={
            **dict.fromkeys(("prompt", "progress_text", "output", "error"), _to("")),
            "progress_token_ids": _to([]),
        },
        kept={
            **_kept(_CODE, "status", "finish_reason", "worker", "claim_token", "model_name"),
            **_kept(_STAFF, "manual_by"),
        },
    ),
    "cases.Case": Table(
        fate=Fate.CASES,
        lookup="number__in",
        cleared={
            "age_band": _age_band,
            **dict.fromkeys(("label", "search_label", "search_text"), _to("")),
            "facts": _to({"text": ""}),
            "changed_facts": _to({}),
            "submission_key": lambda case: f"anonymised-{case.id}",
            "classification": _classification,
            "guidance": _to(""),
        },
        kept=_kept(
            *(_CODE, "status", "clinical_status", "disposition", "person_reasons"),
            "guidance_model",
        ),
    ),
    # Numbers about jobs, from which the order of a past moment follows.
    "scheduling.QueueMove": Table(
        fate=Fate.KEPT,
        kept={
            **_kept(_CODE, "kind", "policy", "status", "why"),
            **_kept(_FIGURES, "factors", "key", "ahead", "first_ahead"),
        },
    ),
    "scheduling.Forecast": Table(fate=Fate.KEPT, kept=_kept(_CODE, "policy")),
    "scheduling.LevelMinute": Table(fate=Fate.KEPT, kept=_kept(_FIGURES, "waits")),
    "scheduling.WorkerMinute": Table(fate=Fate.KEPT, kept=_kept(_CODE, "worker")),
    # The audit. Its own rows and seals have steps of their own (audit.py).
    "audit.AuditRecord": _whole(Fate.AUDIT, "kind", "what", "data", time="at"),
    "audit.AuditSeal": _whole(
        Fate.AUDIT, "table", "columns", "rows", "previous", "digest", time="at"
    ),
    "scheduling.PolicyChange": Table(
        fate=Fate.AUDIT,
        time="changed_at",
        cleared={"reason": _to("")},
        kept={**_kept(_CODE, "old", "new"), **_kept(_FIGURES, "preview")},
    ),
    "scheduling.AdmissionChange": Table(
        fate=Fate.AUDIT, time="changed_at", cleared={"reason": _to("")}
    ),
    "classifiers.ClassifierChange": Table(
        fate=Fate.AUDIT,
        time="changed_at",
        cleared={"reason": _to("")},
        kept=_kept(_SITE, "old_folder", "old_version", "new_folder", "new_version"),
    ),
    "scheduling.SwitchOutcome": Table(fate=Fate.KEPT, kept=_kept(_FIGURES, "levels")),
    # Replays and comparisons.
    "cases.Replay": Table(
        fate=Fate.KEPT,
        kept={**_kept(_FIXTURE, "fixture"), **_kept(_CODE, "status", "error")},
    ),
    "cases.ReplayEvent": Table(fate=Fate.KEPT, kept=_kept(_CODE, "kind", "data")),
    "ops.Upload": _whole(Fate.EXPIRED, "name", "content", time="used_at", unused=UNUSED_UPLOAD),
    "ops.Comparison": Table(
        fate=Fate.KEPT,
        kept={
            **_kept(
                _FIGURES,
                "choices",
                "notes",
                "results",
                "bound",
                "series",
                "service_model",
                "load_gzip",
            ),
            **_kept(_CODE, "status", "error"),
        },
    ),
    # Accounts. The words of a search lie in the session of who searches.
    "sessions.Session": _whole(Fate.EXPIRED, "session_key", "session_data", time="expire_date"),
    "axes.AccessAttempt": _whole(
        *(Fate.EXPIRED, "user_agent", "ip_address", "username", "http_accept", "path_info"),
        *("get_data", "post_data"),
        time="attempt_time",
    ),
    "axes.AccessAttemptExpiration": _whole(Fate.EXPIRED, time="expires_at"),
    "axes.AccessFailureLog": _whole(
        *(Fate.EXPIRED, "user_agent", "ip_address", "username", "http_accept", "path_info"),
        time="attempt_time",
    ),
    "axes.AccessLog": _whole(
        *(Fate.EXPIRED, "user_agent", "ip_address", "username", "http_accept", "path_info"),
        "session_hash",
        time="attempt_time",
    ),
    "cases.FailedName": _whole(Fate.EXPIRED, "network", "key", time="at"),
    "cases.Department": Table(fate=Fate.KEPT, kept=_kept(_SITE, "code", "name")),
    "cases.Department_people": Table(fate=Fate.KEPT),
    "cases.ApiToken": Table(
        fate=Fate.KEPT, kept=_kept(_STAFF, "digest", "name", "password_hash", "scope", "factor")
    ),
    "auth.User": Table(
        fate=Fate.KEPT,
        kept=_kept(_STAFF, "password", "username", "first_name", "last_name", "email"),
    ),
    "auth.Group": Table(fate=Fate.KEPT, kept=_kept(_CODE, "name")),
    "auth.Permission": Table(fate=Fate.KEPT, kept=_kept(_CODE, "name", "codename")),
    "auth.User_groups": Table(fate=Fate.KEPT),
    "auth.Group_permissions": Table(fate=Fate.KEPT),
    "auth.User_user_permissions": Table(fate=Fate.KEPT),
    "contenttypes.ContentType": Table(fate=Fate.KEPT, kept=_kept(_CODE, "app_label", "model")),
    "cases.FirstPassword": Table(fate=Fate.KEPT),
    "cases.AccountNotice": Table(
        fate=Fate.KEPT, kept={**_kept(_CODE, "what"), **_kept(_STAFF, "detail", "address")}
    ),
    "cases.AuthenticatorApp": Table(fate=Fate.KEPT, kept=_kept(_STAFF, "name", "encrypted_key")),
    "cases.RecoveryCodes": Table(fate=Fate.KEPT, kept=_kept(_STAFF, "name", "salt", "hashes")),
}
