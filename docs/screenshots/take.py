"""Takes the four pictures of the README from a running demonstration.

make run                                    (in another terminal)
python manage.py replay fixtures/calls/mass_casualty.jsonl --speed 60
PYTHONPATH=. python docs/screenshots/take.py http://127.0.0.1:8000
"""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.browser import browser_path

HERE = Path(__file__).parent
NUM_AHEAD = 3  # so that its turn comes while the page is open
VITALS = {"rr_bpm": "26", "spo2_percent": "91", "hr_bpm": "132"}


def sign_in(page: Page, site: str) -> None:
    page.goto(f"{site}/login/")
    page.get_by_label("User name").fill("nurse")
    page.get_by_label("Password").fill("nurse-demo")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Board").wait_for()


def fill_form(page: Page) -> None:
    page.get_by_label("What is the complaint?").fill("Chest pain and sweating since this morning")
    page.locator("#f-age").fill("71")
    page.locator("#f-sex").select_option("female")
    for name, value in VITALS.items():
        page.locator(f"#f-{name}").fill(value)
    page.locator("[name=sbp_mmhg_unmeasurable]").check()
    page.locator("#preview .level").wait_for()


def take(site: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=browser_path(), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme="light")
        sign_in(page, site)
        page.locator("tr.row progress").nth(5).wait_for()
        page.screenshot(path=HERE / "board.png")
        page.locator("tr.row[data-guidance=queued] a[data-row-open]").nth(NUM_AHEAD).click()
        page.locator("#stream section.now[data-heading=Recommendation]").wait_for()
        page.screenshot(path=HERE / "case-streaming.png")
        page.goto(f"{site}/ops/")
        page.screenshot(path=HERE / "operations.png")
        page.goto(f"{site}/cases/new/")
        fill_form(page)
        page.screenshot(path=HERE / "form.png")
        browser.close()


if __name__ == "__main__":
    take(sys.argv[1].rstrip("/") if len(sys.argv) > 1 else "http://127.0.0.1:8000")
