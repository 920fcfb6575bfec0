"""Faults of the form, a lost connection, and a sign-out elsewhere."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from tests.e2e.steps import RESTORED, classify, press, type_text, waiting_case
from tests.factories import PASSWORD, make_user
from triage_site.cases import services
from triage_site.cases.models import Case
from triage_site.triage import classify as classified


def test_faults_are_named_and_units_are_read(site: Page, live_app: str) -> None:
    site.goto(f"{live_app}/cases/new/")
    type_text(site, "x" * 20)
    text = site.get_by_label("What is the complaint?")
    text.fill("cough " * 1_700)
    expect(site.locator(".counter.over")).to_have_text("10,199 of 10,000 characters: 199 too many")
    site.locator("#f-age").fill("6 weeks")
    site.locator("#f-hr_bpm").fill("1_20")
    site.locator("#f-temp_c").fill("98.6F")
    site.locator("#f-sbp_mmhg").fill("120/80")
    press(site, "Control+Enter")
    expect(text).to_be_focused()
    expect(site.locator("#e-text")).to_contain_text("10,199 characters; the limit is 10,000")
    text.fill("cough")
    site.locator("#summary").get_by_role("button", name="Use 37.0 °C").click()
    expect(site.locator(".converted")).to_have_text("98.6 °F was converted. 37.0 °C will be stored")
    site.locator("#f-hr_bpm").fill("120 bpm")
    press(site, "Control+Enter")
    expect(site.locator("#panel")).to_be_visible()
    facts = Case.objects.get().facts
    assert (facts["text"], facts["temp_c"], facts["hr_bpm"]) == ("cough", 37.0, 120)
    assert (facts["sbp_mmhg"], facts["dbp_mmhg"]) == (120, 80)
    assert round(facts["age_years"] * 365.25) == 42


def test_the_preview_says_what_the_case_page_then_marks(site: Page, live_app: str) -> None:
    site.goto(f"{live_app}/cases/new/")
    site.get_by_label("What is the complaint?").fill("something is wrong with my aunt")
    icon = site.locator("#preview .chip", has_text="needs a person").locator("svg")
    assert icon.evaluate("one => one.getBoundingClientRect().width") < 20
    complaint = "Gutter came off the ladder and went through his neck"
    site.get_by_label("What is the complaint?").fill(complaint)
    expect(site.locator("#preview .flags")).to_contain_text("serious words")
    press(site, "Control+Enter")
    expect(site.locator("#panel")).to_be_visible()
    case = Case.objects.get()
    classify(case, classified(case.case_facts))
    expect(site.locator(".words mark[title='serious words']")).to_contain_text("neck")


def test_a_form_waits_for_the_connection_and_is_stored_once(site: Page, live_app: str) -> None:
    site.goto(f"{live_app}/cases/new/")
    site.get_by_label("What is the complaint?").fill("cough")
    state = site.locator("#send-state")
    site.route("**/stay/", lambda route: route.fulfill(status=429))
    submit = site.get_by_role("button", name="Submit case")
    submit.click()
    expect(state).to_contain_text("Not sent yet: no connection")
    submit.click()
    site.get_by_role("button", name="Cancel sending").click()
    expect(state).to_contain_text("Not sent. What you typed is kept")
    submit.click()
    expect(state).to_contain_text("Not sent yet")
    assert not Case.objects.exists()
    site.unroute("**/stay/")
    expect(site.locator("#panel")).to_be_visible()
    assert Case.objects.count() == 1


def test_a_sign_out_elsewhere_explains_itself_and_returns_to_the_draft(
    site: Page, nurse: User, live_app: str
) -> None:
    site.goto(f"{live_app}/cases/new/")
    text = site.get_by_label("What is the complaint?")
    text.fill("fell off a horse")
    expect(site.locator("#preview .level")).to_be_visible()
    site.context.clear_cookies(name="sessionid")
    site.get_by_role("button", name="Submit case").click()
    expect(site.locator("#send-state")).to_contain_text("Nothing was sent: you are signed out")
    site.get_by_role("link", name="Sign in").click()
    expect(site.get_by_text("You were signed out")).to_be_visible()
    site.get_by_label("User name").fill("nurse")
    site.get_by_label("Password").fill(PASSWORD)
    press(site, "Enter")
    expect(text).to_have_value("fell off a horse")
    expect(site.locator("#case-form [data-draft-note]")).to_have_text(RESTORED)
    site.get_by_role("button", name="Submit case").click()
    expect(site.locator("#panel")).to_be_visible()


def test_dialogs_keep_and_return_the_focus(site: Page) -> None:
    press(site, "?")
    dialog = site.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_be_visible()
    for _ in range(3):
        press(site, "Tab")
    assert site.evaluate(
        "document.activeElement === document.body || "
        "document.querySelector('#shortcuts').contains(document.activeElement)"
    )
    press(site, "Escape")
    expect(dialog).to_be_hidden()
    menu = site.locator(".usermenu summary")
    press(menu, "Enter")
    expect(site.get_by_role("button", name="Sign out")).to_be_visible()
    press(site, "Escape")
    expect(site.get_by_role("button", name="Sign out")).to_be_hidden()
    expect(menu).to_be_focused()


def test_a_fault_in_a_dialog_gets_the_focus(site: Page, nurse: User, live_app: str) -> None:
    case = waiting_case(nurse, "cough", 3)
    site.goto(f"{live_app}/cases/{case.id}/")
    site.get_by_role("link", name="Change priority").click()
    dialog = site.get_by_role("dialog", name="Change the priority")
    expect(dialog.get_by_role("radio").first).to_be_focused()
    dialog.get_by_role("radio").nth(1).check()
    dialog.locator("#f-reason").select_option("other")
    submit = dialog.get_by_role("button", name="Change priority")
    submit.click()
    expect(dialog.get_by_text("Enter the reason as a note")).to_be_visible()
    expect(dialog.locator("#f-note")).to_be_focused()
    dialog.locator("#f-reason").select_option("")
    submit.click()
    expect(dialog.get_by_text("Choose a reason").first).to_be_visible()
    expect(dialog.locator("#f-reason")).to_be_focused()
    press(site, "Escape")
    site.get_by_role("link", name="Add note").click()
    dialog = site.get_by_role("dialog", name="Add a note")
    dialog.get_by_role("button", name="Add note").click()
    expect(dialog.get_by_text("Enter a note")).to_be_visible()
    expect(dialog.locator("#f-note-text")).to_be_focused()
    press(site, "Escape")
    site.locator("#act-close").click()
    dialog = site.get_by_role("dialog", name="Close case")
    dialog.get_by_role("radio").first.check()
    dialog.locator("#f-close-reason").fill("x" * 501)
    dialog.get_by_role("button", name="Close the case").click()
    expect(dialog.get_by_text("the limit is 500")).to_be_visible()
    expect(dialog.locator("#f-close-reason")).to_be_focused()


def test_a_dialog_of_a_case_that_was_closed_meanwhile_says_what_holds(
    site: Page, nurse: User, live_app: str
) -> None:
    case = waiting_case(nurse, "cough", 3)
    site.goto(f"{live_app}/cases/{case.id}/")
    site.get_by_role("link", name="Add note").click()
    dialog = site.get_by_role("dialog", name="Add a note")
    dialog.locator("#f-note-text").fill("looks worse")
    services.close_case(
        case.id, disposition="discharged", actor=make_user(), now=timezone.now(), version=0
    )
    dialog.get_by_role("button", name="Add note").click()
    expect(dialog.locator(".summary")).to_be_focused()
    expect(dialog.locator(".summary")).not_to_contain_text("submit again")
    with site.context.expect_page() as opened:
        dialog.get_by_role("link", name="Reopen it").click()
    opened.value.get_by_role("button", name="Reopen").click()
    expect(opened.value.locator("#panel")).to_contain_text("Waiting to be seen")
    dialog.get_by_role("button", name="Add note").click()
    expect(dialog.locator(".summary")).to_contain_text("submit again")
    dialog.get_by_role("button", name="Add note").click()
    expect(site.locator("#facts")).to_contain_text("looks worse")
