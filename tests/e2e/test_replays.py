"""A replay in a browser: started, watched, stopped, its cases removed; it survives a reload."""

from __future__ import annotations

from django.utils import timezone
from playwright.sync_api import Page, expect

from tests.e2e.steps import press
from tests.e2e.test_pages_access import violations
from tests.fixtures import wait_until
from triage_site.cases.models import Case
from triage_site.cases.replay_runner import turn


def test_a_replay_is_started_watched_stopped_and_removed(site: Page, live_app: str) -> None:
    site.goto(f"{live_app}/ops/")
    press(site.get_by_role("link", name="Replay a fixture"), "Enter")
    press(site.get_by_role("radio", name="mass_casualty"), "Space")
    press(site.get_by_role("button", name="Start the replay"), "Enter")
    expect(site.get_by_text("0 of 60 calls sent")).to_be_visible()

    def has_sent() -> bool:
        turn(timezone.now())
        return Case.objects.exists()

    wait_until(has_sent, seconds=20, what="the first call is sent")
    num = Case.objects.count()
    expect(site.get_by_text(f"{num} of 60 calls sent")).to_be_visible()
    assert violations(site) == []
    site.reload()
    expect(site.get_by_text(f"{num} of 60 calls sent")).to_be_visible()
    press(site.get_by_role("button", name="Stop"), "Enter")
    expect(site.get_by_text("The replay was stopped.")).to_be_visible()
    site.goto(live_app)
    expect(site.locator("#open-rows .chip", has_text="replay")).to_have_count(num)
    site.goto(f"{live_app}/ops/replays/")
    press(site.get_by_role("link", name="Remove its cases"), "Enter")
    assert violations(site) == []
    press(site.get_by_role("button", name="Remove"), "Enter")
    expect(site.get_by_text("Its cases were removed.")).to_be_visible()
    assert not Case.objects.exists()
