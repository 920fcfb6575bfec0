"""Break-glass: the form, the API, the alert, the review, and what is kept of all that."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, transaction
from django.test import Client
from django.utils import timezone
from structlog.testing import capture_logs

from tests.factories import make_case, make_department, make_user, token_of
from triage_site.audit.models import AuditRecord
from triage_site.audit.services import seal_all
from triage_site.audit.verification import faults
from triage_site.cases import services
from triage_site.cases.board import render_board
from triage_site.cases.departments import sight_of
from triage_site.cases.models import Case, CaseEvent, Opening, OpeningNote, Replay
from triage_site.cases.roles import AUDITOR, CHARGE_NURSE

pytestmark = pytest.mark.django_db

WORDS = "zebrafish bite on the elbow"


@pytest.fixture
def case() -> Case:
    """A case of a department of its own."""
    child_nurse = make_user(username="carla")
    make_department("PAED", child_nurse)
    return make_case(WORDS, actor=child_nurse)


@pytest.fixture
def anna(case: Case) -> User:
    user = make_user(username="anna")
    make_department("SURG", user)
    return user


@pytest.fixture
def nurse(case: Case) -> User:
    return make_user(CHARGE_NURSE, username="ines")


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def opened_by(user: User, case: Case, reason: str = "helps in the corridor") -> Opening:
    return services.open_with_reason(case.id, reason=reason, actor=user, now=timezone.now())


def test_a_case_of_another_department_opens_with_a_reason(anna: User, case: Case) -> None:
    page, path = client_of(anna), f"/cases/{case.id}/"
    asked = page.get(path)
    text = asked.content.decode()
    assert asked.status_code == 403
    assert "Department PAED" in text
    assert "60 minutes" in text
    assert WORDS not in text
    refused = page.post(f"{path}break-glass/", {"reason": "  "})
    assert refused.status_code == 422
    assert "Enter why you open this case" in refused.content.decode()
    assert not Opening.objects.exists()
    shown = page.post(f"{path}break-glass/", {"reason": "helps"}, follow=True).content.decode()
    assert WORDS in shown
    assert "You opened this case of Department PAED with a reason" in shown
    opening = Opening.objects.get()
    assert (opening.actor, opening.case, opening.reason) == (anna, case, "helps")
    assert opening.until - opening.at == timedelta(minutes=60)


def test_an_opening_and_each_view_under_it_are_recorded_as_such(anna: User, case: Case) -> None:
    page, path = client_of(anna), f"/cases/{case.id}/"
    page.get(path)
    assert AuditRecord.objects.filter(kind="refused", data__case=case.number).count() == 1
    page.post(f"{path}break-glass/", {"reason": ""})
    page.post(f"{path}break-glass/", {"reason": "helps"})
    assert not CaseEvent.objects.filter(kind="viewed").exists()
    page.get(path)
    page.get(f"{path}facts/", headers={"HX-Request": "true"})
    views = [one.data["opening"] for one in CaseEvent.objects.filter(kind="viewed")]
    assert views == [Opening.objects.get().pk] * 2
    client_of(case.created_by).get(path)
    last = CaseEvent.objects.filter(kind="viewed").order_by("id").last()
    assert last is not None
    assert "opening" not in last.data
    log = client_of(make_user(AUDITOR)).get(f"/ops/audit/?case={case.number}").content.decode()
    assert "Case of another department opened" in log
    assert "reason: helps" in log


def test_a_person_of_the_department_needs_no_reason(case: Case) -> None:
    page = client_of(case.created_by)
    assert page.post(f"/cases/{case.id}/break-glass/", {"reason": "x"}).status_code == 302
    assert not Opening.objects.exists()


def test_a_fragment_leads_to_the_page_that_asks(anna: User, case: Case) -> None:
    answer = client_of(anna).get(f"/cases/{case.id}/panel/", headers={"HX-Request": "true"})
    assert answer.status_code == 403
    assert answer["HX-Redirect"] == f"/cases/{case.id}/"
    assert answer.content == b""


def test_the_api_says_how_to_open_the_case(anna: User, case: Case, client: Client) -> None:
    headers = {"Authorization": f"Bearer {token_of(anna)}"}
    path = f"/api/v1/cases/{case.id}"

    def post(body: dict[str, Any], user: User = anna) -> Any:
        token = {"Authorization": f"Bearer {token_of(user)}"}
        return client.post(f"{path}/break-glass", body, "application/json", headers=token)

    refused = client.get(path, headers=headers)
    (error,) = refused.json()["errors"]
    assert refused.status_code == 403
    assert error["field"] == "department"
    assert f"POST {path}/break-glass" in error["reason"]
    assert [post(body).status_code for body in ({}, {"reason": " "})] == [422, 422]
    assert post({"reason": "x"}, case.created_by).status_code == 409
    opened = post({"reason": "helps"})
    assert opened.status_code == 200
    assert set(opened.json()) == {"at", "until", "reason"}
    assert client.get(path, headers=headers).json()["department"] == "PAED"
    assert client.get("/api/v1/cases", headers=headers).json()["count"] == 0


# -- alert and review


def test_charge_nurses_see_the_alert_until_one_acknowledges(
    anna: User, nurse: User, case: Case
) -> None:
    opening = opened_by(anna, case, "<b>corridor</b>")
    words = f"anna opened case {case.number} of Department PAED"
    alert = render_board(timezone.now(), sight_of(nurse))
    assert words in alert
    assert "&lt;b&gt;corridor" in alert
    for other in (anna, case.created_by, make_user(AUDITOR)):
        assert words not in render_board(timezone.now(), sight_of(other))
    page = client_of(nurse)
    assert words in page.get("/ops/openings/alerts/").content.decode()
    path = f"/ops/openings/{opening.pk}/acknowledge/"
    assert page.post(path, headers={"HX-Request": "true"}).status_code == 204
    assert words not in page.get("/").content.decode()
    assert words not in page.get("/ops/openings/alerts/").content.decode()
    page.post(path)
    assert [note.kind for note in opening.notes.all()] == ["seen"]


def test_an_opening_is_reviewed_with_a_note_that_is_only_added_to(
    anna: User, nurse: User, case: Case
) -> None:
    opening = opened_by(anna, case)
    auditor, path = client_of(make_user(AUDITOR, username="otto")), "/ops/openings/"
    text = auditor.get(f"{path}?unreviewed=1").content.decode()
    assert "helps in the corridor" in text
    assert "still open" in text
    empty = auditor.post(f"{path}{opening.pk}/review/", {"note": " "})
    assert empty.status_code == 422
    assert "Enter what you found" in empty.content.decode()
    auditor.post(f"{path}{opening.pk}/review/", {"note": "was called"})
    assert "was called" in auditor.get(path).content.decode()
    assert "Everything is reviewed" in auditor.get(f"{path}?unreviewed=1").content.decode()
    # The review of an auditor takes no alert from the charge nurse; that of the nurse does.
    assert f"opened case {case.number}" in render_board(timezone.now(), sight_of(nurse))
    client_of(nurse).post(f"{path}{opening.pk}/review/", {"note": "agreed"})
    assert f"opened case {case.number}" not in render_board(timezone.now(), sight_of(nurse))
    notes = list(opening.notes.values_list("kind", "text", "actor__username"))
    assert notes == [
        ("reviewed", "was called", "otto"),
        ("seen", "", "ines"),
        ("reviewed", "agreed", "ines"),
    ]


def test_nobody_reviews_what_they_opened(anna: User, case: Case) -> None:
    opening = opened_by(anna, case)
    anna.groups.set(make_user(CHARGE_NURSE).groups.all())
    page = client_of(anna)
    for act, data in (("review", {"note": "fine"}), ("acknowledge", {})):
        page.post(f"/ops/openings/{opening.pk}/{act}/", data)
    assert not OpeningNote.objects.exists()
    assert "somebody else reviews it" in page.get("/ops/openings/").content.decode()


@pytest.mark.parametrize("change", ["update", "delete"])
@pytest.mark.parametrize("model", [Opening, OpeningNote])
def test_openings_and_reviews_cannot_be_changed(
    model: Any, change: str, anna: User, nurse: User, case: Case
) -> None:
    opening = opened_by(anna, case)
    services.review_opening(opening.pk, note="fine", actor=nurse, now=timezone.now())
    rows = model._base_manager.all()
    with pytest.raises(DatabaseError), transaction.atomic():
        rows.update(actor=nurse) if change == "update" else rows._raw_delete(rows.db)


def test_cases_of_a_replay_go_with_their_openings_and_reviews(
    anna: User, nurse: User, case: Case
) -> None:
    now = timezone.now()
    replay = Replay.objects.create(
        fixture="x", speed=1, started_at=now, started_by=nurse, num_calls=1, heartbeat_at=now,
        status="sent",
    )  # fmt: skip
    Case.objects.filter(id=case.id).update(replay=replay)
    kept = opened_by(anna, make_case(actor=case.created_by))
    for opening in (opened_by(anna, case), kept):
        services.review_opening(opening.pk, note="fine", actor=nurse, now=now)
    seal_all(now)
    assert services.remove_replay(replay.id, actor=nurse, now=now) == 1
    assert list(Opening.objects.all()) == [kept]
    assert {note.opening for note in OpeningNote.objects.all()} == {kept}
    assert list(faults()) == []


def test_many_openings_are_never_refused_and_alert_more_strongly(
    anna: User, nurse: User, case: Case
) -> None:
    others = [make_case(f"case {number}", actor=case.created_by) for number in range(10)]
    page = client_of(anna)
    for one in others:
        assert page.post(f"/cases/{one.id}/break-glass/", {"reason": "rounds"}).status_code == 302
    carl = make_user(username="carl")
    opened_by(carl, case)
    board = client_of(nurse).get("/").content.decode()
    assert "within an hour" not in board
    assert "notice red alert" not in board
    with capture_logs() as logs:
        answer = page.post(f"/cases/{case.id}/break-glass/", {"reason": "rounds"})
    assert answer.status_code == 302
    assert [(one["event"], one["within_an_hour"]) for one in logs if "account" in one] == [
        ("many_openings", 11)
    ]
    for text in (
        client_of(nurse).get("/").content.decode(),
        client_of(nurse).get("/ops/openings/alerts/").content.decode(),
    ):
        assert text.count("notice red alert") == 1
        assert "anna opened 11 cases of other departments within an hour" in text
        assert text.index("notice red alert") < text.index("notice amber alert")
    assert "triage_openings_of_one_person 11.0" in client_of(nurse).get("/metrics").content.decode()
