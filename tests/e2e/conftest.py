"""Fixtures: a signed-in browser on the running site."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import BrowserContext, Page, expect

from tests.factories import make_user
from triage_site.cases.roles import CHARGE_NURSE

expect.set_options(timeout=15_000)  # long enough for a busy machine

# The browser also reports answers such as 404 and 422, a request that a navigation cancelled, and
# (as an event without words) a stream of the board that ended with its session.
_HARMLESS = (
    "responded with a status of 4",
    "htmx:sendAbort",
    "htmx:afterRequest",
    "[object Event]",
)


@pytest.fixture
def nurse(live_app: str) -> User:
    return make_user(CHARGE_NURSE, username="nurse")


@pytest.fixture
def console_errors(page: Page) -> list[str]:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "console",
        lambda message: errors.append(message.text) if message.type == "error" else None,
    )
    return errors


@pytest.fixture
def signed_in(
    live_app: str, nurse: User, page: Page, context: BrowserContext, console_errors: list[str]
) -> Page:
    """The board, signed in as `nurse`, for tests in which the browser reports failed requests."""
    client = Client()
    client.force_login(nurse)
    session = {"name": "sessionid", "value": client.cookies["sessionid"].value}
    context.add_cookies([{**session, "url": live_app}])  # type: ignore[typeddict-item]
    page.goto(live_app)
    expect(page.get_by_role("heading", name="Board")).to_be_visible()
    return page


@pytest.fixture
def site(signed_in: Page, console_errors: list[str]) -> Iterator[Page]:
    """The board, signed in as `nurse`. Any error in the browser's console fails the test."""
    yield signed_in
    unexpected = [text for text in console_errors if not any(part in text for part in _HARMLESS)]
    assert not unexpected, unexpected
