"""Uploaded files: read elsewhere with bounds, limited by person and site, removed by people."""

from __future__ import annotations

import threading
import time
import uuid
from pathlib import PurePath
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from scheduling.simulator.load_check import num_requests
from scheduling.simulator.workload_files import BadWorkload
from tests.factories import START, at, make_user, token_of
from triage_site.audit.models import AuditRecord
from triage_site.cases.submission_limit import TooMany
from triage_site.ops import services
from triage_site.ops.comparisons import worker
from triage_site.ops.comparisons.test_comparisons import FORM, NO_STOP
from triage_site.ops.models import Comparison, Upload

pytestmark = pytest.mark.django_db

LINES = b"arrival,priority,prompt,output\n0,1,9,5\n1,2,9,5\n"
NAME = PurePath("load.csv")


@pytest.fixture
def user() -> User:
    return make_user()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are not read: a test of many of them."""
    monkeypatch.setattr(services, "num_requests", lambda *_: 2)


def stored(user: User | None, seconds: float = 0.0, content: bytes = LINES) -> Upload:
    return services.store_upload("load.csv", content, actor=user, now=at(seconds))


# -- reading with bounds


def test_a_file_is_counted_in_another_process() -> None:
    assert num_requests(NAME, LINES, 2) == 2
    assert num_requests(NAME, b"\xef\xbb\xbf" + LINES, 5) == 2
    with pytest.raises(BadWorkload, match="holds more than 1 requests"):
        num_requests(NAME, LINES, 1)
    with pytest.raises(BadWorkload, match="is not UTF-8 text"):
        num_requests(NAME, b"\xff\xfe", 1)
    with pytest.raises(BadWorkload, match="line 2: priority"):
        num_requests(NAME, b"arrival,priority,prompt,output\n0,9,1,1\n", 1)


def test_reading_ends_at_its_limits() -> None:
    many = LINES + b"2,2,9,5\n" * 100_000
    with pytest.raises(BadWorkload, match="takes too long to read"):
        num_requests(NAME, many, 10**6, wall_seconds=0.05)
    nested = b"[" + b"[]," * 2_000_000 + b"[]]"
    with pytest.raises(BadWorkload, match="needs too much memory"):
        num_requests(PurePath("load.json"), nested, 10**6, memory_bytes=150_000_000)


def test_a_file_with_too_many_requests_is_refused_before_it_fills_the_memory() -> None:
    begun = time.monotonic()
    large = LINES + b"2,2,9,5\n" * 3_900_000
    with pytest.raises(BadWorkload, match="holds more than 1,000 requests"):
        num_requests(NAME, large, 1_000, memory_bytes=600_000_000)
    assert time.monotonic() - begun < 60


def test_only_one_file_is_read_at_a_time(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, end = threading.Event(), threading.Event()

    def slow(*_: Any) -> int:
        begun.set()
        assert end.wait(30)
        raise ValueError("enough")

    monkeypatch.setattr(services, "num_requests", slow)
    monkeypatch.setattr(services, "_check_space", lambda *_: None)
    failed: list[str] = []

    def send() -> None:
        try:
            stored(None)
        except ValueError as error:
            failed.append(str(error))

    thread = threading.Thread(target=send)
    thread.start()
    assert begun.wait(30)
    with pytest.raises(TooMany, match="another file is being read") as caught:
        stored(user)
    assert caught.value.wait_seconds == 10
    end.set()
    thread.join(30)
    assert failed == ["file: enough"]


@pytest.mark.parametrize("kind", ["image/png", "text/html", "application/zip"])
def test_a_file_that_is_sent_as_something_else_is_refused(user: User, kind: str) -> None:
    client = Client()
    client.force_login(user)
    headers = {"Authorization": f"Bearer {token_of(user)}"}
    file = SimpleUploadedFile("load.csv", LINES, content_type=kind)
    sent = client.post("/api/v1/uploads", {"file": file}, headers=headers)
    assert sent.status_code == 422
    assert "send CSV or JSON" in sent.json()["errors"][0]["reason"]
    file = SimpleUploadedFile("load.csv", LINES, content_type=kind)
    page = client.post("/ops/comparisons/", {**FORM, "kind": "file", "new_file": file})
    assert page.status_code == 422
    assert "send CSV or JSON" in page.content.decode()
    assert not Upload.objects.exists()


# -- limits


@pytest.mark.usefixtures("quick")
def test_a_person_sends_twenty_files_an_hour(user: User) -> None:
    for number in range(20):
        stored(user, number)
    with pytest.raises(TooMany, match="20 files were sent in an hour") as caught:
        stored(user, 100)
    assert caught.value.wait_seconds == 3500
    stored(make_user(), 100)
    for number in range(10):
        stored(user, 3700 + number)
    with pytest.raises(ValueError, match="you may keep 30 uploaded files"):
        stored(user, 8000)


@pytest.mark.usefixtures("quick")
def test_files_take_no_more_than_their_space(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "MAX_OWN_BYTES", 250)
    monkeypatch.setattr(services, "MAX_SITE_BYTES", 500)
    stored(user, content=b"x" * 200)
    with pytest.raises(ValueError, match="file: your uploaded files may take"):
        stored(user, content=b"x" * 51)
    stored(make_user(), content=b"x" * 250)
    with pytest.raises(ValueError, match="file: the uploaded files of the site"):
        stored(make_user(), content=b"x" * 51)


@pytest.mark.usefixtures("quick")
def test_a_limit_is_said_beside_the_field_and_nothing_is_lost(user: User) -> None:
    client = Client()
    client.force_login(user)
    for _ in range(20):
        services.store_upload("a.csv", LINES, actor=user, now=timezone.now())
    file = SimpleUploadedFile("load.csv", LINES)
    data = {**FORM, "kind": "file", "new_file": file, "seed": "77"}
    answer = client.post("/ops/comparisons/", data)
    text = answer.content.decode()
    assert answer.status_code == 429
    assert 3500 < int(answer["Retry-After"]) <= 3600
    assert '<p class="error" id="e-new_file">20 files were sent in an hour' in text
    assert 'value="77"' in text
    headers = {"Authorization": f"Bearer {token_of(user)}"}
    sent = client.post(
        "/api/v1/uploads", {"file": SimpleUploadedFile("load.csv", LINES)}, headers=headers
    )
    assert (sent.status_code, sent.json()["errors"][0]["field"]) == (429, "file")


# -- the end


def compared(user: User, upload: Upload, now: Any = START) -> Comparison:
    load = {"kind": "file", "upload": str(upload.id)}
    return services.create_comparison({"load": load}, actor=user, now=now)


def test_a_person_removes_own_files_and_comparisons_stay(user: User) -> None:
    upload, client = stored(user), Client()
    client.force_login(user)
    made = compared(user, upload)
    path = f"/ops/comparisons/uploads/{upload.id}/remove/"
    assert path in client.get("/ops/comparisons/").content.decode()
    kept = client.post(path, follow=True).content.decode()
    assert "A comparison that waits or runs needs this file" in kept
    worker.turn(NO_STOP, lambda: START)
    before = client.get(f"/ops/comparisons/{made.id}/load.csv").content
    other = Client()
    other.force_login(make_user())
    assert path not in other.get("/ops/comparisons/").content.decode()
    assert other.post(path).status_code == 404
    assert "The file was removed" in client.post(path, follow=True).content.decode()
    assert AuditRecord.objects.filter(what="remove_upload", actor=user).exists()
    assert not Upload.objects.exists()
    page = client.get(f"/ops/comparisons/{made.id}/")
    assert page.status_code == 200
    assert "File that is no longer kept" in page.content.decode()
    assert client.get(f"/ops/comparisons/{made.id}/load.csv").content == before


def test_the_api_removes_own_files(user: User) -> None:
    upload = stored(user)
    mine = {"Authorization": f"Bearer {token_of(user)}"}
    others = {"Authorization": f"Bearer {token_of(make_user())}"}
    auditor = {"Authorization": f"Bearer {token_of(make_user('auditor'))}"}
    path = f"/api/v1/uploads/{upload.id}"
    assert Client().delete(path).status_code == 401
    assert Client().delete(path, headers=auditor).status_code == 403
    assert Client().delete(path, headers=others).status_code == 404
    made = compared(user, upload)
    assert Client().delete(path, headers=mine).status_code == 409
    services.cancel_comparison(made.id, now=START)
    assert Client().delete(path, headers=mine).status_code == 204
    assert Client().delete(path, headers=mine).status_code == 404
    assert Client().delete(f"/api/v1/uploads/{uuid.uuid4()}", headers=mine).status_code == 404
