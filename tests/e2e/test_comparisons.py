"""Comparisons in a browser: create by keyboard, progress, cancel, a permanent link, export."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Event as Flag

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from tests.e2e.steps import press, type_text
from tests.e2e.test_pages_access import violations
from tests.factories import make_user
from triage_site.cases.roles import AUDITOR
from triage_site.ops import services
from triage_site.ops.comparisons import worker
from triage_site.ops.models import Comparison, Upload


def create(page: Page, url: str) -> Comparison:
    """Fills the form with the keyboard and submits it with Enter."""
    page.goto(f"{url}/ops/comparisons/")
    page.get_by_label("Recorded traffic").focus()
    while not page.get_by_label("Synthetic load").is_checked():
        press(page, "ArrowDown")
    page.get_by_label("Largest group").focus()
    press(page, "ControlOrMeta+a")
    type_text(page, "20")
    press(page, "Enter")
    expect(page.get_by_role("heading", name="Waiting to start")).to_be_visible()
    return Comparison.objects.latest("created_at")


def in_both_schemes(page: Page) -> list[str]:
    broken = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        broken += violations(page)
    return broken


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_comparison_from_the_form_to_an_auditors_link(
    site: Page, live_app: str, browser: Browser, tmp_path: Path
) -> None:
    cancelled = create(site, live_app)
    press(site.get_by_role("button", name="Cancel"), "Enter")
    expect(site.get_by_text("This comparison was cancelled.")).to_be_visible()
    assert in_both_schemes(site) == []

    made = create(site, live_app)
    assert made.id != cancelled.id
    claimed = services.claim_comparison(timezone.now())
    assert claimed is not None
    services.report_progress(claimed, 0.4, timezone.now())
    expect(site.locator("#progress").get_by_text("40 %", exact=True).last).to_be_visible()
    assert in_both_schemes(site) == []
    site.reload()
    expect(site.get_by_role("heading", name="Running")).to_be_visible()
    services.give_back_comparison(claimed)  # its process is started again
    assert worker.turn(Flag())
    expect(site.get_by_role("link", name="CSV", exact=True)).to_be_visible()
    assert in_both_schemes(site) == []
    site.set_viewport_size({"width": 390, "height": 800})
    assert site.evaluate("document.documentElement.scrollWidth") <= 390
    with site.expect_download() as picture:
        press(site.get_by_role("button", name="PNG"), "Enter")
    picture.value.save_as(tmp_path / "charts.png")
    assert (tmp_path / "charts.png").read_bytes().startswith(b"\x89PNG")

    auditor = Client()
    auditor.force_login(make_user(AUDITOR))
    context = browser.new_context(accept_downloads=True)
    session = {"name": "sessionid", "value": auditor.cookies["sessionid"].value}
    context.add_cookies([{**session, "url": live_app}])  # type: ignore[typeddict-item]
    second = context.new_page()
    second.goto(f"{live_app}/ops/comparisons/{made.id}/")
    with second.expect_download() as file:
        second.get_by_role("link", name="JSON").click()
    made.refresh_from_db()
    text = Path(file.value.path()).read_text()
    assert json.loads(text)["results"] == made.results
    second.goto(f"{live_app}/ops/comparisons/")
    expect(second.get_by_role("heading", name="New comparison")).to_have_count(0)
    context.close()


def test_a_person_removes_an_uploaded_file_by_keyboard(
    site: Page, live_app: str, nurse: User
) -> None:
    lines = b"arrival,priority,prompt,output\n0,1,9,5\n"
    for owner in (nurse, make_user()):
        services.store_upload("monday.csv", lines, actor=owner, now=timezone.now())
    site.goto(f"{live_app}/ops/comparisons/")
    assert in_both_schemes(site) == []
    press(site.get_by_role("button", name="Remove the file monday.csv"), "Enter")
    expect(site.get_by_text("The file was removed")).to_be_visible()
    assert [one.created_by for one in Upload.objects.all()] != [nurse]
    assert Upload.objects.count() == 1
