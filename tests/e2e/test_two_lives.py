"""The patient's life in a browser: seen, closed, reopened; vital signs again; lost updates."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from scheduling.models import Job
from tests.e2e.steps import GUIDANCE, finish, press, take_slot, waiting_case
from tests.factories import make_user
from triage_site.cases import services
from triage_site.cases.models import Case


def arrived(case: Case, minutes: float) -> None:
    """The patient arrived so many minutes ago."""
    at = timezone.now() - timedelta(minutes=minutes)
    Case.objects.filter(id=case.id).update(arrived_at=at, assessed_at=at)


def test_the_patient_stays_on_the_board_after_the_guidance(site: Page, nurse: User) -> None:
    case = waiting_case(nurse, "chest pain", 1)
    row = site.locator(f"#open-rows #case-{case.number}")
    expect(row).to_be_visible()
    finish(take_slot(), GUIDANCE)
    expect(row.locator(".chip.ready")).to_have_text("ready")
    expect(row.locator(".clock")).to_be_visible()
    expect(site.locator("#count-1 .count")).to_have_text("1")


@pytest.mark.both_databases
def test_seen_and_closed_from_the_board_by_keyboard(site: Page, nurse: User, live_app: str) -> None:
    case = waiting_case(nurse, "chest pain", 1)
    expect(site.locator(f"#open-rows #case-{case.number}")).to_be_visible()
    press(site, "j")
    press(site, "s")
    seen = site.locator(f"#seen-rows #case-{case.number}")
    expect(seen).to_contain_text("nurse since")
    expect(seen.locator("[data-row-open]")).to_be_focused()
    expect(site.locator("#count-1 .count")).to_have_text("0")
    site.locator(f"#case-{case.number} [data-row-open]").focus()
    press(site, "x")
    expect(site.get_by_role("heading", name=f"Close case {case.number}")).to_be_visible()
    site.get_by_label("Admitted").focus()
    press(site, "Space")
    press(site, "Control+Enter")
    expect(site.locator(f"#done-rows #case-{case.number}")).to_contain_text("Admitted")
    expect(site).to_have_url(f"{live_app}/")
    press(site.locator(f"#reopen-{case.number}"), "Enter")
    expect(site.locator(f"#open-rows #case-{case.number}")).to_be_visible()


def test_a_close_by_keyboard_keeps_the_filter_and_goes_on_with_the_next_row(
    site: Page, nurse: User, live_app: str
) -> None:
    for level in (2, 2, 2, 3):
        waiting_case(nurse, "cough", level)
    Case.objects.filter(priority=2).update(needs_person=True)
    site.goto(f"{live_app}/?person=1&level=2")
    rows = site.locator("#open-rows tr.row:visible")
    expect(rows).to_have_count(3)
    first, second, _ = rows.evaluate_all("rows => rows.map((row) => row.id)")
    press(site, "j")
    press(site, "x")
    site.get_by_role("link", name="Keep it open").click()
    expect(site.locator(f"#{first} [data-row-open]")).to_be_focused()
    for num_left in (2, 1):  # the last row has no next one: the one before it has the focus
        press(site, "x")
        expect(site.get_by_role("heading", name="Close case")).to_be_visible()
        press(site, "ArrowDown")
        press(site, "Enter")
        expect(site.locator(f"#{second} [data-row-open]")).to_be_focused()
        expect(site).to_have_url(f"{live_app}/?person=1&level=2")
        expect(rows).to_have_count(num_left)
        press(site, "j")


def test_seen_closed_and_reopened_from_the_case(site: Page, nurse: User, live_app: str) -> None:
    case = waiting_case(nurse, "chest pain", 1)
    site.goto(f"{live_app}/cases/{case.id}/")
    # The stream may show the change before the page comes again.
    with site.expect_navigation():
        press(site, "s")
    panel = site.locator("#panel")
    expect(panel).to_contain_text("Being seen by nurse")
    press(site, "x")
    dialog = site.get_by_role("dialog")
    dialog.get_by_role("button", name="Close the case").click()
    expect(dialog).to_contain_text("Choose how the case ends")
    dialog.get_by_label("Discharged").check()
    dialog.get_by_role("button", name="Close the case").click()
    expect(panel).to_contain_text("Closed")
    expect(panel).to_contain_text("discharged")
    site.get_by_role("link", name="Reopen").click()
    expect(panel).to_contain_text("Waiting to be seen")


def test_the_longest_overdue_patient_is_named_on_top(site: Page, nurse: User) -> None:
    first = waiting_case(nurse, "emergent", 1)
    arrived(first, 45)
    arrived(waiting_case(nurse, "urgent", 2), 31)
    strip = site.locator("#overdue")
    expect(strip).to_contain_text("2 patients are past the target")
    expect(strip.get_by_role("link")).to_contain_text(f"case {first.number}")
    expect(site.locator(f"#case-{first.number}")).to_have_class(re.compile("longest"))
    expect(site.locator(f"#case-{first.number}")).to_contain_text("re-assess now")


@pytest.mark.both_databases
def test_worse_vital_signs_raise_the_level_and_write_again(
    site: Page, nurse: User, live_app: str
) -> None:
    case = waiting_case(nurse, "cough", 3, hr_bpm=80, rr_bpm=16, spo2_percent=98)
    site.goto(f"{live_app}/cases/{case.id}/")
    finish(take_slot(), "Situation: may wait.")
    expect(site.locator("#guidance")).to_contain_text("may wait.")
    press(site, "v")
    expect(site.get_by_role("heading", name="Vital signs")).to_be_visible()
    site.locator("#f-rr_bpm").fill("36")
    site.locator("#f-spo2_percent").fill("82")
    site.locator("#f-text").fill("on warfarin, her daughter says")
    press(site, "Control+Enter")
    panel = site.locator("#panel")
    expect(panel).to_have_attribute("data-level", re.compile("[01]"))
    expect(panel).to_contain_text("Guidance out of date")
    expect(site.locator("#stale")).to_contain_text("Out of date since")
    expect(site.locator(".old")).to_contain_text("may wait.")
    expect(site.locator("svg.trend")).to_be_visible()
    expect(site.locator("#facts")).to_contain_text("warfarin")
    finish(take_slot(), "Situation: very ill.")
    expect(site.locator("[data-final]")).to_contain_text("very ill.")
    expect(site.locator("#stale")).to_have_count(0)
    assert Job.objects.filter(case_id=case.id).count() == 2


def test_deterioration_is_announced_on_the_board(site: Page, nurse: User) -> None:
    waiting_case(nurse, "first urgent", 2)
    case = waiting_case(nurse, "second cough", 3)
    expect(site.locator(f"#case-{case.number}")).to_be_visible()
    services.record_vitals(
        case.id, readings={"rr_bpm": 40, "spo2_percent": 78}, actor=nurse, now=timezone.now()
    )
    expect(site.locator("#announce")).to_contain_text(f"Case {case.number}")
    first = site.locator("#open-rows tr.row").first
    expect(first).to_have_id(f"case-{case.number}")


def test_a_lower_level_is_accepted_by_a_person(site: Page, nurse: User, live_app: str) -> None:
    case = waiting_case(nurse, "sore toe, walks", 1, hr_bpm=130)
    site.goto(f"{live_app}/cases/{case.id}/")
    services.record_vitals(
        case.id,
        readings={"hr_bpm": 80, "rr_bpm": 16, "spo2_percent": 98, "on_oxygen": False},
        actor=nurse,
        now=timezone.now(),
    )
    proposal = site.locator(".proposal")
    expect(proposal).to_contain_text("the classifier proposes")
    proposal.get_by_role("button", name="Accept").click()
    expect(site.locator("#panel")).to_have_attribute("data-level", re.compile("[234]"))
    expect(proposal).to_have_count(0)


def test_who_was_slower_sees_what_others_did(site: Page, nurse: User, live_app: str) -> None:
    case = waiting_case(nurse, "pale", 3)
    site.goto(f"{live_app}/cases/{case.id}/override/")
    services.override_priority(
        case.id, priority=1, reason="worse", note="", actor=make_user(username="faster"),
        now=timezone.now(),
    )  # fmt: skip
    site.locator("input[value='2']").check()
    site.get_by_label("Reason").select_option("worse")
    site.get_by_role("button", name="Change priority").click()
    message = site.get_by_role("alert")
    expect(message).to_contain_text("Somebody was faster")
    expect(message).to_contain_text("3 Less urgent → 1 Emergent")
    expect(message).to_contain_text("faster")
    expect(site.locator("input[value='2']")).to_be_checked()
    site.get_by_role("button", name="Change priority").click()
    expect(site.locator("#panel")).to_have_attribute("data-level", "2")


@pytest.mark.parametrize("width", [390, 1280])
def test_pages_fit_the_screen(site: Page, nurse: User, live_app: str, width: int) -> None:
    site.set_viewport_size({"width": width, "height": 800})
    case = waiting_case(nurse, "cough " * 30, 1, hr_bpm=80, rr_bpm=16)
    arrived(case, 40)
    services.record_vitals(case.id, readings={"rr_bpm": 30}, actor=nurse, now=timezone.now())
    for path in (
        "/",
        f"/cases/{case.id}/",
        f"/cases/{case.id}/vitals/",
        f"/cases/{case.id}/close/",
    ):
        site.goto(live_app + path)
        assert site.evaluate("document.documentElement.scrollWidth") <= width, path
