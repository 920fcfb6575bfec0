"""Closed cases cost nothing: what is read once a second finds the open ones by an index."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet

from scheduling.core.status import JobStatus
from scheduling.models import Job
from scheduling.selectors import open_jobs
from tests.factories import START, make_user
from triage_site.cases import board, late_answers
from triage_site.cases.clinical import ClinicalStatus
from triage_site.cases.models import Case, CaseStatus

pytestmark = pytest.mark.django_db

NUM_CLOSED = 3000


@pytest.fixture
def closed() -> None:
    """Closed cases with written guidance, and what the planner knows of the tables."""
    user, ids = make_user(), [uuid.uuid4() for _ in range(NUM_CLOSED)]
    moments = [START - timedelta(minutes=n) for n in range(NUM_CLOSED)]
    Case.objects.bulk_create(
        Case(
            id=case_id,
            facts={"text": "sore toe"},
            created_by=user,
            submission_key=str(case_id),
            arrived_at=at,
            closed_at=at,
            seen_at=at,
            priority=3,
            needs_person=True,
            status=CaseStatus.DONE,
            clinical_status=ClinicalStatus.CLOSED,
        )
        for case_id, at in zip(ids, moments, strict=True)
    )
    Job.objects.bulk_create(
        Job(
            case_id=case_id,
            status=JobStatus.DONE,
            priority=3,
            prompt="",
            prompt_tokens=1,
            predicted_tokens=1,
            arrival_at=at,
        )
        for case_id, at in zip(ids, moments, strict=True)
    )
    if connection.vendor == "postgresql":  # SQLite plans without them, here as on a site
        with connection.cursor() as cursor:
            for model in (Case, Job):
                cursor.execute(f"ANALYZE {model._meta.db_table}")


def rows_of(status: ClinicalStatus) -> QuerySet[Case]:
    return board._cases(status)


def the_reads() -> dict[str, QuerySet[Any]]:
    return {
        "waiting": rows_of(ClinicalStatus.WAITING).order_by("arrived_at"),
        "being seen": rows_of(ClinicalStatus.BEING_SEEN).order_by("seen_at"),
        "last closed": rows_of(ClinicalStatus.CLOSED).order_by("-closed_at")[:30],
        "provisional": late_answers._provisional(),
        "unclassified": Case.objects.filter(status=CaseStatus.RECEIVED),
        "seen today": Case.objects.filter(seen_at__gte=START),
        "open jobs": Job.objects.filter(status__in=["waiting", "running"]),
    }


@pytest.mark.usefixtures("closed")
def test_no_read_of_a_tick_goes_through_all_closed_cases() -> None:
    plans = {name: rows.explain() for name, rows in the_reads().items()}
    scans = {"sqlite": ("SCAN cases_case\n", "SCAN scheduling_job\n")}
    marks = scans.get(connection.vendor, ("Seq Scan on cases_case ", "Seq Scan on scheduling_job "))
    assert {n: p for n, p in plans.items() if any(mark in f"{p}\n" for mark in marks)} == {}
    assert "TEMP B-TREE" not in plans["last closed"]  # not sorted first
    assert list(open_jobs()) == []
