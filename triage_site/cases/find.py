"""Finding cases in the whole archive."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet
from django.db.models.expressions import OrderBy

from triage_site.cases.clinical import ClinicalStatus, GuidanceStatus
from triage_site.cases.departments import Sight
from triage_site.cases.models import Case
from triage_site.cases.search_text import folded, label_words
from triage_site.cases.standing import guidance_filter, overdue_filter

PAGE_SIZE: Final = 50
_NUMBER: Final = re.compile(r"(?:case|no\.?|#)?\s*#?\s*([0-9]{1,18})", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which cases are looked for. All that is given must hold."""

    words: str = ""  # a number, or words that all stand in complaint, notes, name or bed
    clinical_status: str | None = None
    guidance_status: GuidanceStatus | None = None
    priority: int | None = None
    needs_person: bool = False
    is_overdue: bool = False
    user_id: int | None = None  # submitted or seen by this user
    arrived_from: datetime | None = None
    arrived_until: datetime | None = None


def find_cases(wanted: Wanted, now: datetime, sight: Sight, *, is_online: bool) -> QuerySet[Case]:
    """Returns what names the wanted number or bed first, then the newest first."""
    seen = sight.of(Case.objects.select_related("seen_by", "department"))
    found = seen.filter(_holds(wanted, now, is_online))
    return found.order_by(*_best_first(wanted.words), "-arrived_at", "-number")


def number_in(words: str) -> int | None:
    """Returns the number of "128", "#128" or "case 128"; None for other words."""
    found = _NUMBER.fullmatch(words.strip())
    return int(found[1]) if found else None


def _holds(wanted: Wanted, now: datetime, is_online: bool) -> Q:
    holds = Q()
    if wanted.clinical_status is not None:
        holds &= Q(clinical_status=wanted.clinical_status)
    if wanted.guidance_status is not None:
        holds &= guidance_filter(wanted.guidance_status, is_online=is_online)
    if wanted.priority is not None:
        holds &= Q(priority=wanted.priority)
    if wanted.needs_person:
        holds &= Q(needs_person=True) & ~Q(clinical_status=ClinicalStatus.CLOSED)
    if wanted.is_overdue:
        holds &= overdue_filter(now)
    if wanted.user_id is not None:
        holds &= Q(created_by=wanted.user_id) | Q(seen_by=wanted.user_id)
    if wanted.arrived_from is not None:
        holds &= Q(arrived_at__gte=wanted.arrived_from)
    if wanted.arrived_until is not None:
        holds &= Q(arrived_at__lt=wanted.arrived_until)
    return holds & _words(wanted.words)


def _words(words: str) -> Q:
    number = number_in(words)
    if number is not None:  # of the case or of the bed
        return Q(number=number) | Q(search_label__contains=_digits(words))
    holds = Q()
    for word in folded(words).split():
        holds &= Q(search_text__contains=word)
    if words.strip() and not holds:
        return Q(pk__in=())  # of invisible marks alone
    label = label_words(words)
    return holds | Q(search_label=label) if label else holds


def _digits(words: str) -> str:
    found = _NUMBER.fullmatch(words.strip())
    return found[1] if found else ""


def _best_first(words: str) -> list[OrderBy]:
    """First the case with the wanted number, then a label that is just these words, then one that
    has them among others, as whole words."""
    number = number_in(words)
    label = label_words(words if number is None else _digits(words))
    ranks = [] if number is None else [Q(number=number)]
    if label:
        ranks += [Q(search_label=label), Q(search_label__contains=label)]
    return [ExpressionWrapper(rank, output_field=BooleanField()).desc() for rank in ranks]
