"""A charge nurse moves a case and pauses guidance, by keyboard."""

from __future__ import annotations

from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from tests.e2e.steps import press, waiting_case


def test_a_case_is_moved_and_guidance_paused_by_keyboard(
    site: Page, nurse: User, live_app: str
) -> None:
    waiting_case(nurse, "sore throat", 3)
    case = waiting_case(nurse, "twisted ankle", 3)
    row = site.locator(f"#open-rows #case-{case.number}")
    expect(row).to_contain_text("Position 2")
    row.locator("[data-row-open]").focus()
    press(site, "m")
    expect(site.get_by_role("heading", name=f"Move case {case.number}")).to_be_visible()
    press(site.get_by_label("Up: earlier"), "Space")
    press(site.get_by_label("Reason"), "Control+Enter")
    expect(site.get_by_role("alert")).to_contain_text("Enter a reason")
    site.get_by_label("Reason").fill("relatives wait")
    press(site.get_by_label("Reason"), "Control+Enter")
    expect(row).to_contain_text("moved up by 1 (nurse)")
    expect(site).to_have_url(f"{live_app}/")

    site.goto(f"{live_app}/cases/{case.id}/")
    expect(site.locator("#panel")).to_contain_text("Next in the queue: no case stands before it.")
    press(site.locator("#order summary"), "Enter")
    expect(site.locator("#order")).to_contain_text("Up by 1, nurse")

    site.goto(f"{live_app}/ops/queue/")
    press(site.get_by_role("link", name=f"Move case {case.number} in the queue"), "Enter")
    expect(site.get_by_role("heading", name=f"Move case {case.number}")).to_be_visible()

    site.goto(f"{live_app}/ops/queue/")
    site.get_by_label("Reason").fill("model update")
    press(site.get_by_label("Reason"), "Enter")
    expect(site.locator("#paused").first).to_contain_text("by nurse: model update")
    site.goto(f"{live_app}/ops/")
    expect(site.get_by_role("link", name="Resume guidance")).to_be_visible()
    site.goto(live_app)
    expect(site.locator("#paused")).to_contain_text("Guidance is paused")
    expect(row).to_contain_text("Next, paused")
    press(site.locator("#paused a"), "Enter")
    press(site.get_by_role("button", name="Resume guidance"), "Enter")
    expect(site.locator("#paused")).to_have_count(0)
