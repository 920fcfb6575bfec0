"""Template tags of all pages: level badge, clock and rights."""

from __future__ import annotations

import base64
import uuid
from typing import Any

from django import template
from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.forms import Form
from django.template import Context
from django.utils.crypto import salted_hmac
from django.utils.safestring import SafeString

from scheduling import selectors
from scheduling.models import AdmissionChange
from triage_site.cases.account_notices import Told, shown
from triage_site.cases.case_words import (
    complaint_words,
    patient_doubt,
    patient_words,
    why_not_words,
)
from triage_site.cases.departments import has_several
from triage_site.cases.levels import Clock, Level, clock_html, duration_text, level_of
from triage_site.cases.models import Case
from triage_site.cases.roles import ROLES, Action, may
from triage_site.cases.second_factor import is_missing

register = template.Library()


@register.inclusion_tag("cases/_level.html")
def level_badge(level: Level | int | None, size: str = "") -> dict[str, Any]:
    """Shows number, word and shape of a level; None means that the case has no level yet."""
    return {"level": level_of(level) if isinstance(level, int) else level, "size": size}


@register.simple_tag
def waiting_clock(clock: Clock, *, ticking: bool = True) -> SafeString:
    """Shows waiting time and target. With `ticking` the browser updates the time."""
    return clock_html(clock, ticking=ticking)


@register.simple_tag
def duration(seconds: float) -> str:
    """Returns a duration in words, such as 2 min."""
    return duration_text(seconds)


@register.simple_tag
def patient_of(case: Case) -> str:
    """Returns age and sex as the heading of the case page has them."""
    return patient_words(case) + patient_doubt(case)


@register.simple_tag
def complaint_of(case: Case) -> str:
    """Returns the complaint in one line."""
    return complaint_words(case)


@register.simple_tag
def why_not(case: Case, act: str) -> str:
    """Returns why a form cannot work on the case as it is now; empty where it can."""
    return why_not_words(case, act)


@register.simple_tag
def rights(user: User | AnonymousUser) -> dict[str, bool]:
    """Returns the rights of the user, by the name of the action in lower case."""
    return {action.name.lower(): may(user, action) for action in Action}


@register.simple_tag
def role_name(user: User | AnonymousUser) -> str:
    if user.is_superuser:
        return "administrator"
    if not user.is_authenticated:
        return ""
    groups = set(user.groups.values_list("name", flat=True))
    return next((role for role in ROLES if role in groups), "no role")


@register.simple_tag
def departments_shown(user: User | AnonymousUser) -> bool:
    """Returns whether pages speak of departments: the site has several."""
    return user.is_authenticated and has_several()


@register.simple_tag
def submission_key(form: Form | None = None) -> str:
    """Returns a new key for a form, by which its draft knows that the form was received.

    A form that comes back with what is wrong keeps its key: it is the same entry.
    """
    given = form.data.get("submission_key", "") if form is not None and form.is_bound else ""
    return given or uuid.uuid4().hex


@register.simple_tag
def idle_seconds() -> int:
    """Returns the seconds without a request after which the session ends."""
    return settings.SESSION_COOKIE_AGE


@register.simple_tag
def draft_keys(user: User) -> str:
    """Returns the keys that encrypt the drafts of this person in the browser, in base64, with
    spaces: the present one, and those of old secret keys. Empty before the second factor.

    They are the same in each session, so that a draft outlives the session.
    """
    if is_missing(user):
        return ""
    made = [
        salted_hmac("drafts in a browser", str(user.pk), secret=secret, algorithm="sha256")
        for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    ]
    return " ".join(base64.b64encode(one.digest()).decode() for one in made)


@register.simple_tag
def pause_of_guidance() -> AdmissionChange | None:
    """For pages whose content does not show a pause itself, live."""
    return selectors.pause()


@register.simple_tag
def idle_minutes() -> int:
    return round(settings.SESSION_COOKIE_AGE / 60)


@register.simple_tag(takes_context=True)
def account_notices(context: Context) -> Told | None:
    """Returns what the person must still be told of the account's sign-in."""
    request = context.get("request")
    return None if request is None else shown(request)
