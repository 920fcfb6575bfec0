"""Old closed cases lose words and names, everything else stays, and nothing breaks."""

from __future__ import annotations

import io
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from scheduling import append_only, order_history, recorded
from scheduling.minutes import job_times
from scheduling.models import Job
from scheduling.queue import events
from tests.redis_contents import contents
from triage_site.audit.models import AuditRecord
from triage_site.audit.services import seal_all
from triage_site.audit.verification import faults
from triage_site.cases import services
from triage_site.cases.departments import EVERYTHING
from triage_site.cases.find import Wanted, find_cases
from triage_site.cases.models import Case, CaseEvent
from triage_site.ops.monitoring.records import Span, read
from triage_site.retention import cases
from triage_site.retention.retention_testing import CANARY, NOW, OLD, dump, run, whole_case
from triage_site.retention.run import Run
from triage_site.retention.services import apply, plan

pytestmark = pytest.mark.django_db(transaction=True)


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


def test_a_row_that_somebody_changed_before_is_still_told(old_case: Case) -> None:
    while seal_all(NOW):
        pass
    row = CaseEvent.objects.filter(case=old_case, kind=CaseEvent.Kind.OVERRIDDEN).latest("id").pk
    with append_only.unlocked(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE cases_caseevent SET data = %s WHERE id = %s", ['{"note": "forged"}', row]
        )
    (before,) = faults()
    run()
    assert any(one.endswith(before) for one in faults())
    (noted,) = AuditRecord.objects.filter(what="damage")
    assert noted.data["faults"] == [before]
    run()
    assert AuditRecord.objects.filter(what="damage").count() == 1


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
    call_command("explain_order", "--at", moment.isoformat(), stdout=io.StringIO())


def test_nobody_finds_it_by_its_words(old_case: Case) -> None:
    assert find_cases(Wanted(words=CANARY), NOW, EVERYTHING, is_online=True).count() == 1
    run()
    assert find_cases(Wanted(words=CANARY), NOW, EVERYTHING, is_online=True).count() == 0
    assert (
        find_cases(Wanted(words=str(old_case.number)), NOW, EVERYTHING, is_online=True).count() == 1
    )


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
