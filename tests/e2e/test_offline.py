"""Without a connection no entry is lost, nothing is silently left undone and nothing sent twice."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, Route, expect

from tests.e2e.steps import press, waiting_case
from tests.factories import PASSWORD
from triage_site.cases.models import Case

NOT_SENT = re.compile("Not sent: no connection.*Press again when the connection is back")
SENT_LATER = re.compile("Not sent yet: no connection to the server since .* Keep this page open")


@pytest.fixture
def case(nurse: User) -> Case:
    return waiting_case(nurse, "chest pain", 2)


def message(page: Page) -> Locator:
    return page.get_by_role("alert").and_(page.locator("#send-state"))


def events(case: Case, kind: str) -> int:
    return case.events.filter(kind=kind).count()


def test_a_note_waits_for_the_connection_and_is_stored_once(
    signed_in: Page, live_app: str, case: Case
) -> None:
    signed_in.goto(f"{live_app}/cases/{case.id}/note/")
    text = signed_in.get_by_label("Note")
    text.fill("now sweating")
    signed_in.context.set_offline(True)
    press(text, "Control+Enter")
    expect(message(signed_in)).to_contain_text(SENT_LATER)
    expect(text).to_have_value("now sweating")
    expect(text).to_be_focused()
    press(text, "Control+Enter")
    signed_in.context.set_offline(False)
    expect(signed_in.locator("#panel")).to_be_visible()
    assert events(case, "note") == 1


@pytest.mark.parametrize("action", ["override", "close"])
def test_a_server_that_is_gone_keeps_the_page_and_a_late_form_meets_the_newer_version(
    action: str, signed_in: Page, live_app: str, case: Case
) -> None:
    signed_in.goto(f"{live_app}/cases/{case.id}/{action}/")
    signed_in.locator("input[type=radio]").first.check()
    words = signed_in.locator("[name=note], [name=reason]:not(select)").first
    words.fill("as agreed")
    if action == "override":
        signed_in.locator("select[name=reason]").select_option(index=1)

    def refuse(route: Route) -> None:
        route.abort("connectionrefused")

    signed_in.route("**/*", refuse)
    signed_in.locator("form.stack button.primary").click()
    expect(message(signed_in)).to_contain_text(SENT_LATER)
    Case.objects.filter(id=case.id).update(version=case.version + 5)
    signed_in.unroute("**/*", refuse)
    expect(signed_in.get_by_role("alert")).to_contain_text("has changed")
    expect(words).to_have_value("as agreed")
    case.refresh_from_db()
    assert (case.priority, case.closed_at) == (2, None)


def test_a_dialog_says_that_nothing_was_sent_and_keeps_the_text(
    signed_in: Page, live_app: str, case: Case
) -> None:
    signed_in.goto(f"{live_app}/cases/{case.id}/")
    press(signed_in, "p")
    dialog = signed_in.get_by_role("dialog")
    dialog.locator("input[type=radio]").first.check()
    dialog.locator("select[name=reason]").select_option(index=1)
    note = dialog.get_by_label("Note")
    note.fill("grey and sweating")
    signed_in.context.set_offline(True)
    press(note, "Control+Enter")
    expect(dialog.get_by_role("alert")).to_contain_text(NOT_SENT)
    expect(note).to_have_value("grey and sweating")
    expect(note).to_be_focused()
    press(signed_in, "Escape")
    expect(note).to_be_hidden()
    signed_in.evaluate("document.activeElement.blur()")
    press(signed_in.locator("body"), "p")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("alert")).to_be_hidden()
    expect(note).to_have_value("grey and sweating")
    signed_in.context.set_offline(False)
    press(note, "Control+Enter")
    expect(dialog).to_be_hidden()
    expect(signed_in.locator("#panel .level")).to_have_count(1)
    case.refresh_from_db()
    assert case.priority == 0


def test_a_patient_is_not_seen_without_a_connection_nor_by_itself_later(
    signed_in: Page, live_app: str, case: Case
) -> None:
    signed_in.goto(f"{live_app}/cases/{case.id}/")
    signed_in.wait_for_load_state()
    signed_in.context.set_offline(True)
    press(signed_in, "s")
    expect(message(signed_in)).to_contain_text("“See patient” is not done")
    signed_in.context.set_offline(False)
    signed_in.wait_for_timeout(4000)  # longer than a form waits before it tries again
    case.refresh_from_db()
    assert case.clinical_status == "waiting"
    with signed_in.expect_navigation():
        press(signed_in, "s")
    expect(signed_in.locator("#panel")).to_contain_text("Being seen by nurse")


def test_the_board_says_which_press_was_not_sent(signed_in: Page, case: Case) -> None:
    see = signed_in.locator(f"#see-{case.number}")
    expect(see).to_be_visible()
    press(signed_in, "j")
    signed_in.context.set_offline(True)
    press(signed_in, "s")
    expect(message(signed_in)).to_contain_text(
        f"“See the patient of case {case.number}” is not done. Press again"
    )
    expect(signed_in.locator(f"#case-{case.number} [data-row-open]")).to_be_focused()
    signed_in.context.set_offline(False)
    press(signed_in, "s")
    expect(message(signed_in)).to_be_hidden()
    expect(signed_in.locator(f"#seen-rows #case-{case.number}")).to_contain_text("nurse since")
    signed_in.context.set_offline(True)
    signed_in.locator(f"#reopen-{case.number}").click()
    expect(message(signed_in)).to_contain_text("waits again” is not done")
    signed_in.get_by_role("button", name="Hide").click()
    expect(message(signed_in)).to_be_hidden()
    expect(signed_in.locator(f"#reopen-{case.number}")).to_be_focused()


def test_an_answer_that_does_not_count_is_said(signed_in: Page, live_app: str, case: Case) -> None:
    signed_in.goto(f"{live_app}/cases/{case.id}/")
    signed_in.route("**/seen/", lambda route: route.fulfill(status=502))
    press(signed_in, "s")
    expect(message(signed_in)).to_contain_text("The server did not confirm “See patient”")


@pytest.mark.parametrize("opener", ["Change priority", "Add note"])
def test_a_dialog_without_a_session_says_so_and_opens_again_with_its_text(
    opener: str, signed_in: Page, live_app: str, case: Case
) -> None:
    signed_in.goto(f"{live_app}/cases/{case.id}/")
    signed_in.wait_for_load_state()
    signed_in.route("**/live/**", lambda route: route.abort())  # it leads to the sign-in by itself
    signed_in.get_by_role("link", name=opener, exact=True).click()
    dialog = signed_in.get_by_role("dialog")
    words = dialog.locator("textarea")
    words.fill("now sweating")
    if dialog.get_by_role("radio").count():
        dialog.get_by_role("radio").first.check()
    signed_in.context.clear_cookies()
    dialog.locator("button.primary, button.danger").click()
    said = signed_in.get_by_text("you are signed out").or_(signed_in.get_by_text("You were signed"))
    expect(said.first).to_be_visible()
    if dialog.is_visible():
        signed_in.locator("#send-state").get_by_role("link", name="Sign in").click()
    signed_in.get_by_label("User name").fill("nurse")
    signed_in.get_by_label("Password").fill(PASSWORD)
    press(signed_in, "Enter")
    expect(dialog).to_be_visible()
    expect(words).to_have_value("now sweating")
    assert not events(case, "note") + events(case, "overridden")


def test_a_dialog_of_who_signed_in_again_elsewhere_is_sent_with_the_second_press(
    signed_in: Page, live_app: str, case: Case
) -> None:
    signed_in.goto(f"{live_app}/cases/{case.id}/")
    signed_in.get_by_role("link", name="Add note").click()
    words = signed_in.get_by_role("dialog").locator("textarea")
    words.fill("now sweating")
    token = "0" * 32
    signed_in.context.add_cookies([{"name": "csrftoken", "value": token, "url": live_app}])
    send = signed_in.get_by_role("dialog").get_by_role("button", name="Add note")
    send.click()
    expect(message(signed_in)).to_contain_text("Not sent: you signed in again meanwhile")
    send.click()
    expect(signed_in.locator("#facts")).to_contain_text("now sweating")
    assert events(case, "note") == 1


@pytest.mark.parametrize(
    ("path", "field"), [("ops/", "Reason"), ("ops/queue/", "Reason"), ("cases/{}/move/", "Reason")]
)
def test_a_form_that_is_wrong_later_is_kept_and_not_sent_by_itself(
    path: str, field: str, signed_in: Page, live_app: str, case: Case
) -> None:
    signed_in.goto(live_app + "/" + path.format(case.id))
    reason = signed_in.get_by_label(field).last
    reason.fill("too many wait")
    signed_in.context.set_offline(True)
    signed_in.locator("main form button.primary").last.click()
    expect(message(signed_in)).to_contain_text(NOT_SENT)
    expect(reason).to_have_value("too many wait")
    address = signed_in.url
    signed_in.context.set_offline(False)
    signed_in.wait_for_timeout(4000)
    assert signed_in.url == address
    expect(message(signed_in)).to_be_visible()
    with signed_in.expect_navigation():
        signed_in.locator("main form button.primary").last.click()


def test_signed_out_on_a_note_returns_to_it_with_the_text(
    signed_in: Page, live_app: str, case: Case
) -> None:
    signed_in.goto(f"{live_app}/cases/{case.id}/note/")
    signed_in.get_by_label("Note").fill("now sweating")
    signed_in.context.clear_cookies(name="sessionid")
    signed_in.get_by_role("button", name="Add note").click()
    expect(message(signed_in)).to_contain_text("Nothing was sent: you are signed out")
    message(signed_in).get_by_role("link", name="Sign in").click()
    signed_in.get_by_label("User name").fill("nurse")
    signed_in.get_by_label("Password").fill(PASSWORD)
    press(signed_in, "Enter")
    expect(signed_in.get_by_label("Note")).to_have_value("now sweating")
    signed_in.get_by_role("button", name="Add note").click()
    expect(signed_in.locator("#panel")).to_be_visible()
    assert events(case, "note") == 1
