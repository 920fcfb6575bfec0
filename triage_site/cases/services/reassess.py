"""Repeated vital signs and notes. The case is classified again at once.

A more urgent level is set automatically; a less urgent one is proposed to a person.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connections, transaction

from scheduling.models import Job
from triage_site.cases.entry import check_entry
from triage_site.cases.models import UNCLASSIFIED, Case, CaseEvent, CaseNote, VitalSet
from triage_site.cases.readings import (
    NEEDS_SYSTOLIC,
    SYSTOLIC,
    VITAL_FIELDS,
    lacks_systolic,
    merged,
    news2_of,
    paired,
    readings_of,
)
from triage_site.cases.services.guidance import refresh_guidance
from triage_site.cases.services.intake import (
    classify_without_model,
    kept_of,
    record_classification,
)
from triage_site.cases.services.levels import move_in_queue
from triage_site.cases.services.records import Conflict, change, locked
from triage_site.cases.typed import written
from triage_site.classifiers import active
from triage_site.triage import NOT_UNDERSTOOD, Classification, screen
from triage_site.triage.classify import NO_MODEL
from triage_site.triage.facts import CaseFacts

log = structlog.get_logger(__name__)

MAX_ATTEMPTS = 4  # when others change the case meanwhile
MAX_WORDS_CHARACTERS = 20_000  # of the submitted words and all notes
NEW_VITALS, NEW_WORDS = "new vital signs", "new note"
_judges = ThreadPoolExecutor(max_workers=4, thread_name_prefix="judge again")


def record_vitals(
    case_id: uuid.UUID,
    *,
    readings: Mapping[str, Any],
    actor: User,
    now: datetime,
    note: str = "",
    version: int | None = None,
) -> Case:
    """Stores new vital signs with an optional note and classifies the case again.

    `readings` are fields of `CaseFacts.to_dict()`; an absent field keeps its last value, but beside
    a new systolic an absent diastolic is not taken. Raises ValueError naming the field, and
    Conflict.
    """
    if not readings:
        raise ValueError("vitals: Enter at least one vital sign")
    if unknown := sorted(set(readings) - set(VITAL_FIELDS)):
        raise ValueError(f"{unknown[0]}: is not a vital sign")

    def facts_after(case: Case) -> CaseFacts:
        if lacks_systolic(case.case_facts, readings):
            raise ValueError(f"{SYSTOLIC}: {NEEDS_SYSTOLIC}")
        facts = _with_words(_measured_again(case.case_facts, readings), note)
        _check(facts, readings)
        return facts

    def store(case: Case, facts: CaseFacts) -> None:
        _keep_first_set(case)
        _store_set(case, readings, facts, actor, now)
        if written(note):
            CaseNote.objects.create(case=case, at=now, author=actor, text=written(note))
        data = _news2_data(facts)
        change(
            case, CaseEvent.Kind.VITALS, now, actor=actor, data=data, assessed_at=now,
            changed_facts=_changed(case, facts),
        )  # fmt: skip

    return _again(case_id, facts_after, store, now=now, version=version, why=NEW_VITALS)


def add_note(
    case_id: uuid.UUID, *, text: str, actor: User, now: datetime, version: int | None = None
) -> Case:
    """Adds a note, which counts like the complaint. Raises ValueError and Conflict."""
    if not written(text):
        raise ValueError("text: Enter a note")

    def facts_after(case: Case) -> CaseFacts:
        return _with_words(case.case_facts, text)

    def store(case: Case, facts: CaseFacts) -> None:
        CaseNote.objects.create(case=case, at=now, author=actor, text=written(text))
        changed = _changed(case, facts)
        change(case, CaseEvent.Kind.NOTE, now, actor=actor, changed_facts=changed)

    return _again(case_id, facts_after, store, now=now, version=version, why=NEW_WORDS)


def _again(
    case_id: uuid.UUID,
    facts_after: Callable[[Case], CaseFacts],
    store: Callable[[Case, CaseFacts], None],
    *,
    now: datetime,
    version: int | None,
    why: str,
) -> Case:
    """Classifies before it locks the case. Tries again when the case changed meanwhile."""
    for attempt in range(1, MAX_ATTEMPTS + 1):
        before = Case.objects.get(id=case_id)
        facts = facts_after(before)
        said = judge(facts)
        try:
            with transaction.atomic():
                case, job = locked(case_id, before.version if version is None else version)
                if case.is_closed:
                    raise Conflict("status: The case is closed; reopen it first")
                store(case, facts)
                _apply(case, job, said, now, why=why)
        except Conflict:
            if version is not None or attempt == MAX_ATTEMPTS or before.is_closed:
                raise
        else:
            return case
    raise AssertionError("the last attempt returns or raises")


def judge(facts: CaseFacts) -> Classification | None:
    """Returns the answer of the active classifier within its time limit, else of the rules.

    The answer of the rules alone can only raise a level.
    """
    try:
        answer = _judges.submit(_classify, facts)
        return answer.result(timeout=settings.TRIAGE_CLASSIFY_TIMEOUT_SECONDS)
    except Exception as error:  # only the type is logged: the message could be clinical text
        log.error("classifier_failed", error=type(error).__name__)
    try:
        return screen(facts)
    except Exception as error:
        log.error("screen_failed", error=type(error).__name__)
        return None


def _classify(facts: CaseFacts) -> Classification:
    try:
        return active.classify(facts)
    finally:
        connections.close_all()  # of this thread


def _apply(
    case: Case, job: Job | None, said: Classification | None, now: datetime, *, why: str
) -> None:
    """Raises the level or proposes a less urgent one, and updates the guidance."""
    if case.status in UNCLASSIFIED:
        _classify_first(case, said, now)
        return
    assert case.priority is not None
    if said is not None and said.priority < case.priority:
        _raise(case, said, now)
        move_in_queue(case, job, now)
    elif said is None or said.model_version == NO_MODEL:
        reasons = sorted({*case.person_reasons, "no_model"})
        change(
            case, CaseEvent.Kind.RECLASSIFIED, now, actor=None,
            needs_person=True, person_reasons=reasons,
        )  # fmt: skip
    else:
        _keep_level(case, said, now)
    refresh_guidance(case, job, now, why=why)


def _classify_first(case: Case, said: Classification | None, now: datetime) -> None:
    """Stores the first classification. A later answer of the worker is ignored."""
    if said is None or said.model_version == NO_MODEL:
        classify_without_model(case.id, why="no answer in time", now=now)
    else:
        record_classification(case.id, said, now=now)
    case.refresh_from_db()


def _raise(case: Case, said: Classification, now: datetime) -> None:
    data = {"from": case.priority, "to": said.priority, "rules": _rules(said)}
    change(
        case, CaseEvent.Kind.RAISED, now, actor=None, data=data, priority=said.priority,
        suggested_priority=said.priority, proposed_priority=None,
        **_kept(case, said, asks=said.needs_person),
    )  # fmt: skip


def _keep_level(case: Case, said: Classification, now: datetime) -> None:
    """Keeps the level. Proposes a less urgent one, unless a person overrode it before."""
    assert case.priority is not None
    is_lower = case.priority < said.priority != case.suggested_priority
    kind = CaseEvent.Kind.PROPOSED if is_lower else CaseEvent.Kind.RECLASSIFIED
    data = {"from": case.priority, "to": said.priority}
    proposed = said.priority if is_lower else None
    new_doubts = NOT_UNDERSTOOD.intersection(said.person_reasons) - set(case.person_reasons)
    change(
        case, kind, now, actor=None, data=data, proposed_priority=proposed,
        **_kept(case, said, asks=bool(new_doubts)),
    )  # fmt: skip


def _kept(case: Case, said: Classification, *, asks: bool) -> dict[str, Any]:
    """What the case keeps of a new classification. A person who was asked for stays so."""
    kept = kept_of(said)
    if case.needs_person and not said.needs_person:
        kept["person_reasons"] = case.person_reasons
    return {**kept, "needs_person": case.needs_person or asks}


def _rules(said: Classification) -> list[str]:
    return [reason.code for reason in said.reasons if reason.kind == "rule"]


def _check(facts: CaseFacts, readings: Mapping[str, Any]) -> None:
    for finding in check_entry(facts).errors:
        if finding.field in readings:
            raise ValueError(f"{finding.field}: {finding.reason}")


def _measured_again(facts: CaseFacts, readings: Mapping[str, Any]) -> CaseFacts:
    """With the new readings; all words so far are older than these."""
    older = dict(facts.words_before) | dict.fromkeys(paired(readings), len(facts.text.rstrip()))
    return replace(merged(facts, readings), words_before=tuple(sorted(older.items())))


def _with_words(facts: CaseFacts, words: str) -> CaseFacts:
    """What is added later is no part of the sentence that stands before it."""
    if not written(words):
        return facts
    before = facts.text.rstrip()
    end = "." if before[-1:].isalnum() else ""
    text = f"{before}{end}\n{written(words)}"
    if len(text) > MAX_WORDS_CHARACTERS:
        limit = f"{MAX_WORDS_CHARACTERS:,}"
        raise ValueError(f"text: The complaint and all notes may have at most {limit} characters")
    return replace(facts, text=text)


def _changed(case: Case, facts: CaseFacts) -> dict[str, Any]:
    """Returns the fields that differ from the submitted facts."""
    new = {**dict.fromkeys(case.facts, None), **facts.to_dict()}
    return {
        name: "not_taken" if value is None else value
        for name, value in new.items()
        if case.facts.get(name) != value
    }


def _keep_first_set(case: Case) -> None:
    """Stores the vital signs of the arrival as the first set before the second one."""
    first = CaseFacts.from_dict(case.facts)
    if readings_of(first) and not case.vital_sets.exists():
        _store_set(case, readings_of(first), first, case.created_by, case.arrived_at)


def _store_set(
    case: Case, readings: Mapping[str, Any], facts: CaseFacts, by: User, at: datetime
) -> None:
    score = news2_of(facts)
    VitalSet.objects.create(
        case=case,
        taken_at=at,
        taken_by=by,
        readings=dict(readings),
        news2=None if score is None else score.score,
        news2_complete=score is not None and score.complete,
    )


def _news2_data(facts: CaseFacts) -> dict[str, Any]:
    score = news2_of(facts)
    return {} if score is None else {"news2": score.score, "complete": score.complete}
