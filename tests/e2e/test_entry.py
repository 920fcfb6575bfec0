"""Faults of the form, a lost connection, and a sign-out elsewhere."""

from __future__ import annotations

from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from tests.e2e.steps import classify, press, type_text
from tests.factories import PASSWORD
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
    expect(site.locator("#draft-note")).to_have_text("Your draft was restored.")
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
