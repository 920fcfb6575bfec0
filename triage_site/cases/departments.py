"""Which cases a person may see: those of their departments, and those opened with a reason.

All pages, streams and routes of the API ask here. Charge nurses and auditors see all departments,
because they answer for the one queue and for the openings. On a site with one department everybody
sees every case.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import QuerySet

from triage_site.cases.department_models import Department, Opening, default_department
from triage_site.cases.models import Case
from triage_site.cases.roles import Action, may


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What lists show to a person. People with an equal sight have equal boards.

    `departments`: ids of those whose cases are listed; None for all. `has_alerts`: also the
    openings that no charge nurse has acknowledged.
    """

    departments: frozenset[int] | None = None
    has_alerts: bool = False

    def of(self, cases: QuerySet[Case]) -> QuerySet[Case]:
        known = self.departments
        return cases if known is None else cases.filter(department__in=known)

    def has(self, case: Case) -> bool:
        return self.departments is None or case.department_id in self.departments


EVERYTHING: Final = Sight()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """The cases that a person may open now. `openings`: those with a reason, by case number."""

    sight: Sight
    openings: Mapping[int, Opening] = field(default_factory=dict)

    def opens(self, case: Case) -> bool:
        """The rule."""
        return self.sight.has(case) or case.number in self.openings

    def opening_for(self, case: Case) -> Opening | None:
        """Returns what lets the person see the case; None where nothing is needed for that."""
        return None if self.sight.has(case) else self.openings.get(case.number)


def reach_of(user: User | AnonymousUser, now: datetime) -> Reach:
    if not isinstance(user, User):
        return Reach(sight=Sight(departments=frozenset()))
    return reaches([user], now)[user.pk]


def sight_of(user: User | AnonymousUser) -> Sight:
    if not isinstance(user, User):
        return Sight(departments=frozenset())
    return _sights([user])[user.pk]


def reaches(users: Iterable[User], now: datetime) -> dict[int, Reach]:
    """Returns the reach of each user, by id, with three queries at most."""
    sights = _sights(list(users))
    limited = [pk for pk, sight in sights.items() if sight.departments is not None]
    openings: dict[int, dict[int, Opening]] = defaultdict(dict)
    current = Opening.objects.filter(actor__in=limited, until__gt=now)
    rows = current.select_related("case__department") if limited else ()
    for row in sorted(rows, key=lambda row: row.until):  # the one that lasts longest counts
        openings[row.actor_id][row.case_id] = row
    return {pk: Reach(sight=sight, openings=openings[pk]) for pk, sight in sights.items()}


def _sights(users: list[User]) -> dict[int, Sight]:
    if not has_several():
        return {user.pk: EVERYTHING for user in users}
    limited = {user.pk for user in users if not may(user, Action.ALL_DEPARTMENTS)}
    own: dict[int, set[int]] = defaultdict(set)
    if limited:
        links = Department.people.through.objects.filter(user_id__in=limited)
        for user_id, department_id in links.values_list("user_id", "department_id"):
            own[user_id].add(department_id)
    return {
        user.pk: Sight(
            departments=frozenset(own[user.pk]) if user.pk in limited else None,
            has_alerts=may(user, Action.ACKNOWLEDGE),
        )
        for user in users
    }


def has_several() -> bool:
    """Whether the site has more than one department: only then pages speak of departments."""
    return len(Department.objects.values_list("id")[:2]) > 1


def submits_to(user: User) -> list[Department]:
    """Returns the departments for which the person may submit cases, the usual one first."""
    every = list(Department.objects.all()) or [Department.objects.get(pk=default_department())]
    if len(every) == 1:
        return every
    own = set(user.departments.values_list("id", flat=True))
    others = [one for one in every if one.pk not in own]
    return [one for one in every if one.pk in own] + (
        others if may(user, Action.ALL_DEPARTMENTS) else []
    )


def department_for(user: User, code: str = "") -> Department:
    """Returns the department of a new case. Raises ValueError that names the field."""
    choices = submits_to(user)
    if not choices:
        raise ValueError("department: this account belongs to no department")
    if not code:
        return choices[0]
    found = next((one for one in choices if one.code.casefold() == code.casefold()), None)
    if found is None:
        known = ", ".join(one.code for one in choices)
        raise ValueError(f"department: must be one of yours: {known}")
    return found
