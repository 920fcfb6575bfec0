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
