"""Takes pictures of every page from a running demonstration, to be looked at.

make run                                    (in another terminal)
python manage.py replay fixtures/calls/mass_casualty.jsonl --speed 60
PYTHONPATH=. python docs/screenshots/take_pages.py http://127.0.0.1:8000 desktop phone wide [dark]
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, FloatRect, Page, sync_playwright

from docs.screenshots.take import fill_form, sign_in
from tests.browser import browser_path

HERE = Path(__file__).parent / "pages"
SIZES = {
    "desktop": (1280, 900, "light"),
    "dark": (1280, 900, "dark"),
    "phone": (390, 844, "light"),
    "wide": (1920, 1080, "light"),
}
MOST_SCREENS = 2  # of a long page


def _form(page: Page, site: str) -> None:
    page.goto(f"{site}/cases/new/")
    fill_form(page)


def _of_case(action: str) -> Callable[[Page, str], None]:
    """A page of the first case of the board."""

    def go(page: Page, site: str) -> None:
        page.goto(site)
        address = page.locator("tr.row a[data-row-open]").first.get_attribute("href")
        page.goto(f"{site}{address}{action}")

    return go


def _ready_case(page: Page, site: str) -> None:
    page.goto(site)
    page.locator("tr.row[data-guidance=ready] a[data-row-open]").first.click()
    page.locator("#guidance").get_by_text("Recommendation").first.wait_for()


def _switch(page: Page, site: str) -> None:
    page.goto(f"{site}/ops/")
    page.locator("input[name=policy][value=fcfs]").check()
    page.locator("#switch-preview h3").wait_for()
    page.wait_for_timeout(1500)


def _comparison(page: Page, site: str) -> None:
    page.goto(f"{site}/ops/comparisons/")
    page.locator("main a[href^='/ops/comparisons/']").first.click()
    page.wait_for_timeout(1500)


def _at(path: str) -> Callable[[Page, str], None]:
    def go(page: Page, site: str) -> None:
        page.goto(f"{site}{path}")

    return go


PAGES: dict[str, Callable[[Page, str], None]] = {
    "board": _at("/"),
    "form": _form,
    "case": _ready_case,
    "vitals": _of_case("vitals/"),
    "close": _of_case("close/"),
    "override": _of_case("override/"),
    "print": _of_case("print/"),
    "find": _at("/cases/?q=pain"),
    "wall": _at("/board/wall/"),
    "account": _at("/account/"),
    "operations": _at("/ops/"),
    "switch": _switch,
    "queue": _at("/ops/queue/"),
    "replays": _at("/ops/replays/"),
    "comparisons": _at("/ops/comparisons/"),
    "comparison": _comparison,
    "classifier": _at("/ops/triage/"),
    "signs": _at("/ops/triage/signs/"),
    "audit": _at("/ops/audit/"),
    "openings": _at("/ops/openings/"),
}


@contextmanager
def signed_in(browser: Browser, site: str, size: str) -> Iterator[Page]:
    width, height, scheme = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page = context.new_page()
    sign_in(page, site)
    yield page
    context.close()


def take(site: str, sizes: list[str], names: list[str]) -> None:
    HERE.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=browser_path(), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        for size in sizes:
            with signed_in(browser, site, size) as page:
                for name in names:
                    _take_one(page, site, name, size)
        browser.close()


def _take_one(page: Page, site: str, name: str, size: str) -> None:
    PAGES[name](page, site)
    page.wait_for_timeout(500)
    width, height, _ = SIZES[size]
    whole = int(page.evaluate("document.documentElement.scrollHeight"))
    shown: FloatRect = {
        "x": 0,
        "y": 0,
        "width": width,
        "height": min(whole, MOST_SCREENS * height),
    }
    page.screenshot(
        path=HERE / f"{name}-{size}.jpg", type="jpeg", quality=45, full_page=True, clip=shown
    )
    print(f"{name}-{size}: {width} x {whole}", flush=True)


if __name__ == "__main__":
    address = sys.argv[1].rstrip("/") if len(sys.argv) > 1 else "http://127.0.0.1:8000"
    take(address, sys.argv[2:] or list(SIZES), list(PAGES))
