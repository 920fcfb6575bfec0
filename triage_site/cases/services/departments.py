"""Departments of the site, who works in them, and which cases are theirs. Each change is in the
audit."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.contrib.auth.models import User
from django.db import transaction

from triage_site.cases.department_models import Department, default_department
from triage_site.cases.models import Case, CaseEvent
from triage_site.cases.services.records import Conflict, change, locked
from triage_site.cases.typed import written

MAX_CHARACTERS: Final = 500  # of a reason
_CODE: Final = re.compile(r"[A-Z0-9][A-Z0-9-]{0,15}", re.ASCII)


@transaction.atomic
def add_department(code: str, name: str) -> Department:
    """Adds a department or renames it.

    With the second one each person who was in none joins the first: so nobody loses what they
    saw before. Raises ValueError that names the field.
    """
    code, name = code.strip().upper(), name.strip()
    if not _CODE.fullmatch(code):
        raise ValueError("code: must be 1 to 16 letters, digits or hyphens")
    if not (1 <= len(name) <= 80 and name.isprintable()):
        raise ValueError("name: must have 1 to 80 printable characters")
    same = Department.objects.filter(name=name).exclude(code=code).first()
    if same is not None:
        raise ValueError(
            f"name: the department with the code {same.code} has it; {code} needs one of its own"
        )
    codes = list(Department.objects.values_list("code", flat=True))
    if code not in codes and len(codes) <= 1:
        first = Department.objects.get(pk=default_department())
        first.people.add(*User.objects.filter(departments=None))
    return Department.objects.update_or_create(code=code, defaults={"name": name})[0]


def join(user: User, departments: Sequence[Department] | None = None) -> None:
    """Sets the departments of the person. None: the only one of the site, if there is one."""
    if departments is not None:
        user.departments.set(departments)
    elif Department.objects.count() < 2:
        user.departments.add(default_department())


def departments_of_codes(codes: Sequence[str]) -> list[Department]:
    """Raises ValueError for an unknown code."""
    known = {one.code: one for one in Department.objects.all()}
    wanted = [code.strip().upper() for code in codes]
    unknown = [code for code in wanted if code not in known]
    if unknown:
        raise ValueError(
            f"department: no department {unknown[0]:.80}; there are {', '.join(known)}"
        )
    return [known[code] for code in wanted]


def transfer_case(
    case_id: uuid.UUID,
    *,
    department: str,
    reason: str,
    actor: User,
    now: datetime,
    version: int | None = None,
) -> Case:
    """Makes it a case of the department with that code. Raises ValueError and Conflict.

    Level, place in the queue and openings stay. Streams of people without the new department
    end within seconds, as streams do when the departments of a person change.
    """
    words = written(reason)
    if not words:
        raise ValueError("reason: Enter a reason (kept in the history of the case)")
    if len(words) > MAX_CHARACTERS:
        raise ValueError(f"reason: Enter at most {MAX_CHARACTERS} characters")
    (target,) = departments_of_codes([department])
    with transaction.atomic():
        case, _ = locked(case_id, version)
        if case.anonymised_at is not None:
            raise Conflict("department: The case is anonymised and stays where it is")
        if case.department_id == target.pk:
            raise Conflict(f"department: The case is of {target.name} already")
        data = {"from": case.department.code, "to": target.code, "reason": words}
        change(case, CaseEvent.Kind.TRANSFERRED, now, actor=actor, data=data, department=target)
    return case
