"""Buttons that change something, in a browser without scripts and by keyboard, and with them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.steps import waiting_case
from triage_site.cases.models import Case


@pytest.fixture
def plain(live_app: str, nurse: User, browser: Browser) -> Iterator[Page]:
    """A page without scripts, signed in as `nurse`."""
    client = Client()
    client.force_login(nurse)
    context = browser.new_context(java_script_enabled=False, base_url=live_app)
    session = {"name": "sessionid", "value": client.cookies["sessionid"].value}
    context.add_cookies([{**session, "url": live_app}])  # type: ignore[typeddict-item]
    yield context.new_page()
    context.close()


def tab_to(page: Page, target: Locator) -> None:
    """Moves the focus by the Tab key alone."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if target.evaluate("one => one === document.activeElement"):
            return
    pytest.fail("the Tab key does not reach it")


def test_see_and_undo_without_scripts_return_to_the_filter(plain: Page, nurse: User) -> None:
    case = waiting_case(nurse, "sprained wrist", 3)
    plain.goto("/?level=3")
    see = plain.get_by_role("button", name=f"See the patient of case {case.number}")
    tab_to(plain, see)
    plain.keyboard.press("Enter")
    expect(plain).to_have_url(re.compile(r"/\?level=3$"))
    undo = plain.get_by_role("button", name=f"Case {case.number} waits again")
    tab_to(plain, undo)
    plain.keyboard.press("Space")
    expect(plain).to_have_url(re.compile(r"/\?level=3$"))
    expect(see).to_be_visible()


def test_a_proposal_is_accepted_without_scripts(plain: Page, nurse: User) -> None:
    case = waiting_case(nurse, "sprained wrist", 2)
    Case.objects.filter(id=case.id).update(proposed_priority=4)
    plain.goto(f"/cases/{case.id}/")
    tab_to(plain, plain.get_by_role("button", name="Accept"))
    plain.keyboard.press("Enter")
    expect(plain.get_by_role("button", name="Accept")).to_have_count(0)
    case.refresh_from_db()
    assert case.priority == 4


def test_with_scripts_the_board_stays_where_it_is(site: Page, nurse: User) -> None:
    case = waiting_case(nurse, "sprained wrist", 3)
    see = site.get_by_role("button", name=f"See the patient of case {case.number}")
    site.evaluate("window.isSamePage = true")
    see.click()
    expect(site.get_by_role("button", name=f"Case {case.number} waits again")).to_be_visible()
    assert site.evaluate("window.isSamePage")
    Case.objects.filter(id=case.id).update(proposed_priority=4)
    site.goto(f"{site.url.rstrip('/')}/cases/{case.id}/")
    site.get_by_role("button", name="Keep level 3").click()
    expect(site.get_by_role("button", name="Keep level 3")).to_have_count(0)
    case.refresh_from_db()
    assert (case.priority, case.proposed_priority) == (3, None)
