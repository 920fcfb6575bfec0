"""Accessibility of the pages: axe-core rules of WCAG 2.2 A and AA, and small screens."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from tests.e2e.steps import GUIDANCE, finish, press, take_slot, waiting_case

AXE = (Path(__file__).parent / "vendor" / "axe-core" / "axe.min.js").read_text()
OPS = (
    "/ops/",
    "/ops/triage/",
    "/ops/triage/signs/?sign=chest",
    "/ops/audit/",
    "/account/",
)
NUM_CASES = 7  # of `addresses`
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def violations(page: Page) -> list[str]:
    page.evaluate(AXE)
    found = page.evaluate("(rules) => axe.run(document, {runOnly: rules})", RULES)
    return [f"{page.url} {one['id']}: {one['nodes'][0]['html']}" for one in found["violations"]]


@pytest.fixture
def addresses(nurse: User, live_app: str) -> list[str]:
    """All pages, with a case in each state that has a different display."""
    done = waiting_case(nurse, "done", 0, hr_bpm=140, sbp_mmhg="unmeasurable")
    finish(take_slot(), GUIDANCE)
    running = waiting_case(nurse, "running", 0)
    take_slot()
    waiting = [waiting_case(nurse, f"level {p}", p) for p in range(5)][2]
    cases = [f"/cases/{case.id}/" for case in (done, running, waiting)]
    return [
        live_app + path
        for path in (
            "/",
            *cases,
            f"{cases[0]}print/",
            "/cases/new/",
            "/cases/?state=waiting",
            "/board/wall/",
            *OPS,
        )
    ]


@pytest.mark.slow
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
def test_pages_pass_axe(
    scheme: str, width: int, site: Page, addresses: list[str], live_app: str
) -> None:
    site.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    site.set_viewport_size({"width": width, "height": 800})
    expect(site.locator("#open-rows tr.row")).to_have_count(NUM_CASES)  # none is being inserted
    broken = violations(site)
    for address in (addresses[1], addresses[2], *(live_app + path for path in OPS)):
        site.goto(address)
        broken += violations(site)
    site.goto(f"{live_app}/cases/new/")
    site.locator("#f-hr_bpm").fill("999")
    site.locator("#f-rr_bpm").fill("90")
    site.get_by_role("button", name="Submit case").click()
    expect(site.locator("#f-text")).to_be_focused()
    broken += violations(site)
    assert broken == []


def test_pages_fit_the_width_of_a_phone(site: Page, addresses: list[str]) -> None:
    site.set_viewport_size({"width": 360, "height": 740})
    for address in addresses:
        site.goto(address)
        width = site.evaluate("document.documentElement.scrollWidth")
        assert width <= 360, f"{address} is {width} px wide"


def test_a_dialog_passes_axe_and_returns_the_focus(site: Page, addresses: list[str]) -> None:
    site.goto(addresses[1])
    opener = site.get_by_role("link", name="Change priority")
    opener.click()
    expect(site.get_by_role("dialog")).to_be_visible()
    assert violations(site) == []
    press(site, "Escape")
    expect(site.get_by_role("dialog")).not_to_be_visible()
    expect(opener).to_be_focused()
