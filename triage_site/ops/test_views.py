"""The operations page: rights, and policy changes that need a reason and are recorded."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from scheduling.models import Job, PolicyChange
from scheduling.selectors import active_policy_name
from tests.factories import make_case, make_job, make_user
from triage_site.cases import services
from triage_site.cases.models import Case
from triage_site.cases.roles import AUDITOR, CHARGE_NURSE, CLINICIAN
from triage_site.cases.standing import wait_lines

pytestmark = pytest.mark.django_db


@pytest.fixture
def nurse() -> Client:
    client = Client()
    client.force_login(make_user(CHARGE_NURSE, username="ines"))
    return client


def end_job(reason: str, now: datetime) -> None:
    job = make_job(2, 0)
    Job.objects.filter(id=job.id).update(status="done", finish_reason=reason, finished_at=now)


def test_withheld_guidance_is_counted_by_reason(nurse: Client) -> None:
    now = timezone.now()
    reasons = ["direction", "direction", "withheld", "eos", "eos"]
    for reason in reasons:
        end_job(reason, now)
    end_job("urgency", now - timedelta(hours=25))
    text = " ".join(nurse.get("/ops/state/").content.decode().split())
    assert "3 of 5" in text
    assert 'The text contradicted a vital sign.</td><td class="right num">2</td>' in text
    assert "contained a number" in text
    assert "contradicted the level" not in text


def test_every_policy_is_described(nurse: Client) -> None:
    text = nurse.get("/ops/").content.decode()
    for words in (
        "Most urgent level first; within a level, the shortest",
        "First come, first served",
        '<span class="chip">active</span>',
        "No change yet",
    ):
        assert words in text
    assert text.count('<span class="chip">active</span>') == 1


def test_a_switch_is_active_and_recorded(nurse: Client) -> None:
    response = nurse.post(
        "/ops/", {"policy": "fcfs", "reason": "<b>drill</b>", "confirmed": "1"}, follow=True
    )
    text = response.content.decode()
    assert active_policy_name() == "fcfs"
    assert "First come is active now." in text
    assert "ines" in text
    assert "&lt;b&gt;drill&lt;/b&gt;" in text


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"policy": "fcfs", "reason": "  "}, "Enter a reason"),
        ({"policy": "fcfs"}, "Enter a reason"),
        ({"policy": "lifo", "reason": "why not"}, "not one of the available choices"),
        ({"reason": "why not"}, "Choose a policy"),
    ],
)
def test_a_bad_switch_changes_nothing_and_shows_the_error(
    data: dict[str, str], words: str, nurse: Client
) -> None:
    response = nurse.post("/ops/", data)
    assert response.status_code == 422
    assert words in response.content.decode()
    assert not PolicyChange.objects.exists()


@pytest.mark.parametrize("role", [CLINICIAN, AUDITOR, None])
def test_other_roles_get_the_error_page(role: str | None) -> None:
    client = Client()
    client.force_login(make_user(role))
    for response in (client.get("/ops/"), client.post("/ops/", {"policy": "fcfs", "reason": "x"})):
        assert response.status_code == 403
        assert b"You don't have access to this page" in response.content
    assert client.get("/ops/state/").status_code == 403
    assert active_policy_name() == "semantic"


def test_the_state_shows_numbers_of_jobs_and_missing_workers(nurse: Client) -> None:
    make_job(0)
    make_job(0)
    text = nurse.get("/ops/state/").content.decode()
    assert '<span class="figure num">2</span> waiting' in text
    assert "No guidance worker is ready" in text


def test_waits_to_be_seen_are_counted_until_the_patient_is_seen(nurse: Client) -> None:
    now = timezone.now()
    user = make_user(CLINICIAN)
    for minutes in (30, 20):
        case = make_case("cough", actor=user)
        services.classify_without_model(case.id, why="test", now=now)
        Case.objects.filter(id=case.id).update(arrived_at=now - timedelta(minutes=minutes))
    (first, _) = Case.objects.order_by("arrived_at")
    line = wait_lines(now)[1]
    assert (line.num_waiting, line.num_overdue, line.num_seen) == (2, 2, 0)
    services.see_patient(first.id, actor=user, now=now)
    line = wait_lines(now)[1]
    assert (line.num_waiting, line.num_overdue, line.longest_seconds) == (1, 1, 20 * 60)
    assert (line.num_seen, line.median_seconds) == (1, 30 * 60)
    assert "30 min" in nurse.get("/ops/").content.decode()


def test_a_policy_that_ignores_urgency_asks_again(nurse: Client) -> None:
    response = nurse.post("/ops/", {"policy": "sjf", "reason": "calm night"})
    text = response.content.decode()
    assert response.status_code == 422
    assert "Confirm that urgent cases may wait behind others" in text
    assert 'name="confirmed"' in text
    assert "calm night" in text
    assert active_policy_name() == "semantic"
    assert nurse.post("/ops/", {"policy": "pjf", "reason": "x"}).status_code == 302


def test_the_preview_says_who_moves_before_anything_changes(nurse: Client) -> None:
    for seconds, priority in enumerate((4, 3, 0, 0)):
        make_job(priority, seconds)
    text = nurse.get("/ops/preview/?policy=fcfs").content.decode()
    assert "<strong>2</strong> of 4 waiting cases move up, <strong>2</strong> move down" in text
    assert "Waiting times are not known" in text
    assert "ignores urgency" in text
    assert "ignores urgency" not in nurse.get("/ops/preview/?policy=pjf").content.decode()
    assert nurse.get("/ops/preview/?policy=lifo").status_code == 400
    assert active_policy_name() == "semantic"


def test_the_record_of_a_switch_holds_its_preview_and_one_click_undoes_it(nurse: Client) -> None:
    for seconds, priority in enumerate((4, 0)):
        make_job(priority, seconds)
    nurse.post("/ops/", {"policy": "fcfs", "reason": "drill", "confirmed": "1"})
    change = PolicyChange.objects.get()
    assert change.preview["0"] == {
        "waiting": 1,
        "up": 0,
        "down": 1,
        "starts_before": None,
        "starts_after": None,
    }
    text = nurse.post(f"/ops/undo/{change.id}/", follow=True).content.decode()
    assert "Undone. Semantic is active again." in text
    assert active_policy_name() == "semantic"
    again = nurse.post(f"/ops/undo/{change.id}/", follow=True).content.decode()
    assert "Nothing was undone" in again
    assert active_policy_name() == "semantic"


def test_only_those_who_switch_may_preview_or_undo() -> None:
    client = Client()
    client.force_login(make_user(CLINICIAN))
    assert client.get("/ops/preview/?policy=fcfs").status_code == 403
    assert client.post("/ops/undo/1/").status_code == 403
