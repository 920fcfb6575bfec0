"""A charge nurse moves a case that was entered in the wrong department."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from scheduling.models import Job
from tests.factories import make_case, make_department, make_queued_case, make_user, token_of
from triage_site.audit.models import AuditRecord
from triage_site.cases import services
from triage_site.cases.models import Case, CaseEvent
from triage_site.cases.roles import AUDITOR, CHARGE_NURSE

pytestmark = pytest.mark.django_db


@pytest.fixture
def carla() -> User:
    user = make_user(username="carla")
    make_department("PAED", user)
    return user


@pytest.fixture
def anna(carla: User) -> User:
    user = make_user(username="anna")
    make_department("SURG", user)
    return user


@pytest.fixture
def nurse(anna: User) -> User:
    return make_user(CHARGE_NURSE, username="ines")


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def status_for(user: User, case: Case) -> int:
    return client_of(user).get(f"/cases/{case.id}/").status_code


def test_a_case_changes_its_department_with_a_reason(carla: User, anna: User, nurse: User) -> None:
    case = make_case("fell from a swing", actor=anna)
    page, path = client_of(nurse), f"/cases/{case.id}/transfer/"
    assert path in page.get(f"/cases/{case.id}/").content.decode()
    assert path not in client_of(anna).get(f"/cases/{case.id}/").content.decode()
    asked = page.get(path).content.decode()
    assert "It is a case of <strong>Department SURG</strong> now" in asked
    assert '<option value="PAED">' in asked
    assert '<option value="SURG"' not in asked
    assert (status_for(anna, case), status_for(carla, case)) == (200, 403)
    data = {"department": "PAED", "reason": "a child", "version": case.version}
    assert page.post(path, data).headers["Location"] == f"/cases/{case.id}/"
    assert (status_for(anna, case), status_for(carla, case)) == (403, 200)
    event = CaseEvent.objects.get(kind=CaseEvent.Kind.TRANSFERRED)
    expected = {"from": "SURG", "to": "PAED", "reason": "a child", "version": case.version + 1}
    assert (event.actor, event.data) == (nurse, expected)
    assert not AuditRecord.objects.filter(kind=AuditRecord.Kind.ACTED).exists()
    shown = page.get(f"/cases/{case.id}/").content.decode()
    assert "Moved to another department" in shown
    assert "SURG → PAED. a child" in shown
    log = client_of(make_user(AUDITOR)).get("/ops/audit/", {"kind": "acts"}).content.decode()
    assert "from SURG, to PAED" in log


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"department": ""}, 422, "Choose a department"),
        ({"department": "SURG"}, 422, "Choose a department"),
        ({"department": "NONE"}, 422, "Choose a department"),
        ({"reason": " "}, 422, "Enter a reason"),
        ({"version": "7"}, 422, "Somebody was faster"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_lost(
    anna: User, nurse: User, change: dict[str, str], status: int, words: str
) -> None:
    case = make_case(actor=anna)
    data = {"department": "PAED", "reason": "zebrafish", "version": "0", **change}
    answer = client_of(nurse).post(f"/cases/{case.id}/transfer/", data)
    text = answer.content.decode()
    assert answer.status_code == status
    assert words in text
    assert data["reason"].strip() in text
    if data["department"] == "PAED":
        assert '<option value="PAED" selected>' in text
    assert Case.objects.get(id=case.id).department == case.department


def test_the_api_moves_a_case(anna: User, nurse: User) -> None:
    case = make_case(actor=anna)

    def send(user: User, **body: Any) -> Any:
        headers = {"Authorization": f"Bearer {token_of(user)}"}
        path, kind = f"/api/v1/cases/{case.id}/transfer", "application/json"
        return Client().post(path, body, content_type=kind, headers=headers)

    assert send(anna, department="PAED", reason="a child").status_code == 403
    unknown = send(nurse, department="NONE", reason="a child")
    assert unknown.status_code == 422
    assert "there are ED, PAED, SURG" in unknown.json()["errors"][0]["reason"]
    assert send(nurse, department="paed", reason="").status_code == 422
    moved = send(nurse, department="paed", reason="a child")
    assert (moved.status_code, moved.json()["department"]) == (200, "PAED")
    again = send(nurse, department="PAED", reason="a child")
    assert (again.status_code, again.json()["errors"][0]["field"]) == (409, "department")


def test_level_place_and_openings_stay(carla: User, anna: User, nurse: User) -> None:
    job = make_queued_case(2, 0.0, actor=anna)
    case = Case.objects.get(id=job.case_id)
    before = Job.objects.values().get(id=job.id)
    services.open_with_reason(case.id, reason="helps", actor=carla, now=timezone.now())
    services.transfer_case(
        case.id, department="SURG", reason="surgical", actor=nurse, now=timezone.now()
    )
    case.refresh_from_db()
    assert (case.priority, case.department.code) == (2, "SURG")
    assert Job.objects.values().get(id=job.id) == before
    assert status_for(carla, case) == 200


def test_an_anonymised_case_stays_where_it_is(anna: User, nurse: User) -> None:
    case = make_case(actor=anna)
    Case.objects.filter(id=case.id).update(anonymised_at=timezone.now())
    with pytest.raises(services.Conflict, match="anonymised"):
        services.transfer_case(
            case.id, department="PAED", reason="x", actor=nurse, now=timezone.now()
        )


def test_a_site_with_one_department_has_no_such_button() -> None:
    nurse = make_user(CHARGE_NURSE)
    case = make_case(actor=nurse)
    page = client_of(nurse)
    assert "transfer/" not in page.get(f"/cases/{case.id}/").content.decode()
    answer = page.post(f"/cases/{case.id}/transfer/", {"department": "ED", "reason": "x"})
    assert answer.status_code == 422
