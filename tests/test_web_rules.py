"""Headers of every answer, the description of the API, and security.txt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from tests.factories import make_case, make_user, token_of

pytestmark = pytest.mark.django_db


def test_records_are_never_stored_by_browsers_or_proxies(client: Client) -> None:
    user = make_user()
    client.force_login(user)
    case = make_case(actor=user)
    token = {"Authorization": f"Bearer {token_of(user)}"}
    paths = ["/", "/cases/new/", "/board/", f"/cases/{case.id}/", f"/cases/{case.id}/facts/"]
    for path in (*paths, "/no/such/page/", f"/api/v1/cases/{case.id}", "/api/v1/queue"):
        answer = client.get(path, headers=token if path.startswith("/api") else None)
        assert "no-store" in answer["Cache-Control"], path


def test_static_files_may_be_stored(client: Client) -> None:
    assert "no-store" not in client.get("/static/icon.svg").headers.get("Cache-Control", "")


@pytest.mark.parametrize("path", ["/api/docs", "/api/openapi.json"])
def test_the_api_is_described_to_strangers_in_demo_mode_only(
    client: Client, settings: Any, path: str
) -> None:
    assert client.get(path).status_code == 200
    settings.TRIAGE_DEMO = False
    assert client.get(path).status_code == 302
    client.force_login(make_user(None))
    assert client.get(path).status_code == 200


def test_security_txt_names_a_contact_and_a_date(client: Client, settings: Any) -> None:
    lines = dict(
        line.split(": ", 1)
        for line in client.get("/.well-known/security.txt").content.decode().splitlines()
    )
    assert lines["Contact"] == "mailto:security@testserver"
    expires = datetime.fromisoformat(lines["Expires"])
    assert timedelta(days=30) < expires - datetime.now(UTC) < timedelta(days=366)
    settings.SECURITY_CONTACT = "https://triage.example/security"
    answer = client.get("/.well-known/security.txt").content.decode()
    assert "Contact: https://triage.example/security\n" in answer
