"""The pages in a real browser. No worker runs: the tests change the state of cases."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django import Settings

from scheduling import connection, selectors
from scheduling.core.guidance import WITHHELD_WORDS, Withheld
from scheduling.models import Job
from scheduling.queue import events
from tests.e2e.steps import (
    CLASSIFICATION,
    GUIDANCE,
    classify,
    finish,
    press,
    received_case,
    take_slot,
    type_text,
    waiting_case,
    write,
)
from tests.factories import PASSWORD
from triage_site.cases import services
from triage_site.cases.models import Case
from triage_site.triage import Reason


def order_on(page: Page) -> list[str]:
    rows = page.locator("#open-rows tr.row .words").all_inner_texts()
    return [text.split()[0] for text in rows]


def count_updates(page: Page, selector: str) -> None:
    """Counts in `window.updates` how often the text at `selector` changes."""
    page.evaluate(
        """(selector) => {
          window.updates = 0;
          let seen = "";
          new MutationObserver(() => {
            const text = document.querySelector(selector)?.innerText ?? "";
            if (text !== seen) window.updates += 1;
            seen = text;
          }).observe(document.querySelector("#guidance"), {subtree: true, childList: true});
        }""",
        selector,
    )


def test_signing_in_and_out(live_app: str, nurse: User, page: Page) -> None:
    page.goto(live_app)
    page.get_by_label("User name").fill("nurse")
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Enter")
    expect(page.get_by_role("heading", name="Board")).to_be_visible()
    page.locator(".usermenu summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_case_is_entered_by_keyboard_alone(site: Page, live_app: str) -> None:
    press(site, "n")
    expect(site.get_by_label("What is the complaint?")).to_be_focused()
    type_text(site, "chest pain")
    press(site, "Tab")
    type_text(site, "71")
    site.locator("#f-sbp_mmhg").focus()
    type_text(site, "u")  # could not be measured
    expect(site.locator("[name=sbp_mmhg_unmeasurable]")).to_be_checked()
    press(site, "Control+Enter")
    expect(site.locator("#panel")).to_be_visible()
    facts = Case.objects.get().facts
    assert (facts["text"], facts["age_years"]) == ("chest pain", 71)
    assert facts["sbp_mmhg"] == "unmeasurable"


def test_a_draft_survives_a_reload_and_ends_with_the_submit(site: Page, live_app: str) -> None:
    site.goto(f"{live_app}/cases/new/")
    site.get_by_label("What is the complaint?").fill("fell off a horse")
    site.locator("#f-hr_bpm").fill("88")
    site.reload()
    expect(site.get_by_label("What is the complaint?")).to_have_value("fell off a horse")
    expect(site.locator("#f-hr_bpm")).to_have_value("88")
    site.get_by_role("button", name="Submit case").click()
    expect(site.locator("#panel")).to_be_visible()
    site.goto(f"{live_app}/cases/new/")
    expect(site.get_by_label("What is the complaint?")).to_have_value("")


def test_a_double_click_makes_one_case(site: Page, live_app: str) -> None:
    site.goto(f"{live_app}/cases/new/")
    site.get_by_label("What is the complaint?").fill("cough")
    site.get_by_role("button", name="Submit case").dblclick()
    expect(site.locator("#panel")).to_be_visible()
    assert Case.objects.count() == 1


def test_the_error_summary_links_to_the_fields(site: Page, live_app: str) -> None:
    site.goto(f"{live_app}/cases/new/")
    site.get_by_label("What is the complaint?").fill("hot")
    site.locator("#f-temp_c").fill("101")
    site.get_by_role("button", name="Submit case").click()
    expect(site.locator("#f-temp_c")).to_be_focused()
    site.locator("#summary").get_by_role("button", name="Use 38.3 °C").click()
    expect(site.locator("#f-temp_c")).to_have_value("38.3")
    site.locator("#f-hr_bpm").fill("999")
    site.get_by_role("button", name="Submit case").click()
    site.locator("#summary a").click()
    expect(site.locator("#f-hr_bpm")).to_be_focused()
    expect(site.get_by_label("What is the complaint?")).to_have_value("hot")


def test_the_board_updates_without_a_reload(site: Page, nurse: User) -> None:
    expect(site.get_by_text("No one is waiting")).to_be_visible()
    low = waiting_case(nurse, "low level", 4)
    expect(site.locator(f"#case-{low.number}")).to_be_visible()
    waiting_case(nurse, "high level", 1)
    expect(site.locator("#count-1 .count")).to_have_text("1")
    assert order_on(site) == ["high", "low"]
    expect(site.locator("#announce")).to_contain_text("level 1 Emergent")
    services.override_priority(
        low.id, priority=0, reason="worse", note="", actor=nurse, now=timezone.now()
    )
    expect(site.locator("#announce")).to_contain_text("raised to level 0 Resuscitation")
    expect(site.locator(f"#case-{low.number}")).to_have_class(re.compile("moved"))
    assert order_on(site) == ["low", "high"]


def test_clocks_tick_between_updates(site: Page, nurse: User) -> None:
    case = waiting_case(nurse, "waits", 3)
    clock = site.locator(f"#case-{case.number} .waited")
    expect(clock).to_be_visible()
    first = clock.inner_text()
    expect(clock).not_to_have_text(first, timeout=3000)


def test_an_open_case_page_gets_the_reasons(
    site: Page, nurse: User, live_app: str, settings: Settings
) -> None:
    settings.TRIAGE_CLASSIFY_WAIT_SECONDS = 60.0  # no provisional level while the page loads
    case = received_case(nurse, "crushing chest pain since noon")
    site.goto(f"{live_app}/cases/{case.id}/")
    facts = site.locator("#facts")
    expect(facts).to_contain_text("Being classified")
    reason = Reason(kind="rule", code="R", text="pain of the heart", words=("chest pain",))
    classify(case, replace(CLASSIFICATION, priority=1, reasons=(reason,)))
    expect(facts.locator(".reasons li")).to_contain_text("pain of the heart")
    expect(facts.locator(".words mark")).to_have_text("chest pain")
    expect(facts).not_to_contain_text("Being classified")


def test_guidance_streams_under_its_headings(site: Page, nurse: User, live_app: str) -> None:
    case = waiting_case(nurse, "chest pain", 1)
    site.goto(f"{live_app}/cases/{case.id}/")
    expect(site.locator("#guidance")).to_contain_text("No guidance worker is ready")
    count_updates(site, "#stream")
    claim = take_slot()
    expect(site.locator("#panel")).to_contain_text("being written")
    for number, piece in enumerate(re.findall(r"\S+\s*", GUIDANCE), start=1):
        write(claim, piece, number)
        site.wait_for_timeout(60)
    recommendation = site.locator("#stream section[data-heading='Recommendation'] p")
    expect(recommendation).to_have_text("record an ECG now.")
    expect(site.locator("#stream section[data-heading='Situation'] p")).to_have_text(
        "man, chest pain."
    )
    assert site.evaluate("window.updates") >= 5
    finish(claim, GUIDANCE)
    expect(site.locator("[data-final]")).to_contain_text("record an ECG now.")
    expect(site.locator("#guidance")).to_contain_text("small-model")
    site.reload()
    expect(site.locator("[data-final]")).to_contain_text("man, chest pain.")


def test_text_that_fails_the_check_is_withdrawn_with_one_reason(
    site: Page, nurse: User, live_app: str
) -> None:
    case = waiting_case(nurse, "felt faint", 0)
    site.goto(f"{live_app}/cases/{case.id}/")
    claim = take_slot()
    write(claim, "Situation: he may wait in turn ", 6)
    expect(site.locator("#stream")).to_contain_text("may wait in turn")
    expect(site.locator("#stream-note")).to_contain_text("Not yet checked")
    finish(claim, "Situation: he may wait in turn", Withheld.URGENCY)
    words = WITHHELD_WORDS[Withheld.URGENCY]
    expect(site.locator("#guidance")).to_contain_text(words)
    expect(site.locator("#guidance")).not_to_contain_text("may wait in turn")
    expect(site.locator("#facts")).to_contain_text(words)
    site.goto(f"{live_app}/ops/")
    expect(site.get_by_role("row", name=words)).to_contain_text("1")


def test_a_new_attempt_clears_the_text_of_the_old_one(
    site: Page, nurse: User, live_app: str
) -> None:
    case = waiting_case(nurse, "chest pain", 1)
    site.goto(f"{live_app}/cases/{case.id}/")
    claim = take_slot()
    write(claim, "Situation: <b>first</b> & only ", 4)
    expect(site.locator("#stream")).to_contain_text("<b>first</b> & only")
    job_id = str(claim.job.id)
    events.begin_stream(connection.client(), job_id, 2)
    events.append_tokens(connection.client(), job_id, 2, "Situation: second ", 3)
    expect(site.locator("#stream")).to_contain_text("second")
    expect(site.locator("#stream")).not_to_contain_text("first")


def test_an_override_in_its_dialog(site: Page, nurse: User, live_app: str) -> None:
    case = waiting_case(nurse, "pale", 3)
    site.goto(f"{live_app}/cases/{case.id}/")
    site.get_by_role("link", name="Change priority").click()
    dialog = site.get_by_role("dialog")
    dialog.locator("[name=priority][value='0']").check()
    dialog.get_by_role("button", name="Change priority").click()
    expect(dialog.get_by_role("alert")).to_have_text("Choose a reason")
    dialog.get_by_label("Reason").select_option("worse")
    dialog.get_by_role("button", name="Change priority").click()
    expect(site.locator("#panel")).to_contain_text("set by nurse, the classifier said 3")
    assert Job.objects.get(case_id=case.id).priority == 0


def test_the_board_follows_a_switch_of_the_policy(site: Page, nurse: User, live_app: str) -> None:
    waiting_case(nurse, "first not urgent", 4)
    waiting_case(nurse, "second emergent", 1)
    site.goto(f"{live_app}/ops/")
    site.get_by_label("First come").check()
    expect(site.locator("#switch-preview")).to_contain_text("1 of 2 waiting cases move up")
    site.get_by_label("This policy ignores urgency").check()
    site.get_by_label("Reason").fill("drill")
    site.get_by_role("button", name="Switch policy").click()
    expect(site.get_by_role("status").filter(has_text="is active now")).to_be_visible()
    assert selectors.active_policy_name() == "fcfs"
    site.goto(f"{live_app}/")
    assert order_on(site) == ["first", "second"]


def test_scripts_in_the_callers_words_do_not_run(site: Page, nurse: User, live_app: str) -> None:
    site.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    case = waiting_case(nurse, "<img src=x onerror=alert(1)><script>alert(2)</script>", 2)
    expect(site.locator(f"#case-{case.number}")).to_contain_text("<script>alert(2)</script>")
    for path in (f"/cases/{case.id}/", f"/cases/{case.id}/print/"):
        site.goto(live_app + path)
        expect(site.locator("main")).to_contain_text("<img src=x onerror=alert(1)>")
