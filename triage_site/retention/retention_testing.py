"""An old case with a word in every place, and what the database holds; for tests."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from scheduling import claimed
from scheduling.models import Job
from tests.postgres import find_binaries
from triage_site.cases import services
from triage_site.cases.models import Case, CaseEvent
from triage_site.classifiers.services import record_shadow_answer
from triage_site.retention.run import Run
from triage_site.retention.services import apply
from triage_site.triage import classify
from triage_site.triage.facts import CaseFacts

NOW = timezone.now()
OLD = NOW - timedelta(days=400)
CANARY = "zebrafinch"


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
