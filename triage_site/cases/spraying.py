"""One address that tries few passwords of many names (password spraying).

Counted are the different names that failed from an address within an hour and did not sign in
afterwards, so that a hospital behind one address is not slowed by people who mistype. From the
limit on, a name that has signed in from this address before has one try, and any other none; so
those who work behind the address go on, and an attacker behind it learns little.
"""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from typing import Final

import structlog
from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from triage_site.audit.models import AuditRecord
from triage_site.audit.services import record
from triage_site.audit.sign_ins import address_of
from triage_site.cases.models import FailedName

WINDOW: Final = timedelta(hours=1)

log = structlog.get_logger(__name__)


def is_spraying(request: HttpRequest) -> bool:
    """Returns whether too many different names failed from the address of this request."""
    return num_names(network_of(address_of(request))) >= settings.TRIAGE_FAILED_NAMES


def num_names(network: str) -> int:
    since = timezone.now() - WINDOW
    return FailedName.objects.filter(network=network, at__gt=since).count()


def note_failure(request: HttpRequest, key: str) -> None:
    """Counts a name, by its digest, that failed. The failure that reaches the limit is recorded."""
    FailedName.objects.filter(at__lte=timezone.now() - WINDOW).delete()
    network = network_of(address_of(request))
    _, is_new = FailedName.objects.update_or_create(
        network=network, key=key, defaults={"at": timezone.now()}
    )
    if is_new and (num := num_names(network)) == settings.TRIAGE_FAILED_NAMES:
        data = {"address": address_of(request), "names": num}
        record(AuditRecord.Kind.LOCKED_OUT, timezone.now(), what="many names", data=data)
        log.warning("sign_in_spraying", address=address_of(request), names=num)


def forget(request: HttpRequest, key: str) -> None:
    """The person signed in: the failures before were typing errors."""
    FailedName.objects.filter(network=network_of(address_of(request)), key=key).delete()


def network_of(address: str) -> str:
    """Returns the address, or the /64 network of an IPv6 address: one machine has all of it."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 4:
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))
