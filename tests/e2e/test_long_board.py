"""A board with more patients than it has rows: none is lost to the filter, the words or the eye."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from tests.e2e.steps import waiting_case
from triage_site.cases import board, services

NUM_ROWS = 3


@pytest.fixture(autouse=True)
def _short_board(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board, "NUM_OPEN_SHOWN", NUM_ROWS)


def test_a_filter_leads_to_the_patients_beyond_the_board(site: Page, nurse: User) -> None:
    numbers = [waiting_case(nurse, "cough", level).number for level in (2, 2, 2, 2, 4, 4)]
    rows = site.locator("#open-rows tr.row:visible")
    rest, note = site.locator("#hidden-rows"), site.locator("#filter-note")
    expect(rest).to_contain_text("3 more patients later in the order")
    expect(rows).to_have_count(NUM_ROWS)
    site.locator("[data-filter-level='2']").click()
    expect(note).to_contain_text("3 of 6 patients shown, 1 more below the board.")
    expect(rest).to_contain_text("1 more patient of this filter later in the order")
    site.locator("[data-filter-level='4']").click()
    expect(note).to_contain_text("0 of 6 patients shown, 2 more below the board.")
    numbers.append(waiting_case(nurse, "cough", 4).number)  # a live update keeps the filter
    expect(note).to_contain_text("0 of 7 patients shown, 3 more below the board.")
    site.get_by_role("link", name="Closed").click()
    expect(rest).to_be_hidden()
    site.get_by_role("link", name="Closed").click()
    rest.get_by_role("link", name="Find them").click()
    expect(site.locator("#found")).to_contain_text("3 cases found, in the order of the board")
    found = site.locator("td.c-number").all_text_contents()
    assert sorted(map(int, found)) == numbers[4:]


def test_a_patient_who_gets_worse_beyond_the_board_is_raised_and_not_new(
    site: Page, nurse: User
) -> None:
    for _ in range(NUM_ROWS):
        waiting_case(nurse, "fever", 2)
    case = waiting_case(nurse, "cough", 3)
    said, rows = site.locator("#announce"), site.locator("#open-rows tr.row")
    expect(site.locator("#hidden-rows")).to_contain_text("1 more patient later")
    worse = {"rr_bpm": 40, "spo2_percent": 78}
    services.record_vitals(case.id, readings=worse, actor=nurse, now=timezone.now())
    expect(rows.first).to_have_id(f"case-{case.number}")
    expect(said).to_have_text(re.compile(rf"^Case {case.number}, .*, raised to level 0"))
    new = waiting_case(nurse, "chest pain", 1)
    expect(said).to_have_text(re.compile(rf"^New case {new.number}, .*: level 1"))
