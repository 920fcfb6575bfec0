"""The audit log: the rows of every append-only table that names an actor, newest first.

A new table of that kind appears without code of its own; `audit_detail` or `str` of its rows are
its words, and `case_field` is the way to the number of the case where there is no column `case`.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import DateTimeField, F, Q, QuerySet, Value

from scheduling import csv_text
from scheduling.append_only import append_only_models
from scheduling.models import AdmissionChange, AppendOnly, Job, PolicyChange, QueueMove
from scheduling.order_history import switches_of
from triage_site.audit.models import AuditRecord
from triage_site.cases import audit_words
from triage_site.cases.models import Case, CaseEvent
from triage_site.ops.selectors import policy_title

NUM_LINES: Final = 100  # of one page
NUM_EXPORTED: Final = 1000  # read at a time
VIEWS, ACTS, ACCESS, SWITCHES, QUEUE = "views", "acts", "access", "switches", "queue"
KINDS: Final = {
    "": "Everything",
    VIEWS: "Views",
    ACTS: "Acts",
    SWITCHES: "Switches and pauses",
    QUEUE: "Moves in the queue",
    ACCESS: "Sign-ins and accounts",
}
_ACCESS: Final = frozenset(
    {
        AuditRecord.Kind.SIGNED_IN,
        AuditRecord.Kind.SIGNED_OUT,
        AuditRecord.Kind.SIGN_IN_FAILED,
        AuditRecord.Kind.LOCKED_OUT,
        AuditRecord.Kind.TOKEN_REFUSED,
        AuditRecord.Kind.REFUSED,
        AuditRecord.Kind.ACCOUNT,
    }
)
# What the data of a row says, in words; other names may speak of a patient.
_DETAILS: Final = {
    "account": "account {}",
    "opening": "opening {} of a case of another department",
    "version": "version {} of the case",
    "old": "from {}",
    "new": "to {}",
    "from": "from {}",
    "to": "to {}",
    "priority": "{}",
    "address": "from address {}",
    "times": "{} times",
    "names": "{} names",
    "scope": "scope {}",
    "days": "for {} days",
    "calls": "{} calls",
    "speed": "speed {}",
    "cases": "{} cases",
    "rule": "rule: {}",
    "cutoff": "older than {}",
}
_LEVELS: Final = frozenset({"from", "to", "priority"})  # a number there is a level


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Limits of the log; empty for none."""

    since: datetime
    until: datetime
    person: str = ""
    case: int | None = None
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLine:
    at: datetime
    person: str
    what: str
    case: str
    detail: str
    through: str  # page, API and so on; empty where the row does not say
    code: str  # the names that the site keeps: kind, address, way


def num_lines(wanted: Wanted) -> int:
    return sum(rows.count() for rows in _queries(wanted).values())


def lines(wanted: Wanted, first: int = 0, num: int = NUM_LINES) -> list[AuditLine]:
    """Newest first; the order is total, so that pages neither repeat nor leave out a line."""
    queries = _queries(wanted)
    keys = [
        rows.order_by()
        .annotate(moment=F(_time_field(rows.model)), source=Value(table))
        .values_list("moment", "source", "pk")
        for table, rows in queries.items()
    ]
    if not keys:
        return []
    both = keys[0].union(*keys[1:], all=True) if len(keys) > 1 else keys[0]
    chosen = list(both.order_by("-moment", "-source", "-pk")[first : first + num])
    found = {
        table: rows.select_related("actor").in_bulk(
            [row for _, source, row in chosen if source == table]
        )
        for table, rows in queries.items()
    }
    rows = [(found[table][row], moment) for moment, table, row in chosen]
    numbers = _numbers_of_jobs([row for row, _ in rows])
    return [_line(row, moment, numbers) for row, moment in rows]


def _numbers_of_jobs(rows: Sequence[Any]) -> dict[Any, int]:
    """The number of the case of each job that a row speaks of."""
    jobs = {row.job_id for row in rows if _has_field(type(row), "job")}
    cases = dict(Job.objects.filter(id__in=jobs).values_list("id", "case_id"))
    numbers = dict(Case.objects.filter(id__in=cases.values()).values_list("id", "number"))
    return {job: numbers[case] for job, case in cases.items() if case in numbers}


def export(wanted: Wanted) -> Iterator[str]:
    """Yields CSV, newest first."""
    yield _csv([("at", "person", "what", "case", "detail", "through", "code")])
    first = 0
    while some := lines(wanted, first, NUM_EXPORTED):
        yield _csv([(one.at.isoformat(), *_words(one)) for one in some])
        first += len(some)


def _words(line: AuditLine) -> tuple[str, ...]:
    return line.person, line.what, line.case, line.detail, line.through, line.code


def _csv(rows: Sequence[Sequence[str]]) -> str:
    out = io.StringIO()
    csv_text.Writer(out).rows(rows)
    return out.getvalue()


def _queries(wanted: Wanted) -> dict[str, QuerySet[Any]]:
    """Returns the rows of each table that can have some, by the name of the table."""
    found = {}
    for model in append_only_models():
        limits = _limits(model, wanted)
        if _has_actor(model) and limits is not None:
            objects: Any = model._default_manager
            found[model._meta.db_table] = objects.filter(limits)
    return found


def _has_actor(model: type[AppendOnly]) -> bool:
    return _has_field(model, "actor")


def _has_field(model: type[AppendOnly], name: str) -> bool:
    return any(field.name == name for field in model._meta.concrete_fields)


def _time_field(model: Any) -> str:
    fields = model._meta.concrete_fields
    return next(field.name for field in fields if isinstance(field, DateTimeField))


def _limits(model: type[AppendOnly], wanted: Wanted) -> Q | None:
    time = _time_field(model) if _has_actor(model) else "at"
    limits = Q((f"{time}__gte", wanted.since), (f"{time}__lt", wanted.until))
    if wanted.person:
        limits &= Q(actor__username__iexact=wanted.person)
    if wanted.case is not None:
        if _case_field(model):
            limits &= Q((_case_field(model), wanted.case))
        elif model is AuditRecord:
            limits &= Q(data__case=wanted.case)
        elif model is PolicyChange:
            limits &= Q(pk__in=_switches(wanted.case))
        elif _has_field(model, "job"):
            cases = Case.objects.filter(number=wanted.case).values("id")
            limits &= Q(job__case_id__in=cases)
        else:
            return None
    return limits if not wanted.kind else _of_kind(model, wanted.kind, limits)


def _switches(number: int) -> list[int]:
    """A switch belongs to each case that waited when it came."""
    case_id = Case.objects.filter(number=number).values_list("id", flat=True).first()
    return [] if case_id is None else switches_of(case_id)


def _of_kind(model: type[AppendOnly], kind: str, limits: Q) -> Q | None:
    if model is CaseEvent:
        viewed = Q(kind=CaseEvent.Kind.VIEWED)
        return {VIEWS: limits & viewed, ACTS: limits & ~viewed}.get(kind)
    if model is AuditRecord:
        viewed, access = Q(kind=AuditRecord.Kind.VIEWED), Q(kind__in=_ACCESS)
        wanted = {VIEWS: viewed, ACCESS: access, ACTS: ~viewed & ~access}
        return limits & wanted[kind] if kind in wanted else None
    return limits if kind in (ACTS, QUEUE if _has_field(model, "job") else SWITCHES) else None


def _line(row: Any, moment: datetime, numbers: Mapping[Any, int]) -> AuditLine:
    data = getattr(row, "data", {})
    named = str(getattr(row, "what", "") or data.get("what", ""))
    what = _what(row, named)
    kind = getattr(row, "kind", row._meta.model_name)
    return AuditLine(
        at=moment,
        person=row.actor.get_username() if row.actor else "",
        what=what[:1].upper() + what[1:],
        case=str(data.get("case", "") if isinstance(row, AuditRecord) else _number(row, numbers)),
        detail=_detail(row, data),
        through=audit_words.through(data),
        code=" ".join(filter(None, (kind, named, str(data.get("via", ""))))),
    )


def _what(row: Any, named: str) -> str:
    if isinstance(row, AdmissionChange):
        return "guidance paused" if row.paused else "guidance resumed"
    table = row._meta.label
    if hasattr(row, "get_kind_display"):
        return audit_words.what_words(table, row.kind, str(row.get_kind_display()), named)
    return audit_words.TABLES.get(table, str(row._meta.verbose_name))


def _detail(row: Any, data: Mapping[str, Any]) -> str:
    if words := getattr(row, "audit_detail", ""):
        return str(words)
    if hasattr(row, "get_kind_display"):
        parts = [
            words.format(_shown(name, data[name]))
            for name, words in _DETAILS.items()
            if data.get(name) not in (None, "")
        ]
        return ", ".join(parts + _of_a_move(row))
    return ". ".join(_of_a_switch(row)) or str(row)


def _shown(name: str, value: Any) -> str:
    return f"level {value}" if name in _LEVELS and isinstance(value, int) else str(value)


def _number(row: Any, numbers: Mapping[Any, int]) -> str:
    value = row
    for name in filter(None, _case_field(type(row)).split("__")):
        value = getattr(value, name)
    return str(numbers.get(getattr(row, "job_id", None), "")) if value is row else str(value)


def _of_a_move(row: Any) -> list[str]:
    if not isinstance(row, QueueMove):
        return []
    of_all = "" if row.num_waiting is None else f" of {row.num_waiting}"
    place = [] if row.rank is None else [f"place {row.rank + 1}{of_all}"]
    return [*place, f"policy {policy_title(row.policy)}"]


def _of_a_switch(row: Any) -> list[str]:
    """Between what, the reason, who moved, and by level what was forecast for the start of
    guidance."""
    if not isinstance(row, PolicyChange | AdmissionChange):
        return []  # the reasons of other tables may speak of a patient
    reason = [row.reason] if row.reason else []
    if isinstance(row, PolicyChange):
        reason = [f"{policy_title(row.old)} to {policy_title(row.new)}", *reason]
    preview = getattr(row, "preview", {})
    waiting, up, down = (
        sum(line.get(name, 0) for line in preview.values()) for name in ("waiting", "up", "down")
    )
    moves = [f"Of {waiting} waiting cases {up} moved up, {down} down"] if waiting else []
    starts = [
        f"level {level} {line['starts_before']:.0f} to {line['starts_after']:.0f} s"
        for level, line in sorted(preview.items())
        if line.get("starts_before") is not None and line.get("starts_after") is not None
    ]
    forecast = [f"Forecast of the start: {', '.join(starts)}"] if starts else []
    return reason + moves + forecast


def _case_field(model: type[AppendOnly]) -> str:
    """Returns the way to the number of the case; empty in tables without one."""
    if hasattr(model, "case_field"):
        return str(model.case_field)
    fields = {field.name: field for field in model._meta.concrete_fields}
    return "case_id" if "case" in fields and fields["case"].related_model is Case else ""
