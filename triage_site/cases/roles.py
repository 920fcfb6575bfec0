"""The table of roles and their rights. Roles are Django groups."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from django.contrib.auth.models import AnonymousUser, User

CLINICIAN: Final = "clinician"
CHARGE_NURSE: Final = "charge nurse"
AUDITOR: Final = "auditor"
ROLES: Final = (CLINICIAN, CHARGE_NURSE, AUDITOR)


class Action(StrEnum):
    VIEW = "view cases"
    SUBMIT = "submit cases"
    OVERRIDE = "override a priority"
    CARE = "see and close patients"
    OPERATE = "operate the queue"
    CONSOLE = "read the operations console"
    COMPARE = "compare policies"
    AUDIT = "read the audit log"
    ALL_DEPARTMENTS = "see the cases of all departments"
    TRANSFER = "move cases to another department"
    BREAK_GLASS = "open a case of another department with a reason"
    ACKNOWLEDGE = "acknowledge the opening of a case of another department"
    REVIEW = "review openings of cases of other departments"


_ALLOWED: Final[dict[str, frozenset[Action]]] = {
    CLINICIAN: frozenset(
        {
            Action.VIEW,
            Action.SUBMIT,
            Action.OVERRIDE,
            Action.CARE,
            Action.CONSOLE,
            Action.COMPARE,
            Action.BREAK_GLASS,
        }
    ),
    CHARGE_NURSE: frozenset(Action),
    AUDITOR: frozenset(
        {
            Action.VIEW,
            Action.AUDIT,
            Action.CONSOLE,
            Action.ALL_DEPARTMENTS,
            Action.REVIEW,
        }
    ),
}


class Scope(StrEnum):
    """What an API token may do at most. Its account must have the right as well."""

    READ = "read"
    SUBMIT = "submit"
    OPERATE = "operate"


SCOPE_WORDS: Final[dict[Scope, str]] = {
    Scope.READ: "Read cases and figures",
    Scope.SUBMIT: "Also enter and change cases",
    Scope.OPERATE: "Everything that the account may do",
}
_READ: Final = frozenset({Action.VIEW, Action.CONSOLE, Action.ALL_DEPARTMENTS})
_CARE: Final = frozenset({Action.SUBMIT, Action.OVERRIDE, Action.CARE, Action.COMPARE})
_COVERED: Final[dict[Scope, frozenset[Action]]] = {
    Scope.READ: _READ,
    Scope.SUBMIT: _READ | _CARE,
    Scope.OPERATE: frozenset(Action),
}


def covers(scope: str, action: Action) -> bool:
    """Returns whether a token of this scope may do it. An unknown scope covers nothing."""
    return scope in _COVERED and action in _COVERED[Scope(scope)]


def may(user: User | AnonymousUser, action: Action) -> bool:
    """Returns whether the user has the right. Superusers have all rights, inactive users none."""
    if not user.is_authenticated or not user.is_active:
        return False
    if user.is_superuser:
        return True
    groups = user.groups.all()
    return any(action in _ALLOWED.get(group.name, frozenset()) for group in groups)
