"""Pages and API of an anonymised case answer, and say what happened."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.factories import token_of
from triage_site.cases import services
from triage_site.cases.models import Case
from triage_site.retention.retention_testing import CANARY, NOW, run

pytestmark = pytest.mark.django_db(transaction=True)


PATHS = (
    *("/cases/{id}/", "/cases/{id}/facts/", "/cases/{id}/panel/", "/cases/{id}/guidance/"),
    *("/cases/{id}/print/", "/cases/{id}/order/", "/cases/{id}/reopen/", "/cases/{id}/close/"),
    *("/cases/{id}/vitals/", "/cases/{id}/note/", "/cases/{id}/override/", "/", "/board/"),
    *("/?show=closed", "/cases/?q={number}", "/cases/?status=closed", "/ops/", "/ops/audit/"),
    *("/api/v1/cases/{id}", "/api/v1/cases/{id}/fhir", "/api/v1/cases/{id}/moves"),
    *("/api/v1/cases", "/ops/triage/?days=500", "/ops/triage/signs/", "/ops/comparisons/"),
)


def test_every_page_of_an_anonymised_case_answers(
    old_case: Case, nurse: User, client: Client
) -> None:
    run()
    client.force_login(nurse)
    headers = {"Authorization": f"Bearer {token_of(nurse)}"}
    wrong = {}
    for path in PATHS:
        address = path.format(id=old_case.id, number=old_case.number)
        answer = client.get(address, headers=headers if "api" in path else None)
        if answer.status_code != 200 or CANARY in answer.content.decode():
            wrong[path] = answer.status_code
    assert wrong == {}


def test_the_case_page_says_what_happened(old_case: Case, nurse: User, client: Client) -> None:
    run()
    client.force_login(nurse)
    text = client.get(f"/cases/{old_case.id}/").content.decode()
    assert "40-64 y" in text
    assert "words, names, figures and guidance of this old case were removed" in text
    assert "The text was removed when this old case was anonymised" in text
    for wrong in ("returned no text", "not taken", "No danger sign", "act-reopen"):
        assert wrong not in text


def test_an_anonymised_case_is_not_reopened(old_case: Case, nurse: User) -> None:
    run()
    with pytest.raises(services.Conflict, match="anonymised"):
        services.reopen_case(old_case.id, actor=nurse, now=NOW)
