"""Records each view of records, each act that leaves no other record, and each refusal, once.

It looks at the address and at the right that the view asked for (access.py), so a new view is
recorded without code of its own. An answer that cannot be recorded is not given.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.auth.models import User
from django.db.models.signals import post_save
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from scheduling.models import AppendOnly
from triage_site.audit.models import AuditRecord
from triage_site.audit.services import record
from triage_site.cases import services
from triage_site.cases.access import case_of
from triage_site.cases.inactivity import is_act
from triage_site.cases.models import CaseEvent
from triage_site.cases.roles import Action

# The rights to read what is told about patients and people.
READS: Final = frozenset({Action.VIEW, Action.AUDIT, Action.REVIEW})
_SHOWS_RECORD: Final = frozenset({409, 422})  # a form that comes back, with the record beside it
# What a page repeats by itself is one view for as long as a session lasts without an act.
VIEW_LASTS: Final = timedelta(minutes=15)
_is_recorded: ContextVar[bool] = ContextVar("is_recorded", default=False)


class AuditMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        post_save.connect(_on_row)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        _is_recorded.set(False)
        response = self.get_response(request)
        action = getattr(request, "action", None)
        if action is not None and isinstance(request.user, User):
            _record(request, request.user, action, response.status_code)
        return response


def _on_row(sender: type[Any], created: bool = False, **kwargs: Any) -> None:
    """Notes that this request has left an append-only row, such as an event of a case."""
    if created and issubclass(sender, AppendOnly):
        _is_recorded.set(True)


def _record(request: HttpRequest, user: User, action: Action, status: int) -> None:
    kind = _kind(request, action, status)
    if kind is None:
        return
    match = request.resolver_match
    name = match.view_name if match else ""
    now = timezone.now()
    if kind == AuditRecord.Kind.VIEWED and _is_repeated(request, user, name, now):
        return
    data: dict[str, Any] = {"via": _via(request)}
    if opening := getattr(request, "opening", None):
        data["opening"] = opening.pk
    case = case_of(request)
    if kind == AuditRecord.Kind.VIEWED and case is not None:
        services.record(
            case,
            CaseEvent.Kind.VIEWED,
            now,
            actor=user,
            data={
                **data,
                "what": name,
                "version": case.version,
                "guidance_shown": bool(case.guidance) and not case.guidance_withheld,
            },
        )
    else:
        more = {} if case is None else {"case": case.number}
        record(kind, now, actor=user, what=name, data={**data, **more})


def _is_repeated(request: HttpRequest, user: User, name: str, now: datetime) -> bool:
    """Returns whether a page shows again by itself what it has on record."""
    first = getattr(request, "repeats", "")
    if not first or is_act(request):
        return False
    seen = AuditRecord.objects.filter(
        at__gt=now - VIEW_LASTS,
        actor=user,
        kind=AuditRecord.Kind.VIEWED,
        what__in={first, name},
    )
    return seen.exists()


def _kind(request: HttpRequest, action: Action, status: int) -> AuditRecord.Kind | None:
    # Searches are sent as forms, so that words do not stand in addresses.
    is_read = request.method in ("GET", "HEAD") or action in READS
    is_no_act = getattr(request, "is_no_act", False)
    if status == 403:
        return AuditRecord.Kind.REFUSED
    if is_read or (status in _SHOWS_RECORD and _via(request) != "api"):
        names_case = bool(request.resolver_match and "case_id" in request.resolver_match.kwargs)
        has_case = names_case and action is not Action.BREAK_GLASS  # it shows nothing of the case
        lists = getattr(request, "lists_cases", False)
        shows = (action in READS or has_case or lists) and (
            status == 200 or status in _SHOWS_RECORD
        )
        return AuditRecord.Kind.VIEWED if shows and not is_no_act else None
    is_act = status < 400 and not _is_recorded.get() and not is_no_act
    return AuditRecord.Kind.ACTED if is_act else None


def _via(request: HttpRequest) -> str:
    if request.path_info.startswith("/api/"):
        return "api"
    if request.path_info.startswith("/live/"):
        return "stream"
    return "fragment" if "HX-Request" in request.headers else "page"
