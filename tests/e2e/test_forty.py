"""Forty cases at once through the browser, with real workers and Redis."""

from __future__ import annotations

import re
import uuid
from datetime import datetime
from pathlib import Path

import pytest
import redis
from django.utils import timezone
from playwright.sync_api import Page, expect

from scheduling import connection
from scheduling.models import Job
from scheduling.queue import events
from tests.e2e.steps import press
from tests.fixtures import wait_until
from tests.workers import tail, wait_for_worker, worker
from triage_site.cases import selectors
from triage_site.cases.calls import load_calls
from triage_site.cases.departments import EVERYTHING
from triage_site.cases.models import Case, CaseEvent, CaseStatus

pytestmark = [pytest.mark.both_databases, pytest.mark.slow, pytest.mark.timeout(600)]

FIXTURE = Path(__file__).parents[2] / "fixtures" / "calls" / "quiet_evening.jsonl"
NUM_CASES = 40


def submit_by_hand(page: Page, url: str, text: str, age_years: float) -> None:
    page.goto(f"{url}/cases/new/")
    page.get_by_label("What is the complaint?").fill(text)
    page.locator("#f-age").fill(f"{age_years:g}")
    press(page, "Control+Enter")
    page.wait_for_url(re.compile(r"/cases/[0-9a-f-]{36}/"))


def submit_at_once(page: Page, url: str, texts: list[str]) -> None:
    """Sends the same form many times from the same browser, without pauses."""
    page.goto(f"{url}/cases/new/")
    token = page.locator("[name=csrfmiddlewaretoken]").first.input_value()
    for text in texts:
        form = {"text": text, "csrfmiddlewaretoken": token, "submission_key": str(uuid.uuid4())}
        answer = page.request.post(f"{url}/cases/new/", form={**form, "age_unit": "years"})
        assert answer.ok
        assert "/cases/new/" not in answer.url, answer.text()


def count_updates(page: Page) -> None:
    """Counts in `window.updates` how often the text of the guidance changes."""
    page.add_init_script(
        """document.addEventListener("DOMContentLoaded", () => {
          window.updates = 0;
          let seen = "";
          new MutationObserver(() => {
            const text = document.querySelector("#guidance")?.innerText ?? "";
            if (text !== seen) window.updates += 1;
            seen = text;
          }).observe(document.body, {subtree: true, childList: true, characterData: true});
        });"""
    )


def num_stream_entries(page: Page) -> int:
    """The number of stream entries of the answer on the page."""
    case_id = page.url.rstrip("/").rpartition("/")[2]
    job = Job.objects.get(case_id=case_id)
    return len(events.read_stream(connection.client(), str(job.id)))


def board_shows_the_order(page: Page) -> bool:
    """Whether the board lists the waiting cases in the order of the queue."""
    shown = page.locator("#open-rows tr.row").evaluate_all(
        "rows => rows.map(row => Number(row.id.replace('case-', '')))"
    )
    overview = selectors.queue_overview(timezone.now(), EVERYTHING)
    waiting = [item["number"] for item in overview["waiting"]]
    return len(waiting) > 3 and [number for number in shown if number in waiting] == waiting


def started_at(case: Case) -> datetime:
    at: datetime = case.events.filter(kind=CaseEvent.Kind.RUNNING).values_list("at", flat=True)[0]
    return at


def queued_at(case: Case) -> datetime:
    at: datetime = case.events.filter(kind=CaseEvent.Kind.QUEUED).values_list("at", flat=True)[0]
    return at


def overtakers(case: Case, cases: list[Case]) -> list[int]:
    """The numbers of less urgent cases that were queued after `case` and started before it."""
    assert case.priority is not None
    return [
        other.number
        for other in cases
        if other.priority is not None
        and other.priority > case.priority
        and queued_at(other) < queued_at(case) < started_at(other) < started_at(case)
    ]


def all_classified() -> bool:
    return not Case.objects.filter(
        status__in=[CaseStatus.RECEIVED, CaseStatus.CLASSIFYING]
    ).exists()


def all_done() -> bool:
    return set(Case.objects.values_list("status", flat=True)) == {CaseStatus.DONE.value}


def test_forty_cases_through_the_browser(
    site: Page,
    live_app: str,
    process_env: dict[str, str],
    redis_client: redis.Redis,
    tmp_path: Path,
) -> None:
    texts = [call.facts.text for call in load_calls(FIXTURE)]
    log = tmp_path / "workers.log"
    reader = site.context.new_page()
    with worker("classify", process_env, log):
        wait_for_worker("classify", redis_client, log)
        submit_at_once(site, live_app, texts[: NUM_CASES - 3])
        submit_by_hand(site, live_app, "feels a bit tired since a week", 60)
        count_updates(reader)
        submit_by_hand(reader, live_app, "sore throat since three days, no fever", 33)
        wait_until(all_classified, seconds=150, what=lambda: f"all have a priority: {tail(log)}")
        site.goto(live_app)
        wait_until(lambda: board_shows_the_order(site), seconds=20, what="the board in order")
        with worker("gpu", process_env, log):
            submit_by_hand(site, live_app, "he is not breathing, no pulse, doing CPR", 60)
            site.goto(live_app)
            wait_until(all_done, seconds=300, what=lambda: f"all done: {tail(log)}")
    wait_until(
        lambda: bool(reader.evaluate("window.updates >= 5")),
        seconds=5,
        what=lambda: (
            f"5 updates of the guidance: {reader.evaluate('window.updates')} of "
            f"{num_stream_entries(reader)} pieces written"
        ),
    )
    ready = site.locator("#open-rows tr.row[data-guidance=ready], tr.row[data-guidance=withheld]")
    expect(ready).to_have_count(NUM_CASES, timeout=15_000)
    assert Case.objects.count() == Job.objects.count() == NUM_CASES
    assert not Case.objects.filter(guidance="", guidance_withheld=False).exists()
    cases = list(Case.objects.all())
    urgent = [case for case in cases if case.priority == 0]
    assert urgent
    assert {case.number: overtakers(case, cases) for case in urgent} == {
        case.number: [] for case in urgent
    }
