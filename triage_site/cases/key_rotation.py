"""After a change of `SECRET_KEY`: what depends on the old key gets the new one."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from triage_site.cases.account_models import password_hashes
from triage_site.cases.encryption import Unreadable, encrypt_again
from triage_site.cases.models import ApiToken, AuthenticatorApp


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """`unreadable` names the accounts whose apps no known key reads."""

    num_apps: int
    num_tokens: int
    unreadable: tuple[str, ...]


@transaction.atomic
def rotate() -> Rotated:
    num_apps, unreadable = 0, []
    for app in AuthenticatorApp.objects.select_for_update(of=("self",)).select_related("user"):
        try:
            app.encrypted_key = encrypt_again(app.encrypted_key)
        except Unreadable:
            unreadable.append(app.user.get_username())
        else:
            app.save(update_fields=["encrypted_key"])
            num_apps += 1
    return Rotated(
        num_apps=num_apps, num_tokens=_rotate_tokens(), unreadable=tuple(sorted(unreadable))
    )


def _rotate_tokens() -> int:
    """The hash of a token follows from the key; a token of another password stays ended."""
    num = 0
    for token in ApiToken.objects.select_related("user").exclude(password_hash=""):
        present, *old = password_hashes(token.user)
        if token.password_hash in (present, *old):
            ApiToken.objects.filter(id=token.id).update(password_hash=present)
            num += 1
    return num
