"""What happens to the sign-in of an account: it goes on record, and its person is told.

A notice stands on every page of the person until the person says "This was me", or "This was not
me", which locks the account. The session that made the change neither shows nor answers it: who
took over a session could otherwise hide what they did.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from triage_site.audit.models import AuditRecord
from triage_site.audit.services import record
from triage_site.audit.sign_ins import address_of
from triage_site.cases import mail, second_factor
from triage_site.cases.models import AccountNotice
from triage_site.cases.roles import AUDITOR, CHARGE_NURSE

What = AccountNotice.What
NUM_SHOWN_AGAIN: Final = 10  # at /account/, also those that were answered
_OWN: Final = "own_notices"  # ids of the notices that the acts of this session made
_WHAT_TO_DO: Final = """
If this was you, nothing is to be done. If it was not you, sign in and choose "This was not me" on
any page: it ends all sessions and API tokens and locks the account. Then tell who runs the site.
If you cannot sign in any more, tell them at once."""


def note(user: User, what: str, *, actor: User | None = None, **data: Any) -> None:
    """Records a change of an account in the audit. Commands of the site have no actor."""
    record(
        AuditRecord.Kind.ACCOUNT,
        timezone.now(),
        actor=actor,
        what=what,
        data={"account": user.get_username(), **data},
    )


def tell(user: User, what: What, *, request: HttpRequest | None = None, detail: str = "") -> None:
    """Tells the person of an account. Without a request a command of the site did it."""
    notice = AccountNotice.objects.create(
        user=user, what=what, detail=detail[:150], address=address_of(request)
    )
    if request is not None and request.user == user:
        request.session[_OWN] = [*request.session.get(_OWN, ()), notice.pk]
    text = f"Account {user.get_username()}\n\n{notice.words}\n"
    if notice.is_own:
        text += _WHAT_TO_DO
    transaction.on_commit(
        lambda: mail.send_later([user.email], f"Semantic Triage: {what.label}", text)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a page tells: of the reader's account, and of others'."""

    own: list[AccountNotice]
    others: list[AccountNotice]


def shown(request: HttpRequest) -> Told | None:
    """Returns what the page of this request has to tell; None for nothing, and before the second
    factor."""
    user: User | AnonymousUser = request.user
    if not isinstance(user, User) or second_factor.is_missing(user):
        return None
    found = list(_open(request, user))
    if not found:
        return None
    return Told(
        own=[one for one in found if one.is_own], others=[one for one in found if not one.is_own]
    )


def _open(request: HttpRequest, user: User) -> Any:
    own = request.session.get(_OWN, ())
    return AccountNotice.objects.filter(user=user, acknowledged_at=None).exclude(pk__in=own)


def acknowledge(request: HttpRequest, user: User, ids: Sequence[int], now: datetime) -> int:
    """Ends notices. Returns how many; those of somebody else, of this session, and those that
    ended before are left out."""
    return int(_open(request, user).filter(pk__in=ids).update(acknowledged_at=now))


def tell_of_lock(user: User, request: HttpRequest) -> None:
    """Tells charge nurses and auditors, and the contact of the site, of a locked account."""
    people = User.objects.filter(is_active=True, groups__name__in=(CHARGE_NURSE, AUDITOR))
    for one in people.exclude(pk=user.pk).distinct():
        tell(one, What.LOCKED, request=request, detail=user.get_username())
    scheme, _, contact = settings.SECURITY_CONTACT.partition(":")
    text = f"{What.LOCKED.label}: {user.get_username()}, from {address_of(request)}."
    if scheme == "mailto":
        transaction.on_commit(
            lambda: mail.send_later([contact], f"Semantic Triage: {What.LOCKED.label}", text)
        )
