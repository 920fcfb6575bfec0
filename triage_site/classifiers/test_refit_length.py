"""The refit of the length predictor: new weights are used only when they are better."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from scheduling.core.status import JobStatus
from scheduling.models import Job
from tests.factories import make_job
from triage_site.triage import length, length_fit
from triage_site.triage.brief import build_brief
from triage_site.triage.facts import CaseFacts
from triage_site.triage.length_fit import Written, judge, refit

NUM = 160
WORDS = ("pain", "since", "morning", "worse", "on", "moving", "sick", "twice", "faint", "now")


@pytest.fixture
def path(tmp_path: Path, settings: Settings) -> Iterator[Path]:
    """The file of the refitted weights in this test."""
    settings.LENGTH_WEIGHTS_FILE = tmp_path / "data" / "length_weights.json"
    before = length._preferred_path
    length.prefer_weights(settings.LENGTH_WEIGHTS_FILE)
    yield settings.LENGTH_WEIGHTS_FILE
    length.prefer_weights(before)


def record(num: int = NUM, *, noise: bool = False) -> list[Written]:
    """Returns guidance whose length grows with the words and readings, or random lengths."""
    draw = random.Random(5)
    found = []
    for _ in range(num):
        words = draw.randint(1, len(WORDS))
        vitals = {"hr_bpm": 80.0, "rr_bpm": 16.0} if draw.random() < 0.5 else {}
        facts = CaseFacts.from_dict({"text": " ".join(WORDS[:words]), "age_years": 40, **vitals})
        brief = build_brief(facts, priority=draw.randrange(5), danger_signs=[])
        wanted = draw.randint(30, 300) if noise else 40 + 9 * words + 15 * len(vitals)
        found.append(Written(brief, wanted + draw.randint(-3, 3)))
    return found


def stored(written: list[Written], *, model: str = "w", days_ago: float = 1, **values: Any) -> None:
    """Stores the guidance as jobs that are done, one per second."""
    first_at = timezone.now() - timedelta(days=days_ago)
    for second, one in enumerate(written):
        job = make_job(prompt=one.brief)
        values = {"status": JobStatus.DONE, "finish_reason": "eos", **values}
        Job.objects.filter(id=job.id).update(
            generated_tokens=one.num_tokens,
            model_name=model,
            finished_at=first_at + timedelta(seconds=second),
            **values,
        )


def run(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("refit_length", "--json", *arguments, stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def test_figures_are_measured_on_held_out_guidance() -> None:
    shipped = length.load_weights()
    found = refit(record(), shipped, "v")
    assert (found.num_fitted, found.num_held_out) == (120, 40)
    assert found.before == judge(shipped, record()[120:])
    assert found.better
    assert found.after.rank_correlation > 0.95
    assert found.after.mean_error_tokens < 5
    assert sum(bucket.num for bucket in found.after.buckets) == 40
    assert found.weights.version == "v"


def test_weights_stay_when_the_refit_is_not_better() -> None:
    learnt = refit(record(), length.load_weights(), "v").weights
    assert not refit(record(), learnt, "w").better
    worse = refit(record(noise=True), replace(learnt, p50_shift_tokens=0.0), "w").after
    assert worse.rank_correlation < 0.5


def test_too_few_records_and_constant_lengths() -> None:
    with pytest.raises(length_fit.TooFew, match="99 guidances"):
        refit(record(99), length.load_weights(), "v")
    same = [Written(one.brief, 100) for one in record()]
    found = refit(same, length.load_weights(), "v")
    assert found.before.rank_correlation == 0
    assert found.after.buckets[-1].num == 40


@pytest.mark.django_db
def test_better_weights_are_used_at_once(path: Path) -> None:
    written = record()
    stored(written)
    stored(record(noise=True), model="an older writer", days_ago=5)
    stored(record(noise=True), finish_reason="length", days_ago=2)
    before = length.predict_quantiles(written[0].brief)
    tried = run("--dry-run")
    assert (tried["better"], tried["put_into_use"], tried["writer"]) == (True, False, "w")
    assert not path.exists()
    found = run()
    assert (found["fitted"], found["held_out"], found["put_into_use"]) == (120, 40, True)
    assert found["after"]["mean_error_tokens"] < found["before"]["mean_error_tokens"]
    after = length.predict_quantiles(written[0].brief)
    assert after != before
    assert abs(after[0] - written[0].num_tokens) < 12
    assert run()["put_into_use"] is False  # no further improvement


@pytest.mark.django_db
def test_the_report_as_text(path: Path) -> None:
    stored(record())
    out = StringIO()
    call_command("refit_length", stdout=out)
    for words in ("written by w", "rank correlation", "mean error, tokens", "in use from the next"):
        assert words in out.getvalue()


@pytest.mark.django_db
def test_too_few_jobs_are_an_error(path: Path) -> None:
    stored(record(20))
    stored(record(), days_ago=50)
    with pytest.raises(CommandError, match="20 guidances on record, at least 100"):
        call_command("refit_length", "--since", "10")
    with pytest.raises(CommandError, match="more than 0"):
        call_command("refit_length", "--since", "0")
    assert not path.exists()


OTHER_FEATURES = json.dumps(
    {"weights": {"x": 1.0}, "p50_shift_tokens": 0, "p90_shift_tokens": 9, "version": "old"}
)


def test_shipped_weights_replace_unreadable_ones(path: Path) -> None:
    shipped = length.load_weights()
    for broken in ("", "{}", '{"weights": 1}', "[]", OTHER_FEATURES):
        path.parent.mkdir(exist_ok=True)
        path.write_text(broken)
        assert length.current_weights() == shipped
