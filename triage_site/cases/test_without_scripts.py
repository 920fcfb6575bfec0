"""Each button that changes something is a form: it works without scripts, and returns to its page.

`press` does what a browser without scripts does; `press_htmx` what htmx does with the same button.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from scheduling.core.status import JobStatus
from scheduling.models import Job
from tests.factories import make_case, make_department, make_queued_case, make_user
from triage_site.cases import services
from triage_site.cases.clinical import ClinicalStatus
from triage_site.cases.models import Case, CaseStatus, OpeningNote
from triage_site.cases.roles import CHARGE_NURSE

pytestmark = pytest.mark.django_db


@dataclass
class Page(HTMLParser):
    """The forms of a page with their hidden fields, and the buttons with their attributes."""

    forms: dict[str, dict[str, str]] = field(default_factory=dict)
    fields: dict[str, dict[str, str]] = field(default_factory=dict)
    buttons: list[dict[str, str]] = field(default_factory=list)
    _form: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = found.get("id") or f"form {len(self.forms)}"
            self.forms[self._form] = found
            self.fields.setdefault(self._form, {})
        elif tag == "input" and found.get("type") == "hidden":
            owner = found.get("form") or self._form
            self.fields.setdefault(owner, {})[found["name"]] = found.get("value", "")
        elif tag == "button":
            self.buttons.append({**found, "form": found.get("form") or self._form})

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = ""

    def sent(self, button: dict[str, str]) -> dict[str, str]:
        own = {button["name"]: button["value"]} if "name" in button else {}
        return {**self.fields[button["form"]], **own}


@pytest.fixture
def nurse() -> User:
    return make_user(CHARGE_NURSE, username="ines")


@pytest.fixture
def person(nurse: User) -> Client:
    client = Client(enforce_csrf_checks=True)
    client.force_login(nurse)
    return client


def read(person: Client, path: str) -> Page:
    page = Page()
    page.feed(person.get(path).content.decode())
    return page


def button_of(page: Page, address: str, value: str = "") -> dict[str, str]:
    (found,) = (
        one
        for one in page.buttons
        if one.get("hx-post") == address and value in ("", one.get("value"))
    )
    return found


def press(person: Client, path: str, address: str, value: str = "") -> HttpResponse:
    page = read(person, path)
    button = button_of(page, address, value)
    form = page.forms[button["form"]]
    assert form["method"] == "post"
    assert button.get("type", "submit") == "submit"
    data = page.sent(button)
    without = {name: one for name, one in data.items() if name != "csrfmiddlewaretoken"}
    assert person.post(button["formaction"], without).status_code == 403
    return person.post(button["formaction"], data)  # type: ignore[return-value]


def press_htmx(person: Client, path: str, address: str, value: str = "") -> HttpResponse:
    page = read(person, path)
    button = button_of(page, address, value)
    data = page.sent(button)
    token = data.pop("csrfmiddlewaretoken")
    headers = {
        "HX-Request": "true",
        "HX-Current-URL": f"http://testserver{path}",
        "X-CSRFToken": token,
    }
    return person.post(button["hx-post"], data, headers=headers)  # type: ignore[return-value]


def waiting(nurse: User) -> Case:
    return Case.objects.get(id=make_queued_case(2, 0, actor=nurse).case_id)


BOARDS = ("/", "/?level=2", "/?mine=1&level=2")


@pytest.mark.parametrize("path", BOARDS)
def test_see_and_reopen_on_the_board_return_to_its_filter(
    path: str, person: Client, nurse: User
) -> None:
    case = waiting(nurse)
    answer = press(person, path, f"/cases/{case.id}/seen/")
    assert (answer.status_code, answer.headers["Location"]) == (302, path)
    case.refresh_from_db()
    assert (case.clinical_status, case.seen_by) == (ClinicalStatus.BEING_SEEN, nurse)
    answer = press(person, path, f"/cases/{case.id}/reopen/")
    assert (answer.status_code, answer.headers["Location"]) == (302, path)
    case.refresh_from_db()
    assert case.is_waiting


def test_see_and_reopen_with_htmx_leave_the_board_in_place(person: Client, nurse: User) -> None:
    case = waiting(nurse)
    for what in ("seen", "reopen"):
        answer = press_htmx(person, "/?level=2", f"/cases/{case.id}/{what}/")
        assert (answer.status_code, "board-changed" in answer.headers["HX-Trigger"]) == (204, True)
    case.refresh_from_db()
    assert case.is_waiting
    assert [event.kind for event in case.events.all()][-2:] == ["seen", "reopened"]


def test_who_was_slower_is_asked_again_and_then_returns_to_the_board(
    person: Client, nurse: User
) -> None:
    case = waiting(nurse)
    page = read(person, "/?level=2")
    button = button_of(page, f"/cases/{case.id}/seen/")
    services.add_note(case.id, text="worse", actor=nurse, now=timezone.now())
    answer = person.post(button["formaction"], page.sent(button))
    assert answer.status_code == 409
    asked = Page()
    asked.feed(answer.content.decode())
    (form,) = (name for name, one in asked.forms.items() if one.get("action", "").endswith("seen/"))
    answer = person.post(asked.forms[form]["action"], asked.fields[form])
    assert (answer.status_code, answer.headers["Location"]) == (302, "/?level=2")


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example/", "javascript:x", ""])
def test_a_form_leads_nowhere_else(back: str, person: Client, nurse: User) -> None:
    case = waiting(nurse)
    page = read(person, "/")
    button = button_of(page, f"/cases/{case.id}/seen/")
    answer = person.post(button["formaction"], {**page.sent(button), "back": back})
    assert answer.headers["Location"] == f"/cases/{case.id}/"


def proposed(nurse: User) -> Case:
    case = waiting(nurse)
    Case.objects.filter(id=case.id).update(proposed_priority=3)
    case.refresh_from_db()
    return case


@pytest.mark.parametrize("way", [press, press_htmx])
@pytest.mark.parametrize(("decision", "level"), [("accept", 3), ("dismiss", 2)])
def test_a_proposal_is_answered(
    way: object, decision: str, level: int, person: Client, nurse: User
) -> None:
    case = proposed(nurse)
    path = f"/cases/{case.id}/"
    answer = way(person, path, f"{path}proposal/", decision)  # type: ignore[operator]
    assert path in (answer.headers.get("Location"), answer.headers.get("HX-Redirect"))
    case.refresh_from_db()
    assert (case.priority, case.proposed_priority) == (level, None)


@pytest.mark.parametrize("way", [press, press_htmx])
def test_failed_guidance_is_asked_for_again(way: object, person: Client, nurse: User) -> None:
    case = waiting(nurse)
    Job.objects.filter(case_id=case.id).update(status=JobStatus.FAILED, error="no text")
    Case.objects.filter(id=case.id).update(status=CaseStatus.FAILED)
    path = f"/cases/{case.id}/"
    answer = way(person, path, f"{path}retry/")  # type: ignore[operator]
    assert path in (answer.headers.get("Location"), answer.headers.get("HX-Redirect"))
    case.refresh_from_db()
    assert case.status == CaseStatus.QUEUED


@pytest.mark.parametrize("way", [press, press_htmx])
@pytest.mark.parametrize("path", ["/", "/?level=2"])
def test_an_alert_is_acknowledged_where_it_stands(way: object, path: str, person: Client) -> None:
    child_nurse, other = make_user(), make_user()
    make_department("PAED", child_nurse)
    make_department("SURG", other)
    case = make_case("cough", actor=child_nurse)
    now = timezone.now() - timedelta(seconds=5)
    opening = services.open_with_reason(case.id, reason="helps", actor=other, now=now)
    answer = way(person, path, f"/ops/openings/{opening.pk}/acknowledge/")  # type: ignore[operator]
    if way is press:
        assert (answer.status_code, answer.headers["Location"]) == (302, path)
    else:
        assert (answer.status_code, "board-changed" in answer.headers["HX-Trigger"]) == (204, True)
    assert OpeningNote.objects.filter(opening=opening).count() == 1


INSIDE = r"(?:[^<>{]|\{%[^%]*%\}|\{\{[^}]*\}\})*"  # of a tag of a template
TAG = re.compile(rf"<(\w+)\b({INSIDE}\bhx-post={INSIDE})>")
ADDRESS = re.compile(r'\b(?:hx-post|formaction|href|action)="([^"]*)"')


def test_every_control_that_htmx_sends_has_a_way_without_it() -> None:
    """A form with its action, a link to a page that asks, or a button that names its form."""
    found = 0
    for path in Path(settings.BASE_DIR, "templates").rglob("*.html"):
        for tag, attributes in TAG.findall(path.read_text("utf-8")):
            if tag == "aside":  # shows the provisional level, changes nothing
                continue
            found += 1
            assert len(addresses := ADDRESS.findall(attributes)) == 2, (path.name, attributes)
            assert addresses[0] == addresses[1], (path.name, addresses)
            if tag == "button":
                assert 'form="act"' in attributes, path.name
                assert "type=" not in attributes, path.name
    assert found >= 10
