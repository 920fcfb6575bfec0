"""The audit's own retention: what went is told apart from what was cut."""

from __future__ import annotations

import io
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from scheduling import append_only
from scheduling.models import AdmissionChange, PolicyChange, QueueMove
from tests.factories import make_case, make_user
from triage_site.audit.models import AuditRecord, AuditSeal
from triage_site.audit.services import record, seal_all
from triage_site.audit.verification import faults
from triage_site.cases import services
from triage_site.cases.models import Case, CaseEvent
from triage_site.retention import audit, cases
from triage_site.retention.run import Run
from triage_site.retention.services import apply, plan

pytestmark = pytest.mark.django_db

NOW = timezone.now()
YEAR = timedelta(days=365)
Kind = AuditRecord.Kind


@pytest.fixture(autouse=True)
def _audit_limit(limits: None, settings: Any) -> None:
    settings.TRIAGE_RETENTION_AUDIT_DAYS = 5 * 365


def seal(now: datetime) -> None:
    while seal_all(now):
        pass


def run(now: datetime = NOW) -> dict[str, int]:
    return dict(apply(Run(now=now), rest=lambda seconds: None))


def closed_case(word: str, at: datetime) -> Case:
    actor = make_user()
    case = make_case(word, actor=actor)
    with append_only.unlocked():
        CaseEvent.objects.filter(case=case).update(at=at)
    Case.objects.filter(pk=case.pk).update(arrived_at=at)
    record(Kind.SIGNED_IN, at, actor=actor)
    services.classify_without_model(case.id, why="test", now=at)
    services.record(case, CaseEvent.Kind.VIEWED, at, actor=actor, data={"via": "page"})
    services.close_case(case.id, disposition="died", reason=word, actor=actor, now=at)
    return case


@pytest.fixture
def years() -> list[Case]:
    """A site of eight years: a case, sign-ins, a switch and a pause in each; sealed each year."""
    cases = []
    actor = make_user()
    for age in range(8, -1, -1):
        at = NOW - age * YEAR - timedelta(hours=1)
        cases.append(closed_case(f"case of {age} years ago", at))
        PolicyChange.objects.create(
            changed_at=at, old="fcfs", new="semantic", reason=f"Mrs {age} complained", actor=actor
        )
        AdmissionChange.objects.create(changed_at=at, paused=False, reason="", actor=actor)
        seal(at + timedelta(minutes=1))
    return cases


def test_an_old_audit_goes_and_the_rest_is_intact(years: list[Case]) -> None:
    before = AuditSeal.objects.count()
    cutoff = NOW - 5 * YEAR
    assert list(faults()) == []
    run()
    assert list(faults()) == []
    assert not AuditRecord.objects.filter(at__lt=cutoff).exists()
    assert not AuditSeal.objects.filter(at__lt=cutoff).exists()
    assert not CaseEvent.objects.filter(at__lt=cutoff).exists()
    assert not QueueMove.objects.filter(at__lt=cutoff).exists()
    assert AuditSeal.objects.count() < before + 10
    assert Case.objects.count() == 9  # levels and times for statistics
    seal(NOW + timedelta(minutes=1))
    assert list(faults()) == []
    call_command("verify_audit", stdout=io.StringIO())


def test_switches_stay_without_their_reason(years: list[Case]) -> None:
    run()
    found = PolicyChange.objects.order_by("changed_at")
    assert [bool(one.reason) for one in found] == [False] * 4 + [True] * 5
    assert {one.new for one in found} == {"semantic"}


def test_a_dry_run_counts_and_changes_nothing(years: list[Case]) -> None:
    before = [list(model.objects.values()) for model in (AuditRecord, AuditSeal, CaseEvent)]
    planned = plan(NOW)
    assert planned["audit.AuditRecord removed"] == 4
    assert planned["audit.AuditSeal removed"] > 4
    assert planned["scheduling.PolicyChange changed"] == 4
    after = [list(model.objects.values()) for model in (AuditRecord, AuditSeal, CaseEvent)]
    assert after == before


def test_twice_is_once_and_each_year_goes_on(years: list[Case]) -> None:
    run()
    before = [list(model.objects.values()) for model in (AuditRecord, AuditSeal, CaseEvent)]
    assert run() == {}
    after = [list(model.objects.values()) for model in (AuditRecord, AuditSeal, CaseEvent)]
    assert after == before
    for year in range(1, 8):
        at = NOW + year * YEAR
        record(Kind.SIGNED_IN, at)
        seal(at)
        run(at + timedelta(hours=1))
        seal(at + timedelta(hours=2))
        assert list(faults()) == [], year
    oldest = AuditRecord.objects.exclude(what=AuditSeal._meta.db_table).earliest("at")
    assert oldest.at > NOW + timedelta(days=7 * 365) - 5 * YEAR - timedelta(days=2)


def test_a_cut_is_told_from_a_removal(years: list[Case]) -> None:
    run()
    first = AuditSeal.objects.earliest("id")
    with append_only.unlocked():
        AuditSeal.objects.filter(pk=first.pk).delete()
    assert any("does not follow the seal before it" in fault for fault in faults())


def test_without_its_anchor_the_chain_counts_as_cut(years: list[Case]) -> None:
    run()
    with append_only.unlocked():
        AuditRecord.objects.filter(what=AuditSeal._meta.db_table).delete()
    assert any("does not follow the seal before it" in fault for fault in faults())


def test_a_row_that_was_sealed_again_is_still_protected(years: list[Case]) -> None:
    run()
    oldest = PolicyChange.objects.earliest("changed_at")
    with append_only.unlocked():
        PolicyChange.objects.filter(pk=oldest.pk).update(new="fcfs")
    assert list(faults()) == [f"scheduling_policychange: row {oldest.pk} was changed"]


def test_a_damaged_audit_keeps_everything(years: list[Case], settings: Any) -> None:
    settings.TRIAGE_RETENTION_CASE_DAYS = None
    oldest = PolicyChange.objects.earliest("changed_at")
    with append_only.unlocked():
        PolicyChange.objects.filter(pk=oldest.pk).update(new="fcfs")
    before = AuditSeal.objects.count(), AuditRecord.objects.count()
    with pytest.raises(CommandError, match="the audit is damaged"):
        call_command("retention", "--apply", stdout=io.StringIO())
    assert (AuditSeal.objects.count(), AuditRecord.objects.count()) == before


def test_views_of_cases_that_are_not_anonymised_stay(years: list[Case], settings: Any) -> None:
    settings.TRIAGE_RETENTION_CASE_DAYS = None
    before = CaseEvent.objects.count()
    run()
    assert CaseEvent.objects.count() == before
    assert list(faults()) == []


def test_new_rows_are_sealed_once_after_old_ones_were_sealed_again(years: list[Case]) -> None:
    run()
    seal(NOW)
    before = AuditSeal.objects.count()
    assert seal_all(NOW) == 0
    record(Kind.SIGNED_IN, NOW)
    assert seal_all(NOW) == 1
    assert AuditSeal.objects.count() == before + 1


def test_every_removal_names_its_rows_rule_and_limit(years: list[Case]) -> None:
    run()
    found = AuditRecord.objects.filter(kind=Kind.RETENTION, data__rule="audit days")
    tables = set(found.values_list("what", flat=True))
    assert {"cases_caseevent", "audit_auditrecord", "audit_auditseal"} <= tables
    for one in found:
        assert one.data["by"] == "command"
        assert datetime.fromisoformat(one.data["cutoff"]) == NOW - 5 * YEAR
        assert one.data.get("ids") or one.data.get("digests")


def test_the_audit_is_intact_after_each_step(years: list[Case]) -> None:
    """So a command that is ended half-way leaves no false alarm."""
    cutoff, num_steps = NOW - 5 * YEAR, 0
    while cases.anonymise(Run(now=NOW), NOW - YEAR):
        assert list(faults()) == []
    for _ in audit.purge(Run(now=NOW), cutoff):
        num_steps += 1
        assert list(faults()) == []
    assert num_steps >= 5
