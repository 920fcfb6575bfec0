"""The filter of the board without scripts; tests/e2e/test_finding.py has it with scripts."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from tests.e2e.steps import waiting_case
from tests.factories import make_user
from triage_site.cases import board
from triage_site.cases.board_filter import BoardFilter
from triage_site.cases.models import Case

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    return make_user()


@pytest.fixture
def client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def late(case: Case) -> Case:
    at = timezone.now() - timedelta(hours=3)
    Case.objects.filter(id=case.id).update(arrived_at=at)
    return case


def visible(page: str) -> list[int]:
    rows = re.findall(r'<tr id="case-(\d+)"( hidden)?', page)
    return sorted(int(number) for number, hidden in rows if not hidden)


def page_of(client: Client, query: str) -> str:
    return client.get(f"/{query}").content.decode()


def test_each_part_of_the_filter_narrows_the_board(client: Client, user: User) -> None:
    mine = waiting_case(user, "mine", 2)
    other = waiting_case(make_user(), "other", 2)
    overdue = late(waiting_case(make_user(), "late", 3))
    Case.objects.filter(id=other.id).update(needs_person=True)
    Case.objects.filter(id=mine.id).update(clinical_status="waiting")
    everybody = sorted(case.number for case in (mine, other, overdue))
    assert visible(page_of(client, "")) == everybody
    assert visible(page_of(client, "?mine=1")) == [mine.number]
    assert visible(page_of(client, "?person=1")) == [other.number]
    assert visible(page_of(client, "?overdue=1")) == [overdue.number]
    assert visible(page_of(client, "?level=2")) == [mine.number, other.number]
    assert visible(page_of(client, "?level=2&person=1")) == [other.number]
    assert visible(page_of(client, "?mine=1&overdue=1")) == []


def test_mine_includes_patients_whom_the_user_sees(client: Client, user: User) -> None:
    case = waiting_case(make_user(), "cough", 2)
    Case.objects.filter(id=case.id).update(
        clinical_status="being_seen", seen_by=user, seen_at=timezone.now()
    )
    assert visible(page_of(client, "?mine=1")) == [case.number]


def test_a_closed_case_needs_nobody(client: Client, user: User) -> None:
    case = waiting_case(user, "cough", 2)
    Case.objects.filter(id=case.id).update(
        needs_person=True, clinical_status="closed", closed_at=timezone.now()
    )
    assert visible(page_of(client, "?person=1")) == []
    assert visible(page_of(client, "?done=1")) == [case.number]


def test_a_filter_says_which_urgent_overdue_patients_it_hides(client: Client, user: User) -> None:
    for level in (0, 1, 2):
        late(waiting_case(make_user(), f"level {level}", level))
    text = page_of(client, "?mine=1")
    assert "0 of 3 patients shown." in text
    assert "2 hidden by the filter: overdue, level 0 or 1." in text
    assert "1 hidden by the filter" in page_of(client, "?level=0")
    assert "hidden by the filter" not in page_of(client, "?overdue=1")


def test_links_turn_one_part_on_or_off_and_keep_the_others(client: Client, user: User) -> None:
    waiting_case(user, "cough", 2)
    text = page_of(client, "?mine=1&level=2")
    assert 'href="?overdue=1&amp;mine=1&amp;level=2" data-filter="overdue"' in text
    assert 'href="?level=2" data-filter="mine" class="filter" aria-current="true"' in text
    assert 'href="?mine=1" data-filter-level="2" aria-current="true"' in text
    assert 'href="?mine=1&amp;level=1" data-filter-level="1"' in text


def test_the_note_is_hidden_without_a_filter(client: Client, user: User) -> None:
    waiting_case(user, "cough", 2)
    assert re.search(r'id="filter-note"[^>]* hidden>', page_of(client, ""))
    assert not re.search(r'id="filter-note"[^>]* hidden>', page_of(client, "?mine=1"))


def test_unknown_parts_of_an_address_are_ignored() -> None:
    assert not BoardFilter.of({"level": "9", "theirs": "1"}, 1).is_active
    assert BoardFilter.of({"level": "0"}, 1).level == 0


@pytest.fixture
def short_board(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board, "NUM_OPEN_SHOWN", 2)


def beyond(page: str) -> str:
    found = re.search(r'<tr id="hidden-rows".*?</tr>', page)
    assert found is not None
    return found[0]


@pytest.mark.usefixtures("short_board")
def test_a_filter_counts_the_patients_beyond_the_board(client: Client, user: User) -> None:
    for level in (2, 2, 4, 4):
        waiting_case(make_user(), "cough", level)
    late(waiting_case(user, "mine", 4))
    Case.objects.filter(created_by=user).update(needs_person=True)
    page = page_of(client, "")
    assert "3 more patients</span> later in the order" in beyond(page)
    assert 'href="/cases/?state=waiting&amp;page=1"' in beyond(page)
    assert re.search(r'id="count-4">.*?count">3<', page)
    page = page_of(client, "?level=4")
    assert visible(page) == []
    assert "0 of 5 patients shown, 3 more below the board." in page
    assert "3 more patients of this filter</span>" in beyond(page)
    assert 'href="/cases/?state=waiting&amp;level=4&amp;page=1"' in beyond(page)
    for one in ("mine", "person", "overdue"):
        assert "1 more patient of this filter</span>" in beyond(page_of(client, f"?{one}=1"))
    assert "0 more patients of this filter</span>" in beyond(page_of(client, "?done=1"))


@pytest.mark.usefixtures("short_board")
def test_a_fragment_names_the_patients_beyond_the_board(client: Client, user: User) -> None:
    for level in (1, 1):
        waiting_case(user, "cough", level)
    last = late(waiting_case(user, "cough", 3))
    Case.objects.filter(id=last.id).update(needs_person=True)
    assert f'data-beyond="{last.number}.3.po.{user.pk}"' in page_of(client, "board/")


def test_forms_of_a_row_lead_back_to_the_filter(client: Client, user: User) -> None:
    case = waiting_case(user, "cough", 2)
    page = page_of(client, "?person=1&level=2")
    assert f'"/cases/{case.id}/close/?from=board&amp;person=1&amp;level=2"' in page
    assert f'"/cases/{case.id}/close/?from=board"' in page_of(client, "")


@pytest.mark.parametrize(
    ("query", "back", "kept"),
    [
        ("", "/", "/"),
        ("&level=2&person=1", "/?person=1&level=2", "/?person=1&level=2"),
        ("&level=2&next=77", "/?level=2#case-77", "/?level=2#case-{}"),
        ("&next=77", "/#case-77", "/#case-{}"),
        ("&level=9&next=//evil", "/", "/"),
    ],
)
def test_a_form_of_the_board_leads_back_to_where_it_was_opened(
    client: Client, user: User, query: str, back: str, kept: str
) -> None:
    case = waiting_case(user, "cough", 2)
    path = f"/cases/{case.id}/close/"
    form = client.get(f"{path}?from=board{query}")
    assert form.context["back"] == back
    assert form.context["back_address"] == kept.format(case.number)
    sent = {"version": case.version, "disposition": "discharged", "back": back}
    assert client.post(path, sent)["Location"] == back
