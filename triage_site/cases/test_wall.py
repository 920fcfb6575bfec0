"""The wall display: no patient data, and a pass that opens nothing else."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from django.utils.html import strip_tags

from tests.e2e.steps import waiting_case
from tests.factories import make_user
from triage_site.cases.models import Case
from triage_site.cases.wall import NUM_SHOWN, build_wall, place_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    return make_user()


@pytest.fixture
def opened(user: User) -> Client:
    """A browser in which the display was opened, and whose session has ended."""
    client = Client()
    client.force_login(user)
    assert client.get("/board/wall/").status_code == 200
    client.cookies.pop("sessionid")
    return client


def pass_of(page: str) -> str:
    found = re.search(r'data-pass="([^"]+)"', page)
    assert found is not None
    return found[1]


def test_the_wall_shows_no_patient_data(opened: Client, user: User) -> None:
    case = waiting_case(user, "secret complaint words", 1, age_years=71, sex="female")
    Case.objects.filter(id=case.id).update(label="Wilhelmina Smith")
    page = opened.get("/board/wall/").content.decode()
    assert f">{case.number}<" in page
    assert "Emergent" in page
    for hidden in ("secret", "Wilhelmina", str(case.id), user.get_username()):
        assert hidden not in page, hidden
    # The random tokens in the attributes may hold these digits, and so may the number.
    words = strip_tags(page.replace(f">{case.number}<", "><")).split()
    assert "71" not in words
    assert "female" not in words


@pytest.mark.parametrize(
    ("label", "place"),
    [
        ("Bed 3", "Bed 3"),
        ("bay-12", "bay-12"),
        ("R4", "R4"),
        ("Resus 1", "Resus 1"),
        ("12b", "12b"),
        ("Smith", ""),
        ("Bed Smith", ""),
        ("Smith bed 3", ""),
        ("Ann 12", ""),
        ("born 1954", ""),
        ("", ""),
    ],
)
def test_only_a_label_that_is_a_place_is_shown(label: str, place: str) -> None:
    assert place_of(label) == place


def test_the_wall_has_the_order_of_the_board_and_counts_the_rest(user: User) -> None:
    for n in range(NUM_SHOWN + 2):
        waiting_case(user, f"cough {n}", 3)
    urgent = waiting_case(user, "chest pain", 0)
    Case.objects.filter(id=urgent.id).update(arrived_at=timezone.now() - timedelta(hours=1))
    wall = build_wall(timezone.now())
    assert wall.rows[0].number == urgent.number
    assert wall.rows[0].is_longest_overdue
    assert (len(wall.rows), wall.num_more, wall.num_overdue) == (NUM_SHOWN, 3, 1)


def test_the_display_stays_on_after_the_session(opened: Client) -> None:
    page = opened.get("/board/wall/").content.decode()
    stranger = Client()
    answer = stranger.get("/board/wall/rows/", headers={"X-Wall": pass_of(page)})
    assert answer.status_code == 200
    assert answer["X-Wall"]
    assert not answer.cookies


def test_the_pass_opens_nothing_else(opened: Client, user: User) -> None:
    case = waiting_case(user, "cough", 2)
    for path in ("/", "/board/", f"/cases/{case.id}/", "/cases/"):
        assert opened.get(path).status_code == 302, path


def test_the_pass_ends_with_the_account(opened: Client, user: User) -> None:
    key = pass_of(opened.get("/board/wall/").content.decode())
    for values in ({"is_active": False}, {"is_active": True, "password": "!"}):
        User.objects.filter(pk=user.pk).update(**values)
        answer = Client().get("/board/wall/rows/", headers={"X-Wall": key})
        assert answer.status_code == 403
        assert b"case" not in answer.content


@pytest.mark.parametrize("key", ["", "nonsense", "WzFd:1abc:def"])
def test_a_wrong_pass_opens_nothing(key: str) -> None:
    assert Client().get("/board/wall/rows/", headers={"X-Wall": key}).status_code == 403
    response = Client().get("/board/wall/")
    assert response["Location"] == "/login/?next=/board/wall/"


def test_without_the_right_to_view_cases_there_is_no_wall() -> None:
    client = Client()
    client.force_login(make_user(None))
    assert client.get("/board/wall/").status_code == 302


def test_ending_the_display_deletes_its_pass(opened: Client) -> None:
    opened.post("/board/wall/end/")
    assert opened.get("/board/wall/").status_code == 302


def test_an_empty_wall_says_so(opened: Client) -> None:
    assert "No one is waiting" in opened.get("/board/wall/").content.decode()
