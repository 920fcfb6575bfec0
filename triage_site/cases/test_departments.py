"""Departments: who belongs to one, to which one a new case goes, and what a board shows."""

from __future__ import annotations

import io
from datetime import datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.factories import PASSWORD, at, make_department, make_user
from tests.factories import token_of as key_of
from triage_site.cases import live_fragments
from triage_site.cases.board import BoardMaker
from triage_site.cases.departments import Sight, has_several, sight_of
from triage_site.cases.models import Case, CaseStatus, Department
from triage_site.cases.queue_view import QueueView
from triage_site.cases.roles import AUDITOR, CHARGE_NURSE
from triage_site.triage.facts import CaseFacts

pytestmark = pytest.mark.django_db


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def token_of(user: User) -> dict[str, str]:
    return {"Authorization": f"Bearer {key_of(user)}"}


def test_with_one_department_no_page_speaks_of_departments() -> None:
    user = make_user(CHARGE_NURSE)
    case = waiting(user, 2, 0)
    page = client_of(user)
    paths = ("/", "/cases/new/", "/cases/?all=1", f"/cases/{case.id}/", "/ops/", "/board/wall/")
    for path in paths:
        text = page.get(path).content.decode().lower()
        assert "emergency department" not in text, path
        assert 'name="department"' not in text, path
        assert "openings" not in text, path


def test_the_second_department_takes_nothing_from_anybody() -> None:
    anna = make_user()
    case = waiting(anna, 2, 0)
    make_department("PAED")
    assert has_several()
    assert sight_of(anna).has(case)
    late = make_user()
    make_department("SURG")
    assert not sight_of(late).has(case), "who is in no department sees none"
    call_command("department", "paed", "--name", "Children", stdout=io.StringIO())
    assert not sight_of(late).has(case), "a new name moves nobody"
    assert {one.name for one in Department.objects.all()} >= {"Children", "Emergency department"}


@pytest.mark.parametrize("role", [CHARGE_NURSE, AUDITOR])
def test_charge_nurses_and_auditors_see_all(role: str) -> None:
    make_department("PAED")
    sight = sight_of(make_user(role))
    assert sight.departments is None
    assert sight.has_alerts == (role == CHARGE_NURSE)


# -- a new case


def post_case(user: User, **more: str) -> tuple[int, str]:
    answer = client_of(user).post("/cases/new/", {"text": "sore toe", **more})
    made = Case.objects.order_by("-number").first()
    return answer.status_code, made.department.code if made else ""


def post_to_api(user: User, **more: str) -> tuple[int, str]:
    body = {"text": "sore toe", **more}
    answer = Client().post("/api/v1/cases", body, "application/json", headers=token_of(user))
    return answer.status_code, answer.json().get("department", answer.json().get("errors"))


def test_a_new_case_belongs_to_the_department_of_who_submits_it() -> None:
    anna = make_user()
    make_department("PAED", anna)
    assert 'name="department"' not in client_of(anna).get("/cases/new/").content.decode()
    assert post_case(anna) == (302, "PAED")
    assert post_case(anna, department="ED") == (302, "PAED"), "there is no choice to forge"
    assert post_to_api(anna) == (201, "PAED")
    assert post_to_api(anna, department="paed") == (201, "PAED")


@pytest.mark.parametrize("code", ["SURG", "nowhere"])
def test_a_foreign_or_unknown_department_is_refused(code: str) -> None:
    anna = make_user()
    paed = make_department("PAED", anna)
    make_department("SURG")
    status, errors = post_to_api(anna, department=code)
    assert status == 422
    assert errors[0]["field"] == "department"  # type: ignore[index]
    anna.departments.add(paed, Department.objects.get(code="ED"))
    form = client_of(anna).post("/cases/new/", {"text": "sore toe", "department": code})
    assert form.status_code == 422
    assert "Choose one of your departments" in form.content.decode()
    assert not Case.objects.exists()


def test_who_has_several_chooses() -> None:
    anna = make_user()
    make_department("PAED", anna)
    anna.departments.add(Department.objects.get(code="ED"))
    text = client_of(anna).get("/cases/new/").content.decode()
    assert 'name="department"' in text
    assert post_case(anna, department="PAED") == (302, "PAED")
    assert post_case(anna, department="ED") == (302, "ED")
    assert post_to_api(anna) == (201, "ED")
    assert post_case(make_user(CHARGE_NURSE), department="PAED") == (302, "PAED")


def test_who_has_none_submits_nothing() -> None:
    make_department("PAED")
    nobody = make_user()
    assert post_case(nobody)[0] == 403
    assert post_to_api(nobody)[0] == 422
    assert not Case.objects.exists()


# -- accounts


def account(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    out = io.StringIO()
    call_command("account", *arguments, stdout=out)
    return out.getvalue()


def codes_of(name: str) -> set[str]:
    return set(User.objects.get(username=name).departments.values_list("code", flat=True))


def test_the_command_sets_departments(monkeypatch: pytest.MonkeyPatch) -> None:
    new = ("alice", "--role", "clinician", "--password-stdin")
    account(monkeypatch, *new)
    assert codes_of("alice") == {"ED"}
    make_department("PAED")
    account(monkeypatch, "alice", "--department", "paed")
    assert codes_of("alice") == {"PAED"}
    account(monkeypatch, "alice", "--department", "PAED", "--department", "ED")
    assert codes_of("alice") == {"PAED", "ED"}
    account(monkeypatch, "alice", "--role", "auditor")
    assert codes_of("alice") == {"PAED", "ED"}
    with pytest.raises(CommandError, match="no department NOWHERE; there are ED, PAED"):
        account(monkeypatch, "alice", "--department", "nowhere")
    with pytest.raises(CommandError, match="--department is needed, one or more of ED, PAED"):
        account(monkeypatch, "bob", "--role", "clinician", "--password-stdin")
    assert not User.objects.filter(username="bob").exists()
    assert "all departments" in account(monkeypatch, "--list")


@pytest.mark.parametrize(
    ("code", "name", "words"),
    [
        ("P D", "x", "letters"),
        ("PAED", " ", "must not be empty"),
        ("PAED", "x" * 81, "80"),
        ("PAED", "Emergency department", "code ED has it"),
    ],
)
def test_a_wrong_department_is_refused(code: str, name: str, words: str) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("department", code, "--name", name)
    assert Department.objects.count() == 1


# -- boards


def department_of(code: str) -> Department:
    return Department.objects.get_or_create(code=code, defaults={"name": code})[0]


def waiting(user: User, priority: int, seconds: float, **values: Any) -> Case:
    return Case.objects.create(
        facts=CaseFacts(text="sore toe").to_dict(),
        created_by=user,
        submission_key=f"{priority} {seconds} {Case.objects.count()}",
        arrived_at=at(seconds),
        status=CaseStatus.DONE,
        priority=priority,
        suggested_priority=priority,
        **values,
    )


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 7200), st.integers(0, 2)), max_size=9))
def test_a_board_leaves_rows_out_and_moves_none(cases: list[tuple[int, int, int]]) -> None:
    Case.objects.all().delete()
    user = User.objects.filter(username="rita").first() or make_user(username="rita")
    names = ("ED", "PAED", "SURG")
    ids = [department_of(one).pk for one in names]
    for priority, seconds, place in cases:
        waiting(user, priority, seconds, department_id=ids[place])
    maker = BoardMaker.read(at(7200))
    whole = [row.number for row in maker.board(Sight()).open_rows]
    assert len(whole) == len(cases)
    for some in ([ids[0]], ids[:2], ids):
        sight = Sight(departments=frozenset(some))
        board = maker.board(sight)
        own = set(sight.of(Case.objects.all()).values_list("number", flat=True))
        assert [row.number for row in board.open_rows] == [one for one in whole if one in own]
        assert board.num_waiting == sum(count.num for count in board.counts) == len(own)


def test_one_snapshot_serves_the_boards_of_all_sights(monkeypatch: pytest.MonkeyPatch) -> None:
    user = make_user()
    ids = [make_department(code).pk for code in ("PAED", "SURG")]
    for pk in ids:
        waiting(user, 2, 0, department_id=pk)
    reads: list[datetime] = []
    read = QueueView.read

    def counted(now: datetime) -> QueueView:
        reads.append(now)
        return read(now)

    monkeypatch.setattr(QueueView, "read", counted)
    sights = [Sight(), Sight(has_alerts=True), *(Sight(departments=frozenset([pk])) for pk in ids)]
    shown = {target: html for target, html, _ in live_fragments.rendered(set(sights))}
    assert len(reads) == 1
    rows = {sight: shown[sight].count('<tr id="case-') for sight in sights}
    assert list(rows.values()) == [2, 2, 1, 1]
