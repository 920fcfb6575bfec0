"""The requests of a comparison: drawn, from a fixture, from recorded traffic, from an upload."""

from __future__ import annotations

import io
import uuid
from collections.abc import Sequence
from datetime import datetime
from pathlib import PurePath

from django.conf import settings

from scheduling import csv_text, recorded
from scheduling.comparisons.choices import (
    MAX_REQUESTS,
    MEASURED,
    BadChoice,
    Choices,
    LoadKind,
)
from scheduling.paper.simulate import Simulation
from scheduling.simulator.hardware import SETTINGS, ServiceModel
from scheduling.simulator.workload import Work, generate, with_errors
from scheduling.simulator.workload_files import LoadedWorkload, Reading, parse_workload
from triage_site.cases.calls import Call, fixture_calls
from triage_site.ops.models import Upload
from triage_site.triage import classify
from triage_site.triage.brief import build_brief
from triage_site.triage.length import predict_tokens

_BYTES_PER_TOKEN = 4  # as a case's prompt is counted before the engine has seen it
_COLUMNS = (
    "id", "group", "sent", "arrival", "priority", "predicted_priority", "prompt", "output",
    "predicted",
)  # fmt: skip


def load_of(choices: Choices) -> LoadedWorkload:
    """Raises BadChoice or BadWorkload where there is nothing to compare."""
    spec = choices.workload_spec()
    load = choices.load
    if load.kind is LoadKind.SYNTHETIC:
        return _checked(LoadedWorkload(works=generate(spec)))
    if load.kind is LoadKind.FIXTURE:
        loaded = _from_fixture(load.name, load.speed)
    elif load.kind is LoadKind.RECORDED:
        assert load.since is not None
        assert load.until is not None
        loaded = _recorded(load.since, load.until)
    else:
        loaded = _uploaded(choices)
    _checked(loaded)
    return LoadedWorkload(works=with_errors(loaded.works, spec), notes=loaded.notes)


def _checked(loaded: LoadedWorkload) -> LoadedWorkload:
    if not loaded.works:
        raise BadChoice("load", "holds no request")
    if len(loaded.works) > MAX_REQUESTS:
        raise BadChoice("load", f"holds {len(loaded.works):,} requests; at most {MAX_REQUESTS:,}")
    return loaded


def simulation_of(choices: Choices, now: datetime) -> Simulation:
    """All choices but the policy. Raises TooFewRecords for the measured setting."""
    return Simulation(
        policy=choices.policies[0],
        model=_model(choices, now),
        num_slots=choices.slots,
        preemption=choices.preemption,
        deadlines_seconds=tuple(settings.TRIAGE_DEADLINE_SECONDS),
        record_holds=True,
    )


def _model(choices: Choices, now: datetime) -> ServiceModel:
    if choices.setting == MEASURED:
        return recorded.measured_model(now)
    return SETTINGS[choices.setting]


def csv_of(works: Sequence[Work]) -> str:
    """A file that `compare --workload` and uploads read back to the same requests."""
    out = io.StringIO()
    writer = csv_text.Writer(out)
    writer.row(_COLUMNS)
    for w in works:
        times = (repr(w.sent_seconds), repr(w.arrival_seconds))
        levels = (w.priority, w.predicted_priority)
        tokens = (w.prompt_tokens, w.output_tokens, w.predicted_tokens)
        writer.row((w.id, w.group, *times, *levels, *tokens))
    return out.getvalue()


def _from_fixture(name: str, speed: float) -> LoadedWorkload:
    """True level: the file's. What policies see: the shipped classifier and length predictor."""
    calls = fixture_calls(name)
    works = [work_of(call, index, speed) for index, call in enumerate(calls)]
    note = (
        "Levels are the fixture's; policies see the classifier's. Each answer is taken to be as "
        "long as the length predictor says."
    )
    return LoadedWorkload(works=works, notes=(note,))


def work_of(call: Call, index: int, speed: float) -> Work:
    arrival = call.offset_seconds / speed
    found = classify(call.facts)
    brief = build_brief(
        call.facts,
        priority=found.priority,
        danger_signs=found.danger_signs,
        complaint=found.complaint,
        complaint_words=found.complaint_words,
    )
    tokens = predict_tokens(brief)
    return Work(
        id=call.id,
        group=index,
        priority=call.expected_priority,
        predicted_priority=found.priority,
        prompt_tokens=max(1, len(brief) // _BYTES_PER_TOKEN),
        output_tokens=tokens,
        predicted_tokens=tokens,
        sent_seconds=arrival,
        arrival_seconds=arrival,
        enqueue_seconds=arrival,
    )


def _recorded(since: datetime, until: datetime) -> LoadedWorkload:
    """Jobs that arrived in the window and ended with an answer; the first one at zero."""
    jobs = list(recorded.recorded_jobs(since, until)[: MAX_REQUESTS + 1])
    notes: tuple[str, ...] = ()
    if not jobs:
        jobs = list(recorded.recorded_jobs(since, until, replayed=True)[: MAX_REQUESTS + 1])
        notes = ("No real case arrived in this window: the requests are those of a replay.",)
    zero = jobs[0].arrival_at if jobs else since
    works = []
    for index, job in enumerate(jobs):
        arrival = (job.arrival_at - zero).total_seconds()
        works.append(
            Work(
                id=str(index),
                group=index,
                priority=job.priority,
                predicted_priority=job.priority,
                prompt_tokens=max(1, job.prompt_tokens),
                output_tokens=job.generated_tokens,
                predicted_tokens=job.predicted_tokens,
                sent_seconds=arrival,
                arrival_seconds=arrival,
                enqueue_seconds=arrival,
            )
        )
    if not works:
        window = f"{since:%Y-%m-%d %H:%M:%S} to {until:%Y-%m-%d %H:%M:%S}"
        raise BadChoice("load", f"no recorded case with guidance arrived in the window {window}")
    return LoadedWorkload(works=works, notes=notes)


def _uploaded(choices: Choices) -> LoadedWorkload:
    upload = Upload.objects.filter(id=uuid.UUID(choices.load.upload)).first()
    if upload is None:
        raise BadChoice("upload", "no such upload")
    reading = Reading(priorities=choices.load.priorities, seed=choices.seed)
    return parse_workload(PurePath(upload.name), upload.content, reading)
