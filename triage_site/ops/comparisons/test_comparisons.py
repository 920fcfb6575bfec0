"""Comparisons from the request to the page: run once, resumed, cancelled, refused with a reason."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path, PurePath
from threading import Event as Flag
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from scheduling.comparisons.choices import BadChoice, choices_from
from scheduling.core.policies import POLICIES
from scheduling.models import Job
from scheduling.simulator.workload_files import Reading, parse_workload
from tests.factories import START, at, make_job, make_user, token_of
from tests.wrong_input import CONTENTS
from triage_site.cases.roles import AUDITOR, CHARGE_NURSE, CLINICIAN
from triage_site.cases.submission_limit import TooMany
from triage_site.ops import services
from triage_site.ops.comparisons import worker
from triage_site.ops.comparisons.export import to_json_text
from triage_site.ops.comparisons.loads import load_of
from triage_site.ops.models import Comparison, ComparisonStatus, Upload

pytestmark = pytest.mark.django_db

CROWD = {
    "load": {
        "kind": "synthetic",
        "user_request_gap": 0.01,
        "max_concurrent_user_requests": 20,
    }
}
AZURE = b"""TIMESTAMP,ContextTokens,GeneratedTokens
2023-11-16 18:17:03.9799600,480,10
2023-11-16 18:17:04.0319600,318,8
"""
NO_STOP = Flag()


def run(data: dict[str, Any]) -> Comparison:
    made = services.create_comparison(data, actor=None, now=START)
    assert worker.turn(NO_STOP, lambda: START)
    made.refresh_from_db()
    return made


def client_of(role: str | None) -> Client:
    client = Client()
    client.force_login(make_user(role))
    return client


def without_wall(policies: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {key: value for key, value in one.items() if key != "wall_seconds"}
        for name, one in policies.items()
    }


def command(*flags: str) -> dict[str, Any]:
    out = StringIO()
    call_command("compare", "--json", *flags, stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def test_the_figures_are_those_of_the_command() -> None:
    made = run(CROWD)
    found = command("--user-request-gap", "0.01", "--max-concurrent-user-requests", "20")
    assert made.status == ComparisonStatus.DONE
    assert without_wall(made.results) == without_wall(found["policies"])
    assert made.bound == found["bounds"]


def test_the_exported_requests_give_the_same_figures_again(tmp_path: Path) -> None:
    made = run({"load": {"kind": "fixture", "name": "quiet_evening"}, "policies": ["fcfs"]})
    page = client_of(CLINICIAN).get(f"/ops/comparisons/{made.id}/load.csv")
    path = tmp_path / "load.csv"
    path.write_bytes(page.content)
    found = command("--workload", str(path))
    fcfs = without_wall(made.results)["fcfs"]
    assert fcfs == without_wall(found["policies"])["fcfs"]
    assert made.num_requests == 40


def finished_job(seconds: float, tokens: int, priority: int) -> None:
    job = make_job(priority, seconds)
    Job.objects.filter(id=job.id).update(
        status="done", generated_tokens=tokens, finished_at=at(seconds + 9)
    )


def test_recorded_traffic_of_the_window_alone_is_compared() -> None:
    for seconds, tokens in ((0, 10), (5, 20), (50, 30), (100, 40)):
        finished_job(seconds, tokens, priority=seconds % 4)
    make_job(1, 60)  # has not ended
    window = {"since": at(5).isoformat(), "until": at(100).isoformat()}
    made = run({"load": {"kind": "recorded", **window}})
    assert made.num_requests == 2
    assert made.results["semantic"]["overall"]["count"] == 2


@pytest.mark.parametrize(
    ("load", "reason"),
    [
        ({"kind": "synthetic", "max_concurrent_user_requests": 1, "gap_num": 1}, "no request"),
    ],
)
def test_what_cannot_run_says_why(load: dict[str, Any], reason: str) -> None:
    seeds = [{"load": load, "seed": seed} for seed in range(6)]
    errors = [run(data).error for data in seeds]
    assert any(reason in error for error in errors)


def test_a_request_that_does_not_fit_the_gpu_says_so_on_the_page() -> None:
    head = b"arrival,priority,prompt,output\n"
    stored = services.store_upload("big.csv", head + b"0,1,90000,5\n", actor=None, now=START)
    made = run({"load": {"kind": "file", "upload": str(stored.id)}})
    assert made.status == ComparisonStatus.FAILED
    text = client_of(AUDITOR).get(f"/ops/comparisons/{made.id}/").content.decode()
    assert "could not run" in text
    assert "90000 + 5 tokens" in text


def test_the_measured_setting_needs_records_and_can_be_computed_again(tmp_path: Path) -> None:
    data = {**CROWD, "setting": "measured"}
    assert "at least 10 are needed" in run(data).error
    for number in range(12):
        job = make_job(2, number)
        Job.objects.filter(id=job.id).update(
            status="done",
            attempt=1,
            generated_tokens=50 + number,
            started_at=at(number),
            first_token_at=at(number + 0.2),
            finished_at=at(number + 3),
        )
    made = services.create_comparison(data, actor=None, now=START)
    worker.turn(NO_STOP, lambda: at(60))
    made.refresh_from_db()
    assert made.status == ComparisonStatus.DONE, made.error
    assert computed_again(made, tmp_path) == without_times(made.results)
    assert "Speeds were measured here" in page_of(made)


def computed_again(made: Comparison, folder: Path) -> Any:
    """The figures of `manage.py compare` with the two files that the page offers."""
    results, requests = folder / "results.json", folder / "requests.csv"
    results.write_text(to_json_text(made))
    requests.write_bytes(gzip.decompress(made.load_gzip))
    out = StringIO()
    call_command(
        "compare", "--setting", str(results), "--workload", str(requests), "--json", stdout=out
    )
    return without_times(json.loads(out.getvalue())["policies"])


def without_times(policies: Any) -> Any:
    return {
        name: {key: value for key, value in one.items() if key != "wall_seconds"}
        for name, one in policies.items()
    }


def page_of(made: Comparison) -> str:
    return client_of(AUDITOR).get(f"/ops/comparisons/{made.id}/").content.decode()


def test_each_comparison_is_claimed_once_and_a_silent_one_again() -> None:
    made = services.create_comparison(CROWD, actor=None, now=START)
    first = services.claim_comparison(START)
    assert first is not None
    assert services.claim_comparison(START) is None
    late = START + services.STALE_AFTER + timedelta(seconds=1)
    second = services.claim_comparison(late)
    assert second is not None
    assert second.id == made.id
    assert not services.finish_comparison(first, late)  # an old attempt stores nothing
    assert not services.report_progress(first, 0.5, late)
    assert services.finish_comparison(second, late)


def test_a_comparison_whose_process_dies_again_and_again_fails() -> None:
    made = services.create_comparison(CROWD, actor=None, now=START)
    now = START
    for _ in range(services.MAX_ATTEMPTS):
        assert services.claim_comparison(now)
        now += 2 * services.STALE_AFTER
    assert services.claim_comparison(now) is None
    made.refresh_from_db()
    assert made.status == ComparisonStatus.FAILED
    assert "stopped 3 times" in made.error


def test_a_stopped_process_gives_its_comparison_back() -> None:
    made = services.create_comparison(CROWD, actor=None, now=START)
    stop = Flag()
    stop.set()
    worker.turn(stop, lambda: START)
    made.refresh_from_db()
    assert (made.status, made.attempt) == (ComparisonStatus.QUEUED, 0)


def test_a_cancelled_comparison_stores_nothing() -> None:
    made = services.create_comparison(CROWD, actor=None, now=START)
    claimed = services.claim_comparison(START)
    assert claimed is not None
    assert services.cancel_comparison(made.id, now=START)
    assert not services.finish_comparison(claimed, START)
    assert not services.cancel_comparison(made.id, now=START)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"a,b\n1,2\n", "found: a, b"),
        (b"arrival,priority,prompt,output\n", "contains no requests"),
        (b"arrival,priority,prompt,output\n0,9,1,1\n", "line 2: priority"),
    ],
)
def test_a_broken_upload_says_what_is_wrong(content: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        services.store_upload("load.csv", content, actor=None, now=START)


@pytest.mark.one_database  # the file is read by a process that knows none
@pytest.mark.parametrize("suffix", [".csv", ".json", ".jsonl", ""])
@pytest.mark.parametrize("kind", [*CONTENTS, "NUL in a name"])
def test_no_upload_ends_with_an_error_of_the_server(kind: str, suffix: str) -> None:
    of_name = b"id,arrival,priority,prompt,output\na\0b,0,1,1,1\n"
    content = CONTENTS.get(kind, of_name)
    client = client_of(CLINICIAN)
    file = SimpleUploadedFile(f"load{suffix}", content)
    response = client.post("/ops/comparisons/", {**FORM, "kind": "file", "new_file": file})
    assert response.status_code in (302, 422), response.content[-500:]
    assert Comparison.objects.count() == (response.status_code == 302)


@pytest.mark.parametrize("upload", ["nonsense", "6f1c0c3a-0000-4000-8000-000000000000"])
def test_an_unknown_upload_is_refused(upload: str) -> None:
    with pytest.raises(BadChoice, match="no such upload"):
        services.create_comparison(
            {"load": {"kind": "file", "upload": upload}}, actor=None, now=START
        )


def test_the_load_of_a_comparison_runs_no_formula_and_is_read_back(call: Call) -> None:
    head = b"id,arrival,priority,prompt,output\n"
    rows = b"=1+1,0,1,9,5\n@x,1,2,9,5\n-2,2,3,9,5\n"
    stored = services.store_upload("x.csv", head + rows, actor=None, now=START)
    made = run({"load": {"kind": "file", "upload": str(stored.id)}})
    assert made.status == ComparisonStatus.DONE, made.error
    page = client_of(AUDITOR).get(f"/ops/comparisons/{made.id}/load.csv").content.decode()
    answer = call("get", f"comparisons/{made.id}/load").content.decode()
    assert page == answer
    assert [line.partition(",")[0] for line in page.splitlines()] == ["id", "'=1+1", "'@x", "-2"]
    again = parse_workload(PurePath("load.csv"), page, Reading())
    assert [work.id for work in again.works] == ["=1+1", "@x", "-2"]
    Comparison.objects.update(load_gzip=gzip.compress(page.replace("'", "").encode()))  # as before
    assert client_of(AUDITOR).get(f"/ops/comparisons/{made.id}/load.csv").content.decode() == page


# -- limits of one person


def test_a_person_has_three_comparisons_at_once_and_thirty_an_hour() -> None:
    user, other = make_user(CLINICIAN), make_user(CLINICIAN)
    for number in range(3):
        services.create_comparison(CROWD, actor=user, now=at(number))
    with pytest.raises(TooMany, match="3 comparisons of yours wait or run") as caught:
        services.create_comparison(CROWD, actor=user, now=at(3))
    assert caught.value.wait_seconds is None
    services.create_comparison(CROWD, actor=other, now=at(3))
    Comparison.objects.update(status=ComparisonStatus.DONE)
    for number in range(3, 30):
        made = services.create_comparison(CROWD, actor=user, now=at(number))
        services.cancel_comparison(made.id, now=at(number))
    with pytest.raises(TooMany, match="in 59 min") as caught:
        services.create_comparison(CROWD, actor=user, now=at(100))
    assert caught.value.wait_seconds == 3500
    services.create_comparison(CROWD, actor=user, now=at(3600))


def test_one_comparison_too_many_is_said_and_the_form_stays() -> None:
    user = make_user(CLINICIAN)
    client = Client()
    client.force_login(user)
    for _ in range(3):
        services.create_comparison(CROWD, actor=user, now=timezone.now())
    answer = client.post("/ops/comparisons/", {**FORM, "seed": "77"})
    text = answer.content.decode()
    assert answer.status_code == 429
    assert "3 comparisons of yours wait or run" in text
    assert 'value="77"' in text
    headers = {"Authorization": f"Bearer {token_of(user)}"}
    path = "/api/v1/comparisons"
    sent = client.post(path, CROWD, content_type="application/json", headers=headers)
    assert sent.status_code == 429
    assert sent.json()["errors"][0]["field"] == "comparisons"
    Comparison.objects.update(status=ComparisonStatus.DONE)
    for _ in range(27):
        made = services.create_comparison(CROWD, actor=user, now=timezone.now())
        services.cancel_comparison(made.id, now=timezone.now())
    sent = client.post(path, CROWD, content_type="application/json", headers=headers)
    assert sent.status_code == 429
    assert 3500 < int(sent["Retry-After"]) <= 3600


# -- pages


FORM = {
    "kind": "synthetic",
    "user_request_gap": "0.01",
    "max_concurrent_user_requests": "20",
    "gap_num": "20",
    "setting": "A100_4B",
    "policies": ["semantic", "fcfs"],
    "seed": "0",
    "error": "none",
}


def test_the_form_starts_a_comparison_and_its_page_shows_progress_then_results() -> None:
    client = client_of(CLINICIAN)
    response = client.post("/ops/comparisons/", FORM)
    made = Comparison.objects.get()
    assert response.headers["Location"] == f"/ops/comparisons/{made.id}/"
    waiting = client.get(f"/ops/comparisons/{made.id}/").content.decode()
    assert "Waiting to start" in waiting
    assert 'hx-trigger="every 1s"' in waiting
    worker.turn(NO_STOP, lambda: START)
    fragment = client.get(f"/ops/comparisons/{made.id}/progress/")
    assert fragment.headers["HX-Refresh"] == "true"
    done = client.get(f"/ops/comparisons/{made.id}/").content.decode()
    for words in ("Verdict", "serves levels 0 and 1 soonest", "Who held the slots", "<svg"):
        assert words in done
    assert "style=" not in done


def test_a_file_can_be_uploaded_with_the_form() -> None:
    data = {**FORM, "kind": "file", "new_file": SimpleUploadedFile("azure.csv", AZURE)}
    client_of(CHARGE_NURSE).post("/ops/comparisons/", data)
    worker.turn(NO_STOP, lambda: START)
    made = Comparison.objects.get()
    assert made.status == ComparisonStatus.DONE
    assert any("Azure" in note for note in made.notes)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "recorded", "since": "soon"}, "Enter a valid date/time"),
        ({"kind": "recorded", "since": "0001-01-01T00:00"}, "Enter a year from 1900 to 2199"),
        ({"kind": "recorded", "since": "2026-03-01T09:00", "until": "2026-03-01T08:00"}, "later"),
        (
            {"kind": "recorded", "since": "2020-01-01T09:00", "until": "2020-01-02T08:00"},
            "no recorded case with guidance arrived in the window 2020-01-01",
        ),
        (
            {"kind": "recorded", "since": "0001-01-01T09:00", "until": "2020-01-02T08:00"},
            "Enter a year from",
        ),
        ({"kind": "file", "new_file": SimpleUploadedFile("x.csv", b" \n")}, "is empty"),
        ({"policies": []}, "Choose at least one policy"),
        ({"gap_num": "many"}, "Enter a whole number"),
        ({"slots": "0"}, "Enter a whole number from 1 to 1,024"),
        ({"error_rate": "2"}, "Enter a number from 0 to 1"),
        ({"kind": "file"}, "Choose a file"),
        ({"kind": "file", "new_file": SimpleUploadedFile("x.csv", b"a,b\n1,2\n")}, "found: a, b"),
    ],
)
def test_a_bad_form_says_so_at_the_field_and_keeps_the_rest(
    change: dict[str, Any], words: str
) -> None:
    response = client_of(CLINICIAN).post("/ops/comparisons/", {**FORM, "seed": "77", **change})
    text = response.content.decode()
    assert response.status_code == 422
    assert words in text
    assert 'value="77"' in text
    assert not Comparison.objects.exists()


@pytest.mark.parametrize(
    "wrong", [{"slots": "0"}, {"policies": []}, {"seed": "x"}, {"error_rate": "2"}]
)
def test_a_file_that_came_is_kept_while_another_field_is_wrong(wrong: dict[str, Any]) -> None:
    client = client_of(CHARGE_NURSE)
    data = {**FORM, "kind": "file", "new_file": SimpleUploadedFile("azure.csv", AZURE)}
    text = client.post("/ops/comparisons/", {**data, **wrong}).content.decode()
    kept = Upload.objects.get()
    assert "<strong>azure.csv</strong> was received and is kept" in text
    assert f'<option value="{kept.id}" selected>azure.csv' in text
    again = {**FORM, "kind": "file", "upload": str(kept.id)}
    assert client.post("/ops/comparisons/", again).status_code == 302
    assert Comparison.objects.get().choices["load"]["upload"] == str(kept.id)


def test_a_file_that_came_is_kept_where_a_person_has_too_many_comparisons() -> None:
    client = client_of(CHARGE_NURSE)
    for _ in range(3):
        assert client.post("/ops/comparisons/", FORM).status_code == 302
    data = {**FORM, "kind": "file", "new_file": SimpleUploadedFile("azure.csv", AZURE)}
    answer = client.post("/ops/comparisons/", data)
    assert answer.status_code == 429
    assert f'<option value="{Upload.objects.get().id}" selected>' in answer.content.decode()


@pytest.mark.parametrize(
    "hidden", [{"since": "soon"}, {"gap_num": "many"}, {"speed": "fast"}, {"priorities": "tea"}]
)
def test_a_wrong_field_that_the_page_hides_stops_nothing(hidden: dict[str, Any]) -> None:
    kind = "fixture" if "gap_num" in hidden else "synthetic"
    data = {**FORM, "kind": kind, "name": "mass_casualty", **hidden}
    assert client_of(CHARGE_NURSE).post("/ops/comparisons/", data).status_code == 302


def test_a_fixture_can_be_sent_faster() -> None:
    def arrivals(speed: float) -> list[float]:
        load = {"kind": "fixture", "name": "quiet_evening", "speed": speed}
        return [work.arrival_seconds for work in load_of(choices_from({"load": load})).works]

    assert arrivals(60) == [at / 60 for at in arrivals(1)]


def test_what_is_wrong_is_named_as_its_field_is() -> None:
    bad = {**FORM, "gap_num": "many", "error_rate": "x", "seed": "x"}
    text = client_of(CLINICIAN).post("/ops/comparisons/", bad).content.decode()
    for name, label in (("gap_num", "Groups"), ("error_rate", "Wrong share"), ("seed", "Seed")):
        assert f'<a href="#f-{name}">{label}: Enter a' in text
        assert re.search(rf'<label for="f-{name}">{label}\b', text)


def test_a_comparison_of_a_policy_that_is_gone_stays_readable() -> None:
    made = run(CROWD)
    Comparison.objects.update(choices={**made.choices, "policies": ["withdrawn"]})
    client = client_of(AUDITOR)
    for path in ("/ops/comparisons/", f"/ops/comparisons/{made.id}/"):
        assert "A100_4B" in client.get(path).content.decode()


def test_auditors_read_and_do_not_write() -> None:
    made = run(CROWD)
    client = client_of(AUDITOR)
    page = client.get("/ops/comparisons/").content.decode()
    assert str(made.id) in page
    assert "New comparison" not in page
    assert client.get(f"/ops/comparisons/{made.id}/").status_code == 200
    for path in ("/ops/comparisons/", f"/ops/comparisons/{made.id}/cancel/"):
        assert client.post(path, FORM).status_code == 403
    assert client_of(None).get("/ops/comparisons/").status_code == 403


@pytest.mark.parametrize("what", ["results.csv", "results.json", "load.csv"])
def test_exports(what: str) -> None:
    made = run(CROWD)
    response = client_of(AUDITOR).get(f"/ops/comparisons/{made.id}/{what}")
    assert "attachment" in response.headers["Content-Disposition"]
    text = response.content.decode()
    if what == "results.json":
        assert json.loads(text)["results"] == made.results
    elif what == "results.csv":
        lines = text.splitlines()
        assert len(lines) == 1 + 6 * len(POLICIES)
        mean = made.results["semantic"]["overall"]["mean"]
        assert any(line.startswith("semantic,all,") and f",{mean}," in line for line in lines)
    else:
        assert len(text.splitlines()) == made.num_requests + 1


def test_an_unfinished_or_unknown_comparison_has_no_exports() -> None:
    made = services.create_comparison(CROWD, actor=None, now=START)
    client = client_of(CLINICIAN)
    assert client.get(f"/ops/comparisons/{made.id}/results.csv").status_code == 404
    unknown = "6f1c0c3a-0000-4000-8000-000000000000"
    assert client.get(f"/ops/comparisons/{unknown}/").status_code == 404


# -- API

Call = Callable[..., Any]


@pytest.fixture
def call() -> Call:
    tokens = {role: token_of(make_user(role)) for role in (CLINICIAN, AUDITOR)}

    def send(method: str, path: str, role: str = CLINICIAN, **values: Any) -> Any:
        headers = {"Authorization": f"Bearer {tokens[role]}"}
        return getattr(Client(), method)(f"/api/v1/{path}", headers=headers, **values)

    return send


def post(call: Call, path: str, body: dict[str, Any], role: str = CLINICIAN) -> Any:
    return call("post", path, role, data=json.dumps(body), content_type="application/json")


def test_the_api_takes_a_comparison_and_answers_with_its_results(call: Call) -> None:
    answer = post(call, "comparisons", {**CROWD, "policies": ["fcfs", "semantic"], "slots": 4})
    assert answer.status_code == 202
    path = f"comparisons/{answer.json()['id']}"
    assert call("get", path).json()["status"] == "queued"
    worker.turn(NO_STOP, lambda: START)
    found = call("get", path, AUDITOR).json()
    assert (found["status"], found["progress"]) == ("done", 1.0)
    assert list(found["results"]) == ["semantic", "fcfs"]
    line = found["results"]["semantic"]["by_priority"]["0"]
    assert {"count", "mean", "p50", "p90", "max", "before_deadline"} <= set(line)
    assert found["bound"]["overall"] > 0
    flags = ("--user-request-gap", "0.01", "--max-concurrent-user-requests", "20")
    expected = command(*flags, "--batch-size", "4")["policies"]["fcfs"]
    assert found["results"]["fcfs"]["overall"] == expected["overall"]
    assert call("get", f"{path}/load").content.startswith(b"id,group,sent,arrival")


def test_the_api_takes_an_azure_file(call: Call) -> None:
    sent = call("post", "uploads", data={"file": SimpleUploadedFile("azure.csv", AZURE)})
    assert (sent.status_code, sent.json()["num_requests"]) == (201, 2)
    body = {"load": {"kind": "file", "upload": sent.json()["id"], "priorities": "by-length"}}
    made = post(call, "comparisons", body).json()
    worker.turn(NO_STOP, lambda: START)
    found = call("get", f"comparisons/{made['id']}").json()
    counts = {k: v["count"] for k, v in found["results"]["fcfs"]["by_priority"].items()}
    assert counts == {"0": 1, "1": 0, "2": 1, "3": 0, "4": 0}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "load"),
        ({"load": {"kind": "tea"}}, "load.kind"),
        ({"load": {"kind": "fixture", "name": "nope"}}, "name"),
        ({**CROWD, "colour": "red"}, "colour"),
        ({**CROWD, "setting": "A5000_7B"}, "setting"),
        ({**CROWD, "slots": "many"}, "slots"),
    ],
)
def test_the_api_names_the_field_that_is_wrong(
    call: Call, body: dict[str, Any], field: str
) -> None:
    answer = post(call, "comparisons", body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


def test_the_api_keeps_the_roles(call: Call) -> None:
    assert post(call, "comparisons", CROWD, AUDITOR).status_code == 403
    made = post(call, "comparisons", CROWD).json()
    assert post(call, f"comparisons/{made['id']}/cancel", {}, AUDITOR).status_code == 403
    assert post(call, f"comparisons/{made['id']}/cancel", {}).json()["status"] == "cancelled"


@pytest.mark.parametrize("wrong", [True, "0", 1.5, [], {}])
def test_the_api_takes_no_other_kind_of_value_for_a_number(call: Call, wrong: Any) -> None:
    for body in ({**CROWD, "seed": wrong}, {"load": {**CROWD["load"], "gap_num": wrong}}):
        assert post(call, "comparisons", body).status_code == 422
    assert not Comparison.objects.exists()
