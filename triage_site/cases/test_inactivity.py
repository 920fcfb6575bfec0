"""A session ends 15 minutes after the last act of a person, whatever a page fetches by itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from tests.factories import make_case, make_user
from tests.site_map import Address, addresses
from triage_site.cases.inactivity import SIGNED_IN_AT
from triage_site.cases.roles import CHARGE_NURSE

pytestmark = pytest.mark.django_db

FRAGMENT = {"HX-Request": "true"}
FETCH = {"Sec-Fetch-Mode": "cors"}
STREAM = {"Accept": "text/event-stream", "Sec-Fetch-Mode": "cors"}


@pytest.fixture
def nurse(client: Client) -> Client:
    client.force_login(make_user(CHARGE_NURSE))
    client.get("/")
    return client


def nearly_over() -> Any:
    end = timezone.now() + timedelta(seconds=60)
    Session.objects.update(expire_date=end)
    return end


@pytest.mark.one_database  # test_roles.py opens the same addresses
@pytest.mark.parametrize("address", addresses("GET"), ids=str)
def test_nothing_that_a_page_fetches_renews_the_session(nurse: Client, address: Address) -> None:
    end = nearly_over()
    path = address.path({"case_id": make_case().id})
    for headers in (FRAGMENT, FETCH, STREAM):
        nurse.get(path, headers=headers)
        assert Session.objects.get().expire_date == end, headers


@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("POST", "/stay/")])
def test_an_act_renews_the_session(nurse: Client, method: str, path: str) -> None:
    end = nearly_over()
    nurse.generic(method, path)
    assert Session.objects.get().expire_date > end + timedelta(minutes=10)


def test_a_session_that_is_over_opens_nothing(nurse: Client) -> None:
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert nurse.get("/").headers["Location"].startswith("/login/")
    assert nurse.post("/stay/").status_code == 302


def test_a_session_ends_twelve_hours_after_the_sign_in(nurse: Client) -> None:
    session = nurse.session
    session[SIGNED_IN_AT] -= 12 * 3600 + 1
    session.save()
    assert nurse.get("/").headers["Location"].startswith("/login/")
    assert not Session.objects.exists()
