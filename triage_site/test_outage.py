"""The database is down or locked: a plain answer, and the text is kept."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from tests.factories import make_user, token_of
from triage_site.cases import services
from triage_site.cases.models import Case

pytestmark = pytest.mark.django_db
TEXT = "crushing <b>chest pain"


@pytest.fixture
def locked(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(**_: Any) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(services, "submit_case", fails)


def test_the_form_keeps_what_was_typed(locked: None) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(make_user())
    answer = client.post("/cases/new/", {"text": TEXT, "age": "61", "submission_key": "k1"})
    page = answer.content.decode()
    assert answer.status_code == 503
    assert answer["Retry-After"] == "5"
    assert "The database does not answer" in page
    assert "crushing &lt;b&gt;chest pain" in page
    assert 'name="age" value="61"' in page
    assert 'name="submission_key" value="k1"' in page
    assert not Case.objects.exists()


def test_the_api_says_what_is_down(locked: None) -> None:
    token = token_of(make_user())
    answer = Client(raise_request_exception=False).post(
        "/api/v1/cases",
        {"text": TEXT},
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 503
    assert answer.json()["errors"][0]["field"] == "database"


def test_another_error_stays_a_500(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(**_: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(services, "submit_case", fails)
    client = Client(raise_request_exception=False)
    client.force_login(make_user())
    assert client.post("/cases/new/", {"text": TEXT}).status_code == 500
