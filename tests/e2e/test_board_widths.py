"""On every width, what a cell of the board holds stays inside it, so that no word hides another."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from tests.e2e.steps import CLASSIFICATION, classify, received_case, take_slot, waiting_case
from triage_site.cases.models import Case

WIDTHS = (880, 1000, 1140, 1280, 1600, 1920)
# Badges, chips, clocks and buttons of each cell that end to the right of the cell.
OUTSIDE = """[...document.querySelectorAll("tr.row > td")].flatMap((cell) => {
  const end = cell.getBoundingClientRect().right + 1;
  return [...cell.querySelectorAll(".level, .chip, .clock, .button, a")]
    .filter((part) => part.getBoundingClientRect().right > end)
    .map((part) => `${cell.className}: ${part.textContent.trim()}`);
})"""
COMPLAINT = "document.querySelector('.c-complaint').getBoundingClientRect().width"


@pytest.mark.parametrize("width", WIDTHS)
def test_no_cell_of_the_board_hides_the_next_one(width: int, site: Page, nurse: User) -> None:
    for priority in range(5):
        waiting_case(
            nurse, "fell from a ladder, cannot move the legs, and more words " * 3, priority
        )
    take_slot()
    unsure = received_case(nurse, "something is wrong with my aunt, come quickly, please " * 3)
    classify(unsure, replace(CLASSIFICATION, needs_person=True))
    site.set_viewport_size({"width": width, "height": 900})
    expect(site.get_by_text("needs a person").last).to_be_visible()
    expect(site.locator("tr.row")).to_have_count(6)
    assert site.evaluate(OUTSIDE) == []
    assert site.evaluate(COMPLAINT) >= 120
    # Text that overflows its cell would be shown as "…", and the chip within it too.
    overflow = "cell => cell.scrollWidth - cell.clientWidth"
    assert site.locator(".c-complaint", has=site.locator(".chip")).first.evaluate(overflow) <= 0
    assert site.evaluate("document.documentElement.scrollWidth") <= width


CUT = """[...document.querySelectorAll(".appbar nav a, .filter")].filter((one) => {
  const box = one.getBoundingClientRect();
  const [x, y] = [box.right - 2, box.top + box.height / 2];
  return box.right > innerWidth || !one.contains(document.elementFromPoint(x, y));
}).map((one) => one.textContent.trim())"""


@pytest.mark.parametrize("width", [320, 390, 600, 721, 880, 961, 1280])
def test_no_name_of_a_page_or_of_a_filter_is_cut(width: int, site: Page) -> None:
    site.set_viewport_size({"width": width, "height": 844})
    expect(site.get_by_role("link", name="Compare")).to_be_visible()
    assert site.locator(".filter").count() == 5
    assert site.evaluate(CUT) == []
    assert site.evaluate("document.documentElement.scrollWidth") <= width


WORDS = """[...document.querySelectorAll("tr.row .words")].map(
  (words) => words.getBoundingClientRect().width)"""


@pytest.mark.parametrize("width", [1600, 1700, 1920])
def test_marks_leave_room_for_the_complaint(width: int, site: Page, nurse: User) -> None:
    for _ in range(2):
        waiting_case(nurse, "fell from a ladder, cannot move the legs, and more words", 0)
    long_ago = timezone.now() - timedelta(hours=2)
    Case.objects.update(
        needs_person=True, status="done", arrived_at=long_ago, assessed_at=long_ago, label="Bed 12"
    )
    site.set_viewport_size({"width": width, "height": 900})
    site.reload()
    expect(site.get_by_text("needs a person").last).to_be_visible()
    expect(site.get_by_text("re-assess now").last).to_be_visible()
    assert min(site.evaluate(WORDS)) >= 200
    assert site.evaluate(OUTSIDE) == []


def test_the_wall_holds_counts_of_three_digits(site: Page, live_app: str, nurse: User) -> None:
    case = waiting_case(nurse, "cough", 3)
    site.route("**/board/wall/rows/", lambda route: route.abort())
    for width, height in ((1920, 1080), (1366, 768), (1280, 1024)):
        site.set_viewport_size({"width": width, "height": height})
        site.goto(f"{live_app}/board/wall/")
        expect(site.locator("#wall")).to_contain_text(str(case.number))
        site.evaluate(
            """() => {
              for (const count of document.querySelectorAll(".wall-counts .level")) {
                count.classList.remove("zero");
                count.querySelector(".count").textContent = "999";
              }
              document.querySelector(".wall-overdue").classList.add("red");
              document.querySelector(".wall-overdue strong").textContent = "999";
            }"""
        )
        assert site.evaluate("document.documentElement.scrollWidth") <= width
        end = "document.querySelector('.wall-time').getBoundingClientRect().right"
        assert site.evaluate(end) <= width
        level, number = site.locator(".wall-row .level"), site.locator(".wall-row .wall-number")
        level_box, number_box = level.bounding_box(), number.bounding_box()
        assert level_box is not None
        assert number_box is not None
        assert level_box["x"] + level_box["width"] <= number_box["x"]


@pytest.mark.parametrize("path", ["/", "/ops/", "/ops/comparisons/"])
def test_a_long_name_of_a_person_does_not_widen_a_phone(
    path: str, site: Page, live_app: str, nurse: User
) -> None:
    User.objects.filter(pk=nurse.pk).update(username="maria-magdalena.oberhauser@hospital")
    site.set_viewport_size({"width": 340, "height": 700})
    site.goto(f"{live_app}{path}")
    expect(site.locator(".usermenu")).to_be_visible()
    assert site.evaluate("document.documentElement.scrollWidth") <= 340


def test_a_row_says_why_its_guidance_waits_beside_its_place(site: Page, nurse: User) -> None:
    for _ in range(2):
        waiting_case(nurse, "chest pain", 1)
    cell = site.locator("tr.row .c-state").last
    expect(cell).to_contain_text("Position 2")
    expect(cell.locator(".reason")).to_have_text("After 1 quicker case of the same level")
