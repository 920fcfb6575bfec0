"""The operations page in a browser: pushed live, charts with their tables, read by auditors."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from scheduling.minutes import LevelMinutes
from scheduling.models import Job, WorkerMinute
from tests.e2e.steps import waiting_case
from tests.e2e.test_pages_access import violations
from tests.factories import make_job


def recorded(num: int = 60) -> None:
    """Jobs of the last ten minutes: the more urgent, the shorter the wait."""
    now = timezone.now()
    for number in range(num):
        arrived = now - timedelta(seconds=590 - 8 * number)
        job = make_job(number % 5, arrival_at=arrived, now=arrived)
        waited = 1 + 4 * (number % 5) + number % 7
        started = arrived + timedelta(seconds=waited)
        Job.objects.filter(id=job.id).update(started_at=started, status="done", finished_at=started)
    for minutes in range(10):
        at = (now - timedelta(minutes=9 - minutes)).replace(second=0, microsecond=0)
        WorkerMinute.objects.create(
            minute=at,
            worker="gpu@host",
            reported_at=at,
            slots=8,
            kv_share=0.1 * minutes,
            slots_used=3 + minutes % 5,
            tokens=18_000 * minutes,
            tokens_again=900 * minutes,
            preemptions=minutes,
        )
    LevelMinutes().write(now)


def drawn(page: Page) -> None:
    expect(page.locator("[data-drawn]")).to_have_count(1)
    expect(page.locator(".plot canvas")).to_have_count(7)


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 340)])
def test_charts_are_drawn_with_tables_and_pass_axe(
    scheme: str, width: int, site: Page, live_app: str
) -> None:
    recorded()
    site.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    site.set_viewport_size({"width": width, "height": 800})
    site.goto(f"{live_app}/ops/?span=10m")
    drawn(site)
    site.get_by_text("Table: mean wait, seconds").click()
    rows = site.locator("#chart-waits tbody tr")
    expect(rows).to_have_count(60)
    assert any(text != "–" for text in rows.locator("td").all_inner_texts())
    assert site.evaluate("document.documentElement.scrollWidth") <= width
    assert violations(site) == []


def test_figures_are_pushed_and_an_auditor_reads_them(
    site: Page, live_app: str, nurse: User
) -> None:
    nurse.groups.set([nurse.groups.model.objects.get_or_create(name="auditor")[0]])
    site.goto(f"{live_app}/ops/")
    expect(site.get_by_role("link", name="Operations")).to_be_visible()
    expect(site.get_by_role("button", name="Switch policy")).to_have_count(0)
    expect(site.locator(".figure").first).to_have_text("0")
    waiting_case(nurse, "chest pain", 1)
    expect(site.locator(".figure").first).to_have_text("1")
