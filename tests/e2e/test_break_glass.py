"""Break-glass in the browser: a clinician opens a case of another department, a nurse sees it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from tests.e2e.steps import press, type_text, waiting_case
from tests.e2e.test_pages_access import violations
from tests.factories import make_department, make_user
from triage_site.cases import services
from triage_site.cases.models import Case, OpeningNote

LOOKS = [("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)]


@pytest.fixture
def case(nurse: User) -> Case:
    child_nurse = make_user(username="carla")
    make_department("PAED", child_nurse)
    return waiting_case(child_nurse, "zebrafish bite", 2)


@pytest.fixture
def anna(nurse: User, case: Case) -> User:
    user = make_user(username="anna")
    make_department("SURG", user)
    return user


@pytest.fixture
def her_page(browser: Browser, live_app: str, anna: User) -> Iterator[Page]:
    client = Client()
    client.force_login(anna)
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        session = {"name": "sessionid", "value": client.cookies["sessionid"].value}
        context.add_cookies([{**session, "url": live_app}])  # type: ignore[typeddict-item]
        yield context.new_page()


def broken_looks(page: Page) -> list[str]:
    """What axe finds in each look, and where the page is wider than the screen."""
    found = []
    for scheme, width in LOOKS:
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        page.set_viewport_size({"width": width, "height": 800})
        found += violations(page)
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            found.append(f"{page.url} is {wide} px wide of {width}")
    return found


def test_a_case_is_opened_by_keyboard_and_the_nurse_acknowledges_it(
    case: Case, site: Page, her_page: Page, live_app: str
) -> None:
    expect(site.locator("#open-rows tr.row")).to_have_count(1)
    her_page.goto(f"{live_app}/")
    expect(her_page.get_by_text("No one is waiting").first).to_be_visible()
    press(her_page, "/")
    type_text(her_page, str(case.number))
    press(her_page, "Enter")
    way_in = her_page.get_by_role("link", name="Open it with a reason")
    expect(way_in).to_be_visible()
    broken = broken_looks(her_page)
    way_in.press("Enter")
    expect(her_page.get_by_label("Reason")).to_be_focused()
    broken += broken_looks(her_page)
    press(her_page, "Tab")
    press(her_page, "Enter")
    expect(her_page.get_by_role("alert")).to_contain_text("Enter why you open this case")
    broken += broken_looks(her_page)
    type_text(her_page, "called to help in the corridor")
    press(her_page, "Tab")
    press(her_page, "Enter")
    expect(her_page.locator("#opening")).to_contain_text("You opened this case")
    broken += broken_looks(her_page)

    alert = site.locator("#openings .alert")
    expect(alert).to_contain_text(f"anna opened case {case.number} of Department PAED")
    broken += broken_looks(site)
    site.get_by_role("button", name="Acknowledge the opening").press("Enter")
    expect(alert).to_have_count(0)
    assert OpeningNote.objects.get().kind == OpeningNote.Kind.SEEN
    site.goto(f"{live_app}/ops/")
    site.get_by_role("link", name="Openings").click()
    broken += broken_looks(site)
    site.get_by_role("textbox", name="Review").fill("was asked to help")
    site.get_by_role("button", name="Record the review").press("Enter")
    expect(site.get_by_text("Reviewed by nurse")).to_be_visible()
    broken += broken_looks(site)
    assert broken == []


def test_an_open_page_asks_again_when_the_time_ends(
    case: Case, anna: User, her_page: Page, live_app: str
) -> None:
    begun = timezone.now() - timedelta(minutes=60) + timedelta(seconds=10)
    services.open_with_reason(case.id, reason="helps", actor=anna, now=begun)
    her_page.goto(f"{live_app}/cases/{case.id}/")
    expect(her_page.locator("#opening")).to_be_visible()
    expect(her_page.get_by_role("heading", level=1)).to_contain_text(
        "is of another department", timeout=30_000
    )
    assert "zebrafish" not in her_page.content()


def test_the_console_shows_the_alert_as_well(
    case: Case, anna: User, site: Page, live_app: str
) -> None:
    services.open_with_reason(case.id, reason="helps", actor=anna, now=timezone.now())
    site.goto(f"{live_app}/ops/")
    site.get_by_role("button", name="Acknowledge the opening").click()
    expect(site.locator("#openings .alert")).to_have_count(0)


def test_who_has_several_departments_chooses_one_for_a_new_case(
    case: Case, site: Page, live_app: str
) -> None:
    site.goto(f"{live_app}/cases/new/")
    broken = broken_looks(site)
    site.get_by_label("Department").select_option(label="Department PAED")
    site.locator("#f-text").fill("sore toe")
    site.get_by_role("button", name="Submit case").click()
    expect(site.locator("#case-panel")).to_contain_text("Department PAED")
    assert broken == []


def test_a_case_is_moved_to_another_department_by_keyboard(
    case: Case, anna: User, site: Page, her_page: Page, live_app: str
) -> None:
    address = f"{live_app}/cases/{case.id}/"
    her_page.goto(address)
    expect(her_page.get_by_role("heading", level=1)).to_contain_text("is of another department")
    site.goto(address)
    site.get_by_role("link", name="Change department").press("Enter")
    broken = broken_looks(site)
    site.get_by_role("button", name="Move the case").press("Enter")
    expect(site.get_by_role("alert")).to_contain_text("Enter a reason")
    broken += broken_looks(site)
    site.get_by_label("New department").focus()
    type_text(site, "Department S")
    press(site, "Tab")
    type_text(site, "surgical")
    press(site, "Enter")
    expect(site.locator("#case-panel")).to_contain_text("Department SURG")
    expect(site.get_by_text("PAED → SURG. surgical")).to_be_visible()
    broken += broken_looks(site)
    her_page.goto(address)
    expect(her_page.locator("#case-panel")).to_contain_text("Department SURG")
    assert broken == []
