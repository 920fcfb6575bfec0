"""A flood of one submitter: refused with a computed time, never for urgent cases."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from scheduling import messages
from tests.factories import make_user, token_of
from triage_site.cases import api, services, submission_limit, views
from triage_site.cases.models import Case
from triage_site.cases.submission_limit import SubmissionLimit

MILD = {"text": "needs a repeat prescription, no complaint"}
URGENT = {"text": "not breathing, no pulse"}


def limit_to(patch: pytest.MonkeyPatch, limit: SubmissionLimit) -> None:
    """Sets the limit of the form and the API."""
    for module in (submission_limit, api, views):
        patch.setattr(module, "submissions", limit)


@given(st.lists(st.floats(0, 5), max_size=60))
def test_after_the_computed_wait_the_case_is_accepted(gaps: list[float]) -> None:
    now = 0.0
    limit = SubmissionLimit(per_second=2.0, burst=5, clock=lambda: now)
    accepted: list[float] = []
    for gap in gaps:
        now += gap
        wait = limit.wait_seconds(1)
        if wait:
            now += wait
            assert limit.wait_seconds(1) == 0
        limit.count(1)
        accepted.append(now)
        assert limit.wait_seconds(2) == 0  # another submitter
    for first, sixth in zip(accepted, accepted[5:], strict=False):
        assert sixth - first >= 0.5 - 1e-6


def test_a_flood_begins_before_the_refusal() -> None:
    limit = SubmissionLimit(per_second=1.0, burst=10, flood=3, clock=lambda: 0.0)
    floods = []
    for _ in range(6):
        floods.append(limit.is_flood(1))
        limit.count(1)
    assert floods == [False] * 4 + [True] * 2


@pytest.mark.django_db
def test_the_api_refuses_a_flood_but_no_urgent_case(monkeypatch: pytest.MonkeyPatch) -> None:
    limit_to(monkeypatch, SubmissionLimit(0.1, 2, clock=lambda: 0.0))
    headers = {"Authorization": f"Bearer {token_of(make_user())}"}

    def post(body: dict[str, Any]) -> Any:
        return Client().post(
            "/api/v1/cases", body, content_type="application/json", headers=headers
        )

    assert [post(MILD).status_code for _ in range(3)] == [201, 201, 429]
    refused = post(MILD)
    assert refused["Retry-After"] == "10"
    assert refused.json()["errors"][0]["field"] == "cases"
    assert post(URGENT).status_code == 201
    other = {"Authorization": f"Bearer {token_of(make_user())}"}
    answer = Client().post("/api/v1/cases", MILD, content_type="application/json", headers=other)
    assert answer.status_code == 201


@pytest.mark.django_db
def test_a_flood_is_classified_after_others(
    monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    limit_to(monkeypatch, SubmissionLimit(0.1, 9, flood=1, clock=lambda: 0.0))
    sent: list[int | None] = []

    def send(message: messages.Message) -> bool:
        sent.append(message.priority)
        return True

    monkeypatch.setattr(messages, "send", send)
    headers = {"Authorization": f"Bearer {token_of(make_user())}"}
    with django_capture_on_commit_callbacks(execute=True):
        for body in (MILD, MILD, MILD, URGENT):
            Client().post("/api/v1/cases", body, content_type="application/json", headers=headers)
    assert sent == [None, None, services.LAST_IN_TURN, None]


@pytest.mark.django_db
def test_the_form_has_the_same_limit_and_keeps_what_was_typed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limit_to(monkeypatch, SubmissionLimit(0.1, 2, clock=lambda: 0.0))
    user = make_user()
    client = Client()
    client.force_login(user)
    headers = {"Authorization": f"Bearer {token_of(user)}"}
    assert client.post("/cases/new/", MILD).status_code == 302

    def by_api(body: dict[str, str]) -> int:
        path, kind = "/api/v1/cases", "application/json"
        return Client().post(path, body, content_type=kind, headers=headers).status_code

    assert by_api(MILD) == 201
    entry = {**MILD, "age": "41", "hr_bpm": "88", "label": "bed 9", "submission_key": "k1"}
    answer = client.post("/cases/new/", entry)
    text = answer.content.decode()
    assert (answer.status_code, answer["Retry-After"]) == (429, "10")
    assert "Submit this complaint again in 10 seconds" in text
    assert 'id="e-text"' in text
    for typed in entry.values():
        assert typed in text
    assert Case.objects.count() == 2
    assert client.post("/cases/new/", URGENT).status_code == 302
    assert by_api(MILD) == 429
    assert Case.objects.count() == 3


@pytest.mark.django_db
def test_a_flood_by_the_form_is_classified_after_others(
    monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    limit_to(monkeypatch, SubmissionLimit(0.1, 9, flood=1, clock=lambda: 0.0))
    sent: list[int | None] = []

    def send(message: messages.Message) -> bool:
        sent.append(message.priority)
        return True

    monkeypatch.setattr(messages, "send", send)
    client = Client()
    client.force_login(make_user())
    with django_capture_on_commit_callbacks(execute=True):
        for body in (MILD, MILD, MILD, URGENT):
            client.post("/cases/new/", body)
    assert sent == [None, None, services.LAST_IN_TURN, None]


@pytest.mark.parametrize("where", ["text", "label", "key"])
@pytest.mark.parametrize("bad", ["\x00", "\ud800"])
@pytest.mark.django_db
def test_text_that_no_database_stores_is_refused(where: str, bad: str) -> None:
    headers = {"Authorization": f"Bearer {token_of(make_user())}"}
    body = {"text": "cough", "label": "bed 4"}
    if where == "key":
        if bad != "\x00":
            pytest.skip("a header holds no surrogate")
        headers["Idempotency-Key"] = f"k{bad}"
    else:
        body[where] += bad
    answer = Client().post("/api/v1/cases", body, content_type="application/json", headers=headers)
    assert answer.status_code == 422
    assert "cough" not in answer.content.decode()
