"""Finding a case among many: the filters of the board, the search, and the wall display."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta

from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from tests.e2e.steps import press, type_text, waiting_case
from tests.factories import make_user
from triage_site.cases.models import Case

NUM_CASES = 400


def archive(actor: User, *, num: int) -> None:
    """Closed cases of former days."""
    now = timezone.now()
    Case.objects.bulk_create(
        Case(
            facts={"text": f"sore throat since {n} days"},
            created_by=actor,
            submission_key=uuid.uuid4().hex,
            arrived_at=now - timedelta(days=1, minutes=n),
            assessed_at=now,
            status="done",
            clinical_status="closed",
            disposition="discharged",
            closed_at=now - timedelta(hours=20),
            priority=3,
            suggested_priority=3,
        )
        for n in range(num)
    )


def test_filters_survive_live_updates_and_reloads(site: Page, nurse: User) -> None:
    rows = site.locator("#open-rows tr.row:visible")
    mine = waiting_case(nurse, "mine urgent", 2)
    late = waiting_case(make_user(), "other emergent", 1)
    Case.objects.filter(id=late.id).update(
        arrived_at=timezone.now() - timedelta(hours=1), needs_person=True
    )
    expect(rows).to_have_count(2)
    site.get_by_role("link", name="Mine").click()
    expect(rows).to_have_count(1)
    waiting_case(make_user(), "another emergent", 1)
    expect(site.locator("#count-1 .count")).to_have_text("2")
    expect(rows).to_have_count(1)
    note = site.locator("#filter-note")
    expect(note).to_contain_text("1 of 3 patients shown")
    expect(note).to_contain_text("1 hidden by the filter: overdue, level 0 or 1")
    site.reload()
    expect(rows).to_have_count(1)
    expect(site.locator(f"#case-{mine.number}")).to_be_visible()
    site.locator("[data-filter-level='2']").click()
    expect(site).to_have_url(re.compile(r"mine=1&level=2$"))
    note.get_by_role("link", name="Show all").click()
    expect(rows).to_have_count(3)
    expect(note).to_be_hidden()
    site.get_by_role("link", name="Needs a person").click()
    site.get_by_role("link", name="Overdue").click()
    expect(rows).to_have_count(1)
    expect(site.locator(f"#case-{late.number}")).to_be_visible()


def test_a_closed_case_is_found_among_many_by_keyboard(
    site: Page, nurse: User, live_app: str
) -> None:
    case = waiting_case(nurse, "fell off a brown horse", 2)
    Case.objects.filter(id=case.id).update(
        clinical_status="closed", disposition="admitted", closed_at=timezone.now(), label="Bed 7"
    )
    archive(nurse, num=NUM_CASES)
    press(site, "/")
    type_text(site, "horse brown")
    press(site, "Enter")
    expect(site.locator("#found")).to_contain_text("1 case found")
    assert "horse" not in site.url
    site.wait_for_load_state("load")  # keys work from then on
    press(site, "j")
    press(site, "Enter")
    expect(site.locator("#panel")).to_contain_text(f"Case {case.number}")
    site.go_back(wait_until="load")
    expect(site.locator("#found")).to_contain_text("1 case found")
    press(site, "/")
    expect(site.locator("#find-q")).to_be_focused()
    type_text(site, "/")  # it is there already
    expect(site.locator("#find-q")).to_have_value("horse brown")
    type_text(site, "sore throat")
    press(site, "Enter")
    expect(site.locator("#found")).to_contain_text(f"{NUM_CASES} cases found")
    site.get_by_role("link", name="Older").click()
    expect(site.get_by_text("Page 2 of 8")).to_be_visible()
    site.set_viewport_size({"width": 390, "height": 800})
    assert site.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_wall_display_goes_on_after_errors_and_without_a_session(
    site: Page, nurse: User, live_app: str
) -> None:
    first = waiting_case(nurse, "chest pain", 1)
    site.set_viewport_size({"width": 1920, "height": 1080})
    site.goto(f"{live_app}/board/wall/")
    wall = site.locator("#wall")
    expect(wall).to_contain_text(str(first.number))
    assert site.evaluate("document.documentElement.scrollHeight") <= 1080
    site.context.clear_cookies(name="sessionid")
    trouble = site.locator("#wall-trouble")
    site.route("**/board/wall/rows/", lambda route: route.fulfill(status=429))
    expect(trouble).to_contain_text("No connection since")
    expect(wall).to_contain_text(str(first.number))
    second = waiting_case(nurse, "chest pain", 0)
    site.unroute("**/board/wall/rows/")
    expect(wall.locator(".wall-row").first).to_contain_text(str(second.number))
    expect(trouble).to_be_hidden()
    site.reload()
    expect(wall).to_contain_text(str(second.number))
    nurse.is_active = False
    nurse.save()
    expect(trouble).to_contain_text("This wall display has ended")
    expect(wall).to_be_empty()
