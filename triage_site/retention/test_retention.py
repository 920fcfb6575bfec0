"""Old closed cases lose words and names, everything else stays, and nothing breaks."""

from __future__ import annotations

import io
import os
import sqlite3
import subprocess
import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from scheduling import append_only, claimed, order_history, recorded
from scheduling.minutes import job_times
from scheduling.models import Job
from scheduling.queue import events
from tests.factories import make_user
from tests.postgres import find_binaries
from tests.redis_contents import contents
from triage_site.audit.models import AuditRecord
from triage_site.audit.services import seal_all
from triage_site.audit.verification import faults
from triage_site.cases import services
from triage_site.cases.find import Wanted, find_cases
from triage_site.cases.models import ApiToken, Case, CaseEvent
from triage_site.cases.roles import CHARGE_NURSE
from triage_site.classifiers.services import record_shadow_answer
from triage_site.ops.monitoring.records import Span, read
from triage_site.retention import cases
from triage_site.retention.run import Run
from triage_site.retention.services import apply, plan
from triage_site.triage import classify
from triage_site.triage.facts import CaseFacts

pytestmark = pytest.mark.django_db(transaction=True)

NOW = timezone.now()
OLD = NOW - timedelta(days=400)
CANARY = "zebrafinch"


@pytest.fixture(autouse=True)
def _limits(settings: Any) -> None:
    settings.TRIAGE_RETENTION_CASE_DAYS = 365
    settings.TRIAGE_RETENTION_AUDIT_DAYS = None


@pytest.fixture
def nurse() -> User:
    return make_user(CHARGE_NURSE, username="nadia")


def whole_case(nurse: User, word: str, at: datetime, *, close: bool = True) -> Case:
    """A case that went through everything that people can say about it, with the word each time."""

    def later(minutes: float) -> datetime:
        return at + timedelta(minutes=minutes)

    text = f"{word} chest pain radiating to the left arm"
    case, _ = services.submit_case(
        facts=CaseFacts.from_dict({"text": text, "age_years": 61, "sex": "female", "hr_bpm": 104}),
        actor=nurse,
        submission_key=f"visit-{word}-{uuid.uuid4().hex}",
        label=f"Mrs {word}",
        now=at,
    )
    services.record_classification(case.id, classify(case.case_facts), now=later(0.1))
    moved = {"steps": 1, "asked": 1, "reason": f"{word} knows why"}
    services.record(case, CaseEvent.Kind.MOVED, later(0.2), actor=nurse, data=moved)
    write_guidance(case, word, later(0.5))
    person: Any = {"actor": nurse}
    services.record_vitals(
        case.id, readings={"hr_bpm": 180}, note=f"{word} is pale", now=later(1), **person
    )
    services.add_note(case.id, text=f"{word} vomited", now=later(2), **person)
    services.override_priority(
        case.id, priority=1, reason="other", note=f"{word} looks bad", now=later(3), **person
    )
    write_guidance(case, word, later(4))
    services.see_patient(case.id, now=later(5), **person)
    shadow = classify(case.case_facts)
    record_shadow(case, shadow, later(5))
    if close:
        services.close_case(
            case.id, disposition="admitted", reason=f"{word} to the ward", now=later(9), **person
        )
    return Case.objects.get(id=case.id)


def record_shadow(case: Case, answer: Any, now: datetime) -> None:
    case.refresh_from_db()
    record_shadow_answer(
        case_id=case.id, version="shadow", seconds=0.1, failure="", classification=answer,
        active_version="active", active_priority=case.priority or 0, now=now,
    )  # fmt: skip


def write_guidance(case: Case, word: str, now: datetime) -> None:
    job = Job.objects.filter(case_id=case.id).latest("created_at")
    values: Any = {"token": f"t{job.id}", "now": now}
    started = claimed.start_job(job.id, worker="w", model_name="m", policy="semantic", **values)
    assert started
    claimed.finish_job(
        job.id, output=f"SITUATION: {word}", num_tokens=40, finish_reason="stop",
        first_token_at=now, **values,
    )  # fmt: skip


@pytest.fixture
def old_case(redis_client: redis.Redis, nurse: User) -> Case:
    return whole_case(nurse, CANARY, OLD)


def run(now: datetime = NOW) -> dict[str, int]:
    return dict(apply(Run(now=now), rest=lambda seconds: None))


def dump() -> str:
    """The whole database as SQL, written by the program that people make backups with."""
    database = connection.settings_dict
    if connection.vendor == "sqlite":
        with sqlite3.connect(database["NAME"]) as other:
            return "\n".join(other.iterdump())
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("no pg_dump on this machine")
    command = [str((binaries / "initdb").resolve().parent / "pg_dump"), "--inserts"]
    arguments = {"-h": "HOST", "-U": "USER", "-p": "PORT", "-d": "NAME"}
    for option, name in arguments.items():
        if database[name]:
            command += [option, str(database[name])]
    environment = {**os.environ, "PGPASSWORD": str(database["PASSWORD"])}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    # Newer programs write a random word in these lines.
    lines = done.stdout.splitlines()
    return "\n".join(line for line in lines if not line.startswith(("\\restrict", "\\unrestrict")))


def test_no_word_of_an_old_case_remains(old_case: Case, redis_client: redis.Redis) -> None:
    job = Job.objects.filter(case_id=old_case.id).latest("created_at")
    events.append_tokens(redis_client, str(job.id), 1, f"{CANARY} text", 1)
    assert CANARY in dump()
    assert CANARY in contents(redis_client)
    run()
    assert CANARY not in dump()
    assert CANARY not in contents(redis_client)


def test_no_byte_of_it_remains_in_the_file_of_sqlite(old_case: Case) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL leaves that to VACUUM")
    run()
    path = Path(connection.settings_dict["NAME"])
    found = [p for p in path.parent.glob(f"{path.name}*") if CANARY.encode() in p.read_bytes()]
    assert found == []


def test_a_dry_run_changes_nothing_and_counts_what_would_change(old_case: Case) -> None:
    before = dump()
    out = io.StringIO()
    call_command("retention", stdout=out)
    assert dump() == before
    assert "dry run" in out.getvalue()
    planned = dict(plan(NOW))
    assert planned["cases.Case changed"] == 1
    assert planned["cases.CaseNote removed"] == 2
    assert run() == planned


def test_twice_is_once(old_case: Case) -> None:
    run()
    once = dump()
    assert run() == {}
    assert dump() == once


def test_open_and_young_cases_keep_every_byte(old_case: Case, nurse: User) -> None:
    is_open = whole_case(nurse, "quokka", OLD, close=False)
    young = whole_case(nurse, "wombat", NOW - timedelta(days=300))
    before = {word: lines_with(word) for word in ("quokka", "wombat")}
    rows = [rows_of(case) for case in (is_open, young)]
    run()
    assert {word: lines_with(word) for word in before} == before
    assert [rows_of(case) for case in (is_open, young)] == rows


def lines_with(word: str) -> list[str]:
    return sorted(line for line in dump().splitlines() if word in line)


def rows_of(case: Case) -> list[Any]:
    jobs = Job.objects.filter(case_id=case.id).order_by("created_at")
    return [
        list(Case.objects.filter(pk=case.pk).values()),
        list(case.events.values()),
        list(case.vital_sets.values()),
        list(case.notes.values()),
        list(jobs.values()),
    ]


def test_levels_times_counts_and_age_bands_stay(old_case: Case) -> None:
    kinds = list(old_case.events.values_list("kind", "at", "actor"))
    jobs = figures_of_jobs()
    run()
    case = Case.objects.get(pk=old_case.pk)
    kept = ("priority", "suggested_priority", "arrived_at", "seen_at", "closed_at", "disposition")
    assert [getattr(case, name) for name in kept] == [getattr(old_case, name) for name in kept]
    assert (case.age_band, case.anonymised_at) == ("40-64", NOW)
    assert list(case.events.values_list("kind", "at", "actor")) == kinds
    assert figures_of_jobs() == jobs
    assert case.events.get(kind="overridden").data["reason"] == "other"


def figures_of_jobs() -> list[Any]:
    names = ("arrival_at", "started_at", "finished_at", "generated_tokens", "prompt_tokens")
    return list(Job.objects.order_by("created_at").values_list(*names))


def test_the_figures_of_that_time_stay_the_same(old_case: Case) -> None:
    def figures() -> Any:
        begin, end = OLD - timedelta(hours=1), OLD + timedelta(hours=1)
        times = job_times(begin, end, replayed=False)
        span = Span(since=begin, until=end)
        records = read(span)
        return (
            times,
            [job.generated_tokens for job in recorded.recorded_jobs(begin, end)],
            records.final_levels(),
            [(case.given, case.needs_person, case.failed) for case in records.cases],
        )

    before = figures()
    run()
    assert figures() == before
    assert read(Span(since=OLD - timedelta(hours=1), until=NOW)).case_facts() == []


def test_the_order_of_a_past_moment_can_still_be_explained(old_case: Case, nurse: User) -> None:
    moment = OLD + timedelta(seconds=20)
    before = order_history.order_at(moment)
    run()
    assert order_history.order_at(moment) == before
    assert before is not None
    call_command("explain_order", at=moment.isoformat(), stdout=io.StringIO())


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
    headers = {"Authorization": f"Bearer {ApiToken.issue(nurse)}"}
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


def test_nobody_finds_it_by_its_words(old_case: Case) -> None:
    assert find_cases(Wanted(words=CANARY), NOW, is_online=True).count() == 1
    run()
    assert find_cases(Wanted(words=CANARY), NOW, is_online=True).count() == 0
    assert find_cases(Wanted(words=str(old_case.number)), NOW, is_online=True).count() == 1


def test_the_audit_stays_intact_and_says_who_did_what(old_case: Case, nurse: User) -> None:
    while seal_all(NOW):
        pass
    call_command("retention", "--apply", "--as", "nadia", stdout=io.StringIO())
    assert list(faults()) == []
    found = AuditRecord.objects.filter(kind=AuditRecord.Kind.RETENTION)
    assert {one.actor for one in found} == {nurse}
    summary = found.get(what="retention")
    assert summary.data["by"] == "nadia"
    assert summary.data["rule"] == "case days"
    assert summary.data["rows"]["cases.Case changed"] == 1
    assert datetime.fromisoformat(summary.data["cutoff"]) < NOW - timedelta(days=364)
    assert CANARY not in str(list(found.values()))
    while seal_all(NOW):
        pass
    assert list(faults()) == []


def test_another_change_of_an_anonymised_history_is_found(old_case: Case) -> None:
    while seal_all(NOW):
        pass
    run()
    event = old_case.events.get(kind="closed")
    with append_only.unlocked():
        CaseEvent.objects.filter(pk=event.pk).update(data={"disposition": "died"})
    assert list(faults()) == [f"cases_caseevent: row {event.pk} was changed"]


def test_without_limits_all_cases_stay(old_case: Case, settings: Any) -> None:
    settings.TRIAGE_RETENTION_CASE_DAYS = None
    before = dump()
    out = io.StringIO()
    call_command("retention", "--apply", stdout=out)
    assert "all stay; TRIAGE_RETENTION_CASE_DAYS is not set" in out.getvalue()
    assert dump() == before


def test_an_unknown_account_is_refused() -> None:
    with pytest.raises(CommandError, match="no active account nobody"):
        call_command("retention", "--apply", "--as", "nobody", stdout=io.StringIO())


def test_ended_sessions_and_their_searches_go() -> None:
    Session.objects.create(session_key="a", session_data="x", expire_date=NOW - timedelta(days=2))
    Session.objects.create(session_key="b", session_data="x", expire_date=NOW + timedelta(hours=1))
    assert run() == {"sessions.Session removed": 1}
    assert [one.session_key for one in Session.objects.all()] == ["b"]
    assert AuditRecord.objects.get().data["rows"] == {"sessions.Session removed": 1}


def test_a_case_that_was_reopened_meanwhile_is_left_out(old_case: Case, nurse: User) -> None:
    cutoff = NOW - timedelta(days=365)
    assert list(cases.old_cases(cutoff)) == [old_case]
    services.reopen_case(old_case.id, actor=nurse, now=NOW)
    with transaction.atomic():
        locked, _ = cases._locked([old_case.number], cutoff)
    assert locked == []


def test_a_case_whose_guidance_is_still_written_is_left_out(old_case: Case) -> None:
    Job.objects.filter(case_id=old_case.id).update(status="done")
    newest = Job.objects.filter(case_id=old_case.id).latest("created_at")
    Job.objects.filter(id=newest.id).update(status="running")
    assert run() == {}
    assert CANARY in dump()


def test_it_rests_after_each_batch_as_long_as_that_took(
    redis_client: redis.Redis, nurse: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("triage_site.retention.cases.BATCH", 2)
    for number in range(5):
        whole_case(nurse, f"{CANARY}{number}", OLD)
    rests: list[float] = []
    counts = apply(Run(now=NOW), rest=rests.append)
    assert counts["cases.Case changed"] == 5
    assert len(rests) == 3
    assert all(0 < seconds <= 1.0 for seconds in rests)
    assert AuditRecord.objects.filter(what="retention").count() == 3
