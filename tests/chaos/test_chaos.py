"""The short form of `make chaos`, and the laws of its draw."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.chaos.faults import draw
from tests.chaos.load import GONE, Api, wait_for_ends

ROOT = Path(__file__).resolve().parents[2]
NUM_KILLS = 3
GAP_SECONDS = 2.0  # between two calls; each gets its guidance, which takes most of the time


def test_the_same_seed_draws_the_same_faults() -> None:
    assert draw(40, 7, on_postgres=False) == draw(40, 7, on_postgres=False)
    assert draw(40, 7, on_postgres=False) != draw(40, 8, on_postgres=False)


@pytest.mark.parametrize("on_postgres", [False, True])
def test_every_fault_comes_in_a_longer_run(on_postgres: bool) -> None:
    names = {fault.name for fault in draw(20, 1, on_postgres=on_postgres)}
    assert {"kill gpu", "kill classify", "kill web", "kill redis", "flush redis"} <= names
    assert {
        "freeze gpu",
        "silence gpu",
        "silence redis",
        "freeze web",
        "silence classify child",
    } <= names
    assert ("restart postgres" in names) == on_postgres
    assert ("lock sqlite" in names) == (not on_postgres)


def test_a_case_that_the_site_forgot_is_reported_and_does_not_stop_the_run() -> None:
    answer = httpx.MockTransport(lambda request: httpx.Response(404, json={}))
    with httpx.Client(base_url="http://site", transport=answer) as client:
        api = Api(client, accepted={"key": {"1"}})
        assert api.status("1") == GONE
        assert wait_for_ends(api, 5.0) == set()  # the verdict finds that it is lost


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_few_faults_lose_double_and_wedge_nothing() -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.chaos.run", "--kills", str(NUM_KILLS)),
            *("--seed", "5", "--gap", str(GAP_SECONDS)),
        ],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "triage_site.settings"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip(), done.stderr[-3000:]
    result = json.loads(done.stdout.strip().splitlines()[-1])
    assert result["kills"] == NUM_KILLS
    assert result["cases"] > NUM_KILLS
    counts = {name: result[name] for name in ("lost", "doubled", "stuck")}
    assert counts == dict.fromkeys(counts, 0), done.stdout
    assert done.returncode == 0
