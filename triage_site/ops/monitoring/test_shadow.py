"""The shadow classifier answers each case once and never changes or delays a case."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event as Flag
from types import SimpleNamespace

import pytest
from django.utils import timezone
from pytest_django import Settings

from tests.factories import make_user
from tests.fixtures import wait_until
from triage_site.cases import services as cases
from triage_site.cases.models import Case
from triage_site.classifiers import selectors
from triage_site.classifiers.classifier_testing import classification, other_weights
from triage_site.classifiers.models import ShadowAnswer
from triage_site.ops.monitoring import shadow_step
from triage_site.ops.monitoring.shadow import Shadow
from triage_site.ops.monitoring.shadow_step import COMMAND, ShadowStep
from triage_site.triage import Classification
from triage_site.triage.facts import CaseFacts
from triage_site.triage.model.candidate import Candidate, CannotOpen, version_of


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    settings.TRIAGE_SHADOW_CLASSIFIER = str(tmp_path / "other")
    return other_weights(tmp_path / "other")


def classified(text: str, priority: int, model_version: str = "m") -> Case:
    """Returns a case that the active classifier has just answered."""
    now = timezone.now()
    case, _ = cases.submit_case(
        facts=CaseFacts(text=text), actor=make_user(), submission_key=text, now=now
    )
    answer = classification(priority, model_version=model_version)
    assert cases.record_classification(case.id, answer, now=now)
    return case


@pytest.mark.django_db
def test_each_case_is_answered_once_and_not_changed(folder: Path) -> None:
    case = classified("crushing chest pain, sweating", 4)
    classified("answered by this version", 2, model_version=version_of(folder))
    before = Case.objects.filter(id=case.id).values().get()
    shadow = Shadow(limit_seconds=5)
    assert shadow.turn(timezone.now()) == 1
    assert shadow.turn(timezone.now()) == 0
    answer = ShadowAnswer.objects.get()
    assert (answer.case_id, answer.version) == (case.id, version_of(folder))
    assert (answer.active_version, answer.active_priority) == ("m", 4)
    assert answer.priority is not None
    assert answer.priority <= 1
    assert Case.objects.filter(id=case.id).values().get() == before


@pytest.mark.django_db
def test_a_case_after_a_failure_of_the_active_classifier_is_answered(folder: Path) -> None:
    case, _ = cases.submit_case(
        facts=CaseFacts(text="cough"),
        actor=make_user(),
        submission_key="k",
        now=timezone.now(),
    )
    cases.classify_without_model(case.id, why="too slow", now=timezone.now())
    Shadow(limit_seconds=5).turn(timezone.now())
    answer = ShadowAnswer.objects.get()
    assert (answer.active_version, answer.active_priority) == ("", 1)


def _breaks(_: CaseFacts) -> Classification:
    raise RuntimeError("the words of a patient")


def _hangs(_: CaseFacts) -> Classification:
    while True:
        time.sleep(0.01)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("answer", "failure"), [(_breaks, "error: RuntimeError"), (_hangs, "slow")]
)
def test_failing_and_slow_shadows_are_counted(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: Callable[[CaseFacts], Classification],
    failure: str,
) -> None:
    case = classified("cough", 3)
    bad = Candidate(version_of(folder), one=answer, many=lambda cases: [])
    monkeypatch.setattr(selectors, "opened", lambda choice: bad)
    Shadow(limit_seconds=0.05).turn(timezone.now())
    stored = ShadowAnswer.objects.get()
    assert (stored.case_id, stored.failure, stored.priority) == (case.id, failure, None)


@pytest.mark.django_db
def test_a_missing_shadow_answers_nothing(settings: Settings) -> None:
    classified("cough", 3)
    assert Shadow(limit_seconds=1).turn(timezone.now()) == 0
    settings.TRIAGE_SHADOW_CLASSIFIER = "/nowhere"
    with pytest.raises(CannotOpen, match=r"no model\.json"):
        Shadow(limit_seconds=1).turn(timezone.now())
    assert not ShadowAnswer.objects.exists()


def test_run_continues_after_an_error(
    folder: Path, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = Flag()
    turns: list[int] = []

    def turn(self: Shadow, now: object) -> int:
        turns.append(1)
        if len(turns) == 1:
            raise CannotOpen("gone")
        stop.set()
        return 0

    monkeypatch.setattr(Shadow, "turn", turn)
    monkeypatch.setattr("triage_site.ops.monitoring.shadow.REOPEN_SECONDS", 0.0)
    monkeypatch.setattr("triage_site.ops.monitoring.shadow.close_old_connections", lambda: None)
    Shadow(limit_seconds=1).run(stop)
    assert len(turns) == 2


@pytest.mark.timeout(180)
def test_the_process_answers_and_stops_on_sigterm(
    folder: Path, process_env: dict[str, str], tmp_path: Path
) -> None:
    case = classified("crushing chest pain", 4)
    env = {**process_env, "TRIAGE_SHADOW_CLASSIFIER": str(folder)}
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(COMMAND, env=env, stdout=log, stderr=log)
    try:
        # A long time, because the process has a low priority.
        wait_until(ShadowAnswer.objects.exists, seconds=100, what="the shadow has answered")
        assert os.getpriority(os.PRIO_PROCESS, process.pid) > 0
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(30)
    assert code == 0, (tmp_path / "log").read_text()
    assert ShadowAnswer.objects.get().case_id == case.id


def _parent(queue: str) -> object:
    return SimpleNamespace(
        app=SimpleNamespace(amqp=SimpleNamespace(queues=SimpleNamespace(consume_from={queue: 1})))
    )


def test_only_the_classify_worker_of_a_site_with_a_shadow_starts_it(
    settings: Settings,
) -> None:
    settings.TRIAGE_SHADOW_CLASSIFIER = ""
    assert not ShadowStep(None).include_if(_parent("classify"))
    settings.TRIAGE_SHADOW_CLASSIFIER = "/some/where"
    assert ShadowStep(None).include_if(_parent("classify"))
    assert not ShadowStep(None).include_if(_parent("gpu"))


def test_a_shadow_that_exits_is_restarted_and_stops_with_its_worker(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    starts = tmp_path / "starts"
    script = f"import time; open({str(starts)!r}, 'a').write('x'); "
    script += f"time.sleep(60 * (len(open({str(starts)!r}).read()) > 2))"
    monkeypatch.setattr(shadow_step, "COMMAND", (sys.executable, "-c", script))
    monkeypatch.setattr(shadow_step, "FIRST_PAUSE_SECONDS", 0.01)
    step = ShadowStep(None)
    step.start(None)
    wait_until(
        lambda: starts.exists() and starts.read_text() == "xxx", seconds=20, what="three starts"
    )
    started = time.monotonic()
    step.stop(None)
    assert time.monotonic() - started < shadow_step.STOP_SECONDS
    assert step._process is not None
    assert step._process.wait(5) != 0
    assert starts.read_text() == "xxx"
