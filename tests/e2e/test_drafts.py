"""What was typed and not sent: nothing is lost, and nobody else reads it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Dialog, Locator, Page, expect

from tests.e2e.steps import RESTORED, press, waiting_case
from tests.factories import PASSWORD, make_user
from triage_site.cases import services
from triage_site.cases.models import Case

pytestmark = pytest.mark.slow
WORDS = "fell off a horse"
_FILTERED = (
    "JSON.stringify(Object.entries(sessionStorage).filter(([key]) => key.startsWith('draft:')))"
)
_STORED = f"() => {_FILTERED}"


def stored(page: Page) -> str:
    return str(page.evaluate(_STORED))


def sign_in(page: Page, name: str) -> None:
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Enter")
    expect(page.locator(".usermenu")).to_be_visible()


def sign_out(page: Page) -> None:
    page.wait_for_load_state()
    page.locator(".usermenu summary").click()
    page.get_by_role("button", name="Sign out").click()


def write(page: Page, live_app: str) -> None:
    page.goto(f"{live_app}/cases/new/")
    page.get_by_label("What is the complaint?").fill(WORDS)
    page.wait_for_function(f"() => {_FILTERED}.includes('iv')")


def new_entry(page: Page) -> None:
    page.wait_for_load_state()
    page.goto(page.url.split("/cases/")[0])
    press(page, "n")
    page.wait_for_url("**/cases/new/")
    page.wait_for_load_state()


def offers(page: Page) -> Locator:
    return page.locator("#case-form [data-draft-note] p")


def test_a_draft_is_for_its_person_alone_and_outlives_the_session(
    site: Page, nurse: User, live_app: str
) -> None:
    other = make_user(username="other")
    write(site, live_app)
    assert "horse" not in stored(site)
    site.context.clear_cookies(name="sessionid")  # the session ended without a sign-out
    site.goto(f"{live_app}/login/?next=/cases/new/")
    sign_in(site, other.username)
    expect(site.get_by_label("What is the complaint?")).to_have_value("")
    site.goto(live_app)
    sign_out(site)
    expect(site.get_by_role("heading", name="Sign in")).to_be_visible()
    site.goto(f"{live_app}/login/?next=/cases/new/")
    sign_in(site, nurse.username)
    expect(site.get_by_label("What is the complaint?")).to_have_value("")
    offers(site).get_by_role("button", name="Continue").click()
    expect(site.get_by_label("What is the complaint?")).to_have_value(WORDS)
    expect(site.locator("#preview .level")).to_be_visible()


def test_counters_and_marks_follow_a_draft_that_is_restored(site: Page, live_app: str) -> None:
    write(site, live_app)
    site.locator("#f-hr_bpm").fill("240")
    site.locator("#f-pain_score").fill("u")
    expect(site.locator(".vital.unusual")).to_have_count(1)
    site.reload()
    expect(site.locator("#case-form [data-draft-note]")).to_have_text(RESTORED)
    expect(site.locator(".counter").first).to_have_text("16 of 10,000 characters")
    expect(site.locator(".vital.unusual #f-hr_bpm")).to_have_value("240")
    expect(site.locator("[name=pain_score_unmeasurable]")).to_be_checked()
    expect(site.locator("#preview .level")).to_be_visible()
    site.reload()
    expect(site.get_by_label("What is the complaint?")).to_have_value(WORDS)


def test_a_draft_outlives_a_new_secret_key(
    site: Page, nurse: User, live_app: str, settings: Any
) -> None:
    write(site, live_app)
    old = settings.SECRET_KEY
    settings.SECRET_KEY_FALLBACKS = [old]  # first: a request may run meanwhile
    settings.SECRET_KEY = "a new key of this site, " * 3
    site.reload()
    expect(site.get_by_label("What is the complaint?")).to_have_value(WORDS)


def test_a_sign_out_asks_and_then_clears_the_drafts_of_every_tab(
    site: Page, nurse: User, live_app: str
) -> None:
    asked: list[str] = []
    answers = iter([False, True])

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.accept() if next(answers) else dialog.dismiss()

    write(site, live_app)
    board = site.context.new_page()
    board.on("dialog", answer)
    board.goto(live_app)
    sign_out(board)
    while not asked:  # a click while the question stands is lost
        board.wait_for_timeout(20)
    expect(board.locator(".usermenu")).to_be_visible()
    assert "iv" in stored(site)
    board.get_by_role("button", name="Sign out").click()
    expect(board.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(site.get_by_text("You signed out in another tab.")).to_be_visible()
    assert stored(site) == "[]"
    assert asked == ["A form is not sent yet. Signing out deletes what you typed. Sign out?"] * 2
    sign_in(site, nurse.username)
    site.goto(f"{live_app}/cases/new/")
    expect(site.get_by_label("What is the complaint?")).to_have_value("")


def test_a_tab_that_slept_during_the_sign_out_clears_its_draft_when_it_wakes(
    site: Page, nurse: User, live_app: str
) -> None:
    write(site, live_app)
    site.evaluate(f"localStorage.setItem('signed-out:{nurse.pk}', Date.now())")
    assert "iv" in stored(site)  # no event reached it
    site.reload()
    expect(site.get_by_label("What is the complaint?")).to_have_value("")
    assert stored(site) == "[]"


def note_dialog(page: Page, live_app: str, case: Case) -> None:
    page.goto(f"{live_app}/cases/{case.id}/")
    page.get_by_role("link", name="Add note").click()
    page.get_by_label("Note", exact=True).fill(WORDS)
    page.wait_for_function(f"() => {_FILTERED}.includes('iv')")


def test_a_note_outlives_a_reload_and_a_change_by_somebody_else_until_it_is_sent(
    site: Page, nurse: User, live_app: str
) -> None:
    case = waiting_case(nurse, "cough", 3)
    note_dialog(site, live_app, case)
    services.override_priority(
        case_id=case.id,
        priority=2,
        reason="clinical_judgement",
        note="",
        actor=nurse,
        now=timezone.now(),
    )
    site.reload()
    dialog = site.locator("#note-dialog")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("status")).to_have_text(RESTORED)
    expect(dialog.get_by_label("Note", exact=True)).to_have_value(WORDS)
    dialog.get_by_role("button", name="Add note").click()
    expect(site.locator("#facts")).to_contain_text(WORDS)
    site.reload()
    expect(site.locator("#facts")).to_contain_text(WORDS)
    expect(dialog).to_be_hidden()
    assert stored(site) == "[]"


def test_a_closed_dialog_says_that_it_holds_a_draft_until_it_is_discarded(
    site: Page, nurse: User, live_app: str
) -> None:
    case = waiting_case(nurse, "cough", 3)
    note_dialog(site, live_app, case)
    opener = site.get_by_role("link", name="Add note")
    press(site, "Escape")
    expect(opener).to_have_attribute("data-has-draft", "")
    site.reload()
    expect(opener).to_have_attribute("data-has-draft", "")
    opener.click()
    expect(site.get_by_label("Note", exact=True)).to_have_value(WORDS)
    site.locator("#note-dialog").get_by_role("link", name="Discard").click()
    expect(opener).not_to_have_attribute("data-has-draft", "")
    assert stored(site) == "[]"
    opener.click()
    expect(site.get_by_label("Note", exact=True)).to_have_value("")


def test_level_and_reason_are_restored_after_the_session_ended(
    site: Page, nurse: User, live_app: str
) -> None:
    case = waiting_case(nurse, "cough", 3)
    site.goto(f"{live_app}/cases/{case.id}/")
    press(site, "p")
    dialog = site.locator("#override-dialog")
    dialog.get_by_role("radio").nth(1).check()
    dialog.get_by_label("Note what you saw").fill(WORDS)
    site.wait_for_function(f"() => {_FILTERED}.includes('iv')")
    site.context.clear_cookies(name="sessionid")
    site.goto(f"{live_app}/login/?next=/cases/{case.id}/")
    sign_in(site, nurse.username)
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("radio").nth(1)).to_be_checked()
    expect(dialog.get_by_label("Note what you saw")).to_have_value(WORDS)


def test_a_form_that_nobody_typed_into_leaves_no_draft(
    site: Page, nurse: User, live_app: str
) -> None:
    case = waiting_case(nurse, "cough", 3)
    site.goto(f"{live_app}/cases/{case.id}/")
    press(site, "p")
    expect(site.locator("#override-dialog")).to_be_visible()
    press(site, "Escape")
    expect(site.locator("#override-dialog")).to_be_hidden()
    assert stored(site) == "[]"


def test_the_entry_of_one_patient_is_offered_and_never_filled_into_the_next(
    site: Page, live_app: str
) -> None:
    site.set_viewport_size({"width": 390, "height": 850})
    write(site, live_app)
    site.locator("#f-age").fill("45")
    site.get_by_label("Name or bed").fill("Bed 1")
    site.locator("#f-hr_bpm").fill("44")
    new_entry(site)
    text = site.get_by_label("What is the complaint?")
    expect(offers(site)).to_contain_text("“fell off a horse”, 45 years, Bed 1")
    expect(offers(site).get_by_role("button", name="Start empty")).to_be_in_viewport()
    for field in (text, site.get_by_label("Name or bed"), site.locator("#f-hr_bpm")):
        expect(field).to_have_value("")
    text.fill("sore throat")
    press(site, "Control+Enter")
    expect(site.locator("#panel")).to_be_visible()
    case = Case.objects.get()
    assert (case.facts["text"], case.label, case.facts.get("hr_bpm")) == ("sore throat", "", None)
    new_entry(site)
    expect(offers(site)).to_have_count(1)
    offers(site).get_by_role("button", name="Continue").click()
    expect(text).to_have_value(WORDS)
    expect(site.locator("#f-hr_bpm")).to_have_value("44")
    press(site, "Control+Enter")
    expect(site.locator("#panel")).to_be_visible()
    new_entry(site)
    expect(text).to_be_focused()
    expect(offers(site)).to_have_count(0)
    assert stored(site) == "[]"
    assert Case.objects.count() == 2


def test_to_continue_an_entry_keeps_what_was_typed_meanwhile_apart(
    site: Page, live_app: str
) -> None:
    write(site, live_app)
    site.locator("#f-hr_bpm").fill("44")
    new_entry(site)
    text = site.get_by_label("What is the complaint?")
    text.fill("sore throat")
    site.locator("#f-spo2_percent").fill("97")
    offers(site).get_by_role("button", name="Continue").click()
    expect(text).to_have_value(WORDS)
    expect(site.locator("#f-spo2_percent")).to_have_value("")
    site.reload()
    expect(text).to_have_value(WORDS)
    offers(site).get_by_role("button", name="Start empty").click()
    expect(offers(site)).to_have_count(2)
    expect(text).to_have_value("")
    site.reload()
    expect(text).to_have_value("")
    offers(site).filter(has_text="sore throat").get_by_role("button", name="Delete").click()
    expect(offers(site)).to_have_count(1)
    offers(site).get_by_role("button", name="Start empty").click()
    expect(offers(site)).to_have_count(0)
    site.reload()
    expect(offers(site)).to_contain_text(WORDS)


def test_an_entry_with_faults_is_one_entry_and_the_link_in_the_bar_begins_another(
    site: Page, live_app: str
) -> None:
    write(site, live_app)
    site.locator("#f-age").fill("abc")
    press(site, "Control+Enter")
    expect(site.locator("#summary")).to_be_visible()
    site.locator("#f-temp_c").fill("98.6")
    site.get_by_role("link", name="New case").click()
    text = site.get_by_label("What is the complaint?")
    expect(offers(site)).to_have_count(1)
    expect(offers(site)).to_contain_text(f"“{WORDS}”, abc")
    expect(text).to_have_value("")
    site.reload()
    expect(offers(site)).to_have_count(1)
    expect(text).to_have_value("")


def test_vital_signs_that_were_left_are_offered_with_their_time(
    site: Page, nurse: User, live_app: str
) -> None:
    case = waiting_case(nurse, "cough", 3)
    site.goto(f"{live_app}/cases/{case.id}/vitals/")
    site.locator("#f-hr_bpm").fill("150")
    site.wait_for_function(f"() => {_FILTERED}.includes('iv')")
    site.reload()
    expect(site.locator("#f-hr_bpm")).to_have_value("150")
    site.goto(f"{live_app}/cases/{case.id}/")
    press(site, "v")
    expect(offers(site)).to_contain_text("Not sent: an entry of ")
    expect(site.locator("#f-hr_bpm")).to_have_value("")
    offers(site).get_by_role("button", name="Continue").click()
    press(site, "Control+Enter")
    expect(site.locator("#facts")).to_contain_text("150")
    assert stored(site) == "[]"


def test_a_sign_out_asks_about_an_entry_that_was_left(site: Page, live_app: str) -> None:
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    site.on("dialog", answer)
    write(site, live_app)
    site.goto(live_app)
    sign_out(site)
    while not asked:
        site.wait_for_timeout(20)
    expect(site.locator(".usermenu")).to_be_visible()
