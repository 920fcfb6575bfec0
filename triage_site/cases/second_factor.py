"""The second factor: a code of an authenticator app (TOTP), or a recovery code.

Outside demo mode, charge nurses, auditors and superusers must have one: they switch policies
and read everything. Others may have one, and with `TRIAGE_SECOND_FACTOR=all` they must.
"""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.db import transaction
from django_otp import devices_for_user

from triage_site.cases.models import AuthenticatorApp, RecoveryCodes
from triage_site.cases.roles import AUDITOR, CHARGE_NURSE


def is_missing(user: User | AnonymousUser) -> bool:
    """Returns whether this session still lacks the second factor that its account needs."""
    if not user.is_authenticated or user.is_verified():  # type: ignore[attr-defined]
        return False
    return is_needed(user)


def is_needed(user: User) -> bool:
    """Returns whether a session of this account must give a second factor."""
    return is_required(user) or has_device(user)


def is_required(user: User) -> bool:
    """Returns whether the account must have a second factor, by its role or by the site's rule."""
    if settings.TRIAGE_DEMO:
        return False
    return settings.TRIAGE_SECOND_FACTOR == "all" or is_privileged(user)


def is_privileged(user: User) -> bool:
    names = {group.name for group in user.groups.all()}
    return user.is_superuser or bool(names & {CHARGE_NURSE, AUDITOR})


def factor_of(user: User) -> str:
    """Returns which apps the account has; empty for none. It changes with each of them."""
    apps = AuthenticatorApp.objects.filter(user=user, confirmed=True).order_by("pk")
    return ",".join(str(number) for number in apps.values_list("pk", flat=True))


def has_device(user: User) -> bool:
    return any(True for _ in devices_for_user(user, confirmed=True))


def new_device(user: User) -> AuthenticatorApp:
    """Returns the app that the person sets up now; it counts once a code was given."""
    apps = AuthenticatorApp.objects
    found = apps.filter(user=user, confirmed=False).first()
    if found is not None and found.is_readable:
        return found
    apps.filter(user=user, confirmed=False).delete()
    return AuthenticatorApp.objects.create(
        user=user,
        confirmed=False,
        name="authenticator app",
        encrypted_key=AuthenticatorApp.new_key(),
    )


@transaction.atomic
def confirm(device: AuthenticatorApp) -> list[str]:
    """Makes the app count. Returns the recovery codes, which are shown this once."""
    device.confirmed = True
    device.save()
    return RecoveryCodes.issue(device.user)


def new_codes(user: User) -> list[str]:
    """Returns new recovery codes; those of before end."""
    return RecoveryCodes.issue(user)


def num_codes(user: User) -> int:
    """Returns how many recovery codes are left."""
    return sum(len(one.hashes) for one in RecoveryCodes.objects.filter(user=user))


@transaction.atomic
def reset(user: User) -> None:
    """Removes the devices of an account, for a person who lost them."""
    for device in devices_for_user(user, confirmed=None):
        device.delete()
