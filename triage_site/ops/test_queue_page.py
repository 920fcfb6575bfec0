"""The queue page, the form that moves a case, and their part of the API."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from scheduling import queue_control
from scheduling.selectors import is_paused
from tests.factories import at, make_queued_case, make_user, token_of
from triage_site.cases.board import render_board
from triage_site.cases.models import Case, CaseEvent
from triage_site.cases.panel import render_case_panel
from triage_site.cases.roles import AUDITOR, CHARGE_NURSE, CLINICIAN

pytestmark = pytest.mark.django_db


@pytest.fixture
def nurse() -> User:
    return make_user(CHARGE_NURSE, username="ines")


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def three_cases(nurse: User) -> list[Case]:
    jobs = [make_queued_case(2, float(number), actor=nurse) for number in range(3)]
    return [Case.objects.get(id=job.case_id) for job in jobs]


def test_a_case_is_moved_with_a_reason_and_shown_as_moved(nurse: User) -> None:
    first, _, third = three_cases(nurse)
    client = client_of(nurse)
    form = client.get(f"/cases/{third.id}/move/").content.decode()
    assert "Third in the queue: two cases of level 2 stand before it." in form
    answer = {"direction": "up", "places": "2", "reason": "relatives wait"}
    response = client.post(f"/cases/{third.id}/move/", answer)
    assert response.status_code == 302
    event = CaseEvent.objects.get(kind="moved")
    assert (event.actor, event.data["steps"], event.data["reason"]) == (nurse, 2, "relatives wait")
    assert "moved up by 2 (ines)" in render_board(at(9))
    assert "Next in the queue" in render_case_panel(third.id, at(9))
    assert "Second in the queue" in render_case_panel(first.id, at(9))
    page = client.get(f"/cases/{third.id}/").content.decode()
    assert "Up by 2. relatives wait" in page
    told = client.get(f"/cases/{third.id}/order/").content.decode()
    assert "Moved by a person" in told
    assert "Up by 2, ines" in told


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"direction": "up", "places": "1"}, "Enter a reason"),
        ({"direction": "up", "places": "x", "reason": "r"}, "Enter a whole number of places"),
        ({"places": "1", "reason": "r"}, "Choose a direction"),
        (
            {"direction": "up", "places": "1", "reason": "r"},
            "is the first one of its level already",
        ),
    ],
)
def test_a_move_that_cannot_be_made_says_why(
    nurse: User, answer: dict[str, str], words: str
) -> None:
    first = three_cases(nurse)[0]
    response = client_of(nurse).post(f"/cases/{first.id}/move/", answer)
    assert response.status_code == 422
    assert words in response.content.decode()
    assert not CaseEvent.objects.filter(kind="moved").exists()


def test_only_charge_nurses_act_and_auditors_read(nurse: User) -> None:
    case = three_cases(nurse)[0]
    for role in (CLINICIAN, AUDITOR):
        client = client_of(make_user(role))
        assert client.get(f"/cases/{case.id}/move/").status_code == 403
        assert client.post("/ops/queue/", {"action": "pause", "reason": "r"}).status_code == 403
        assert client.get(f"/cases/{case.id}/order/").status_code == 200
        text = client.get("/ops/queue/").content.decode()
        assert f"Case {case.number}" in text
        assert "Pause guidance" not in text
    assert not is_paused()


PAGES = (
    "/",
    "/cases/",
    "/cases/new/",
    "/ops/",
    "/ops/queue/",
    "/ops/replays/",
    "/ops/comparisons/",
    "/ops/audit/",
    "/ops/triage/",
    "/account/",
)


def test_a_pause_is_shown_everywhere_until_it_ends(nurse: User) -> None:
    case = three_cases(nurse)[0]
    client = client_of(nurse)
    refused = client.post("/ops/queue/", {"action": "pause", "reason": ""})
    assert refused.status_code == 422
    assert "Enter a reason" in refused.content.decode()
    client.post("/ops/queue/", {"action": "pause", "reason": "model update"})
    shown = (
        render_board(at(9)),
        render_case_panel(case.id, at(9)),
        *(client.get(path).content.decode() for path in PAGES),
    )
    for text in shown:
        assert text.count('id="paused"') == 1
        assert "model update" in text
    assert "Next, paused" in shown[0]
    client.post("/ops/queue/", {"action": "resume"})
    assert "Guidance is paused" not in render_board(at(9))
    for path in PAGES:
        assert 'id="paused"' not in client.get(path).content.decode()


def call(user: User, path: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {token_of(user)}"}
    if body is None:
        response = Client().get(f"/api/v1{path}", headers=headers)
    else:
        response = Client().post(
            f"/api/v1{path}", json.dumps(body), content_type="application/json", headers=headers
        )
    return response.status_code, response.json()


def test_the_api_moves_pauses_and_tells(nurse: User) -> None:
    _, second, _ = three_cases(nurse)
    status, told = call(nurse, f"/cases/{second.id}/move", {"steps": 1, "reason": "r"})
    assert status == 200
    assert told["place"] == "Next in the queue: no case stands before it."
    assert told["moved"] == "moved up by 1 (ines)"
    assert call(nurse, f"/cases/{second.id}/move", {"steps": 1, "reason": "r"})[0] == 422
    assert call(nurse, "/admission", {"paused": True})[0] == 422
    assert call(nurse, "/admission", {"paused": True, "reason": "drill"})[0] == 200
    _, queue = call(nurse, "/queue")
    assert queue["admission"]["paused"]
    assert queue["admission"]["by"] == "ines"
    assert call(nurse, f"/cases/{second.id}")[1]["paused"]
    receipts = call(nurse, f"/cases/{second.id}/moves")[1]
    assert [one["kind"] for one in receipts] == ["queued", "moved"]
    clinician = make_user(CLINICIAN)
    assert call(clinician, "/admission", {"paused": False})[0] == 403
    queue_control.resume_admission(actor=nurse, now=at(9))
    assert not call(clinician, "/admission")[1]["paused"]
