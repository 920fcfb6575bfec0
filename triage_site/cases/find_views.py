"""The page that finds cases in the whole archive. Waiting cases have the order of the board.

The words of a search may name a patient, so they are kept in the session and never stand in an
address. The address holds a key for them, and what is not clinical: a number, level, state, time.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from triage_site.cases.access import allowed
from triage_site.cases.board import BoardMaker
from triage_site.cases.board_rows import COLUMNS
from triage_site.cases.case_words import care_words, complaint_words, patient_words
from triage_site.cases.clinical import ClinicalStatus
from triage_site.cases.departments import Reach, reach_of
from triage_site.cases.find import PAGE_SIZE, find_cases, number_in
from triage_site.cases.find_forms import FindForm
from triage_site.cases.levels import Level, level_of, moment_text
from triage_site.cases.models import Case
from triage_site.cases.roles import Action
from triage_site.cases.standing import Standing, standing_of, workers_online

UNPROCESSABLE: Final = 422
_SEARCHES: Final = "searches"
_MAX_SEARCHES: Final = 10  # kept per session, for several tabs and the way back
_GONE: Final = "The words of this search are no longer stored. Enter them again"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRow:
    case: Case
    level: Level | None
    standing: Standing
    patient: str
    complaint: str
    arrived: str
    state: str  # who sees the patient since when, or how the case ended; empty for who waits


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@allowed(Action.VIEW)
def find(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        return _search(request)
    words, is_gone = _words_of(request)
    form = FindForm({**request.GET.dict(), "q": words} if request.GET else None)
    if is_gone and form.is_valid():
        form.add_error("q", _GONE)
    reach = reach_of(request.user, timezone.now())
    opened = [one for one in reach.openings.values() if not reach.sight.has(one.case)]
    context = {
        "here": "find",
        "form": form,
        "opened": opened,
        **_results(request, form, words, reach),
    }
    return render(request, "cases/find.html", context)


def _search(request: HttpRequest) -> HttpResponse:
    """Keeps the words and goes to the address of the results."""
    form = FindForm(request.POST)
    if not form.is_valid():
        context = {"here": "find", "form": form}
        return render(request, "cases/find.html", context, status=UNPROCESSABLE)
    words, query = form.cleaned_data["q"], form.query()
    if number_in(words) is not None:
        query["number"] = str(number_in(words))
    elif words:
        query["words"] = _keep(request, words)
    return redirect(f"{reverse('find')}?{urlencode(query or {'all': '1'})}")


def _keep(request: HttpRequest, words: str) -> str:
    kept: dict[str, str] = request.session.get(_SEARCHES, {})
    key = secrets.token_hex(4)
    newest = [(name, text) for name, text in kept.items() if text != words]
    request.session[_SEARCHES] = dict([*newest, (key, words)][-_MAX_SEARCHES:])
    return key


def _words_of(request: HttpRequest) -> tuple[str, bool]:
    """Returns the words of the search, and whether they are not stored any more."""
    number = request.GET.get("number", "")
    if number_in(number) is not None:
        return number, False
    key = request.GET.get("words", "")
    words = request.session.get(_SEARCHES, {}).get(key, "")
    return words, bool(key) and not words


def _results(request: HttpRequest, form: FindForm, words: str, reach: Reach) -> Mapping[str, Any]:
    if not form.is_bound or not form.is_valid():
        return {}
    now, is_online = timezone.now(), workers_online()
    wanted = form.wanted(words, request.user.pk)
    found = find_cases(wanted, now, reach.sight, is_online=is_online).only(*COLUMNS)
    # With words, the case or bed that they name comes first.
    is_in_order = wanted.clinical_status == ClinicalStatus.WAITING and not words.strip()
    cases = _in_order(found, now) if is_in_order else found
    page: Page[Case] = Paginator(cases, PAGE_SIZE).get_page(request.GET.get("page"))
    rows = [_row(case, now, is_online=is_online) for case in page]
    query = request.GET.copy()
    query.pop("page", None)
    return {
        "page": page,
        "rows": rows,
        "is_in_order": is_in_order,
        "query": query.urlencode(),
        "words": words,
        "elsewhere": _elsewhere(words, reach),
    }


def _in_order(found: QuerySet[Case], now: datetime) -> list[Case]:
    """Returns waiting cases in the order of the board; one that is not on it any more comes last.

    So the pages go on where a long board ends.
    """
    places = {one.case.pk: place for place, one in enumerate(BoardMaker.read(now).waiting)}
    return sorted(found, key=lambda case: places.get(case.pk, len(places)))


def _elsewhere(words: str, reach: Reach) -> Case | None:
    """Returns the case with this number where it is of another department.

    Words find no such case: that a patient is in another department is no news for a search.
    """
    number = number_in(words)
    if number is None or reach.sight.departments is None:
        return None
    case = Case.objects.select_related("department").filter(number=number).first()
    return None if case is None or reach.sight.has(case) else case


def _row(case: Case, now: datetime, *, is_online: bool) -> FoundRow:
    return FoundRow(
        case=case,
        level=level_of(case.priority),
        standing=standing_of(case, now, is_online=is_online),
        patient=patient_words(case),
        complaint=complaint_words(case),
        arrived=moment_text(case.arrived_at, now),
        state=care_words(case, now),
    )
