"""Cases of another department: every address with a case in it refuses them, opens them with a
reason for a limited time, and no list shows them.

The addresses come from the URL configuration (tests/test_roles.py), so a new view without the
rule fails here.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import pytest
import redis
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from tests.factories import make_department, make_job, make_user, token_of
from tests.test_roles import ADDRESSES, API, CASE, RULES, answer
from triage_site.cases import services
from triage_site.cases.models import Case, CaseStatus, Opening
from triage_site.cases.roles import AUDITOR, CHARGE_NURSE, Action, may
from triage_site.triage.facts import CaseFacts

pytestmark = pytest.mark.django_db

OPENS: Final = (
    f"GET {CASE}/break-glass/",
    f"POST {CASE}/break-glass/",
    f"POST {API}/<case_id>/break-glass",
)
WITH_CASE: Final = [key for key in RULES if "case_id" in key and key not in OPENS]
LISTS: Final = [key for key in RULES if key.startswith("GET ") and "case_id" not in key]
WORDS, BED = "zebrafish bite on the elbow", "Bed 977"


@dataclass(frozen=True)
class Person:
    user: User
    client: Client
    token: str

    @classmethod
    def of(cls, user: User) -> Person:
        client = Client()
        client.force_login(user)
        return cls(user, client, token_of(user))

    def refused(self, case: Case) -> set[str]:
        """Which of the addresses with a case in them answer 403."""
        answers = {key: answer(self.client, key, case.id, self.token)[0] for key in WITH_CASE}
        return {key for key, status in answers.items() if status == 403}

    def read(self, path: str) -> str:
        headers = {"Authorization": f"Bearer {self.token}"} if path.startswith("/api/") else None
        got = self.client.get(path, headers=headers, follow=True)
        return (b"".join(got) if got.streaming else got.content).decode()


def case_of(user: User, status: CaseStatus = CaseStatus.QUEUED, **values: Any) -> Case:
    case, _ = services.submit_case(
        facts=CaseFacts.from_dict({"text": WORDS}),
        actor=user,
        submission_key=uuid.uuid4().hex,
        label=BED,
        now=timezone.now(),
    )
    Case.objects.filter(id=case.id).update(status=status, priority=2, **values)
    if status == CaseStatus.QUEUED:
        make_job(2, case_id=case.id)
    return case


@pytest.fixture
def other(redis_client: redis.Redis) -> Person:
    """A clinician of another department than `reader`."""
    user = make_user()
    make_department("PAED", user)
    return Person.of(user)


@pytest.fixture
def reader(other: Person) -> Person:
    user = make_user()
    make_department("SURG", user)
    return Person.of(user)


def not_allowed(user: User) -> set[str]:
    rules = {key: RULES[key] for key in WITH_CASE}
    return {key for key, rule in rules.items() if not may(user, Action(rule))}


@pytest.mark.one_database  # as of the test with a reason
def test_without_a_reason_every_address_with_the_case_refuses(
    other: Person, reader: Person
) -> None:
    case = case_of(other.user)
    assert reader.refused(case) == set(WITH_CASE)
    assert not case.events.filter(kind="viewed").exists()
    assert other.refused(case) == not_allowed(other.user)


def test_with_a_reason_every_address_opens_until_the_time_ends(
    other: Person, reader: Person
) -> None:
    case = case_of(other.user)
    now = timezone.now()
    services.open_with_reason(case.id, reason="helps", actor=reader.user, now=now)
    assert reader.refused(case) == not_allowed(reader.user)
    assert reader.refused(case_of(other.user)) == set(WITH_CASE), "it opens one case alone"
    bystander = make_user()
    bystander.departments.set(reader.user.departments.all())
    assert Person.of(bystander).refused(case) == set(WITH_CASE), "it opens for one person alone"


@pytest.mark.one_database  # as of the test with a reason
def test_after_the_time_every_address_refuses_again(
    other: Person, reader: Person, settings: Any
) -> None:
    case = case_of(other.user)
    length = timedelta(minutes=settings.TRIAGE_BREAK_GLASS_MINUTES)
    before = timezone.now() - length
    services.open_with_reason(case.id, reason="helps", actor=reader.user, now=before)
    assert reader.refused(case) == set(WITH_CASE)


@pytest.mark.one_database  # as of the test with a reason
@pytest.mark.parametrize("role", [CHARGE_NURSE, AUDITOR])
def test_charge_nurses_and_auditors_see_all_departments(role: str, other: Person) -> None:
    person = Person.of(make_user(role))
    assert person.refused(case_of(other.user)) == not_allowed(person.user)


@pytest.mark.one_database  # as of the test with a reason
def test_with_one_department_nothing_changes(redis_client: redis.Redis) -> None:
    person = Person.of(make_user())
    assert person.refused(case_of(make_user())) == not_allowed(person.user)


def test_no_list_shows_a_case_of_another_department(other: Person, reader: Person) -> None:
    cases = [
        case_of(other.user),
        case_of(other.user, CaseStatus.RUNNING),
        case_of(other.user, CaseStatus.DONE, clinical_status="being_seen", seen_by=other.user),
        case_of(
            other.user,
            CaseStatus.DONE,
            clinical_status="closed",
            closed_at=timezone.now(),
            disposition="discharged",
        ),
    ]
    marks = (WORDS, BED, *(str(case.id) for case in cases))
    paths = [ADDRESSES[key.partition(" ")[2]].path() for key in LISTS]
    paths += ["/cases/?all=1", "/cases/?mine=1", "/api/v1/cases?q=zebrafish", "/?done=1"]

    def shows(person: Person, path: str) -> bool:
        page = person.read(path)
        return any(mark in page for mark in marks)

    assert {path for path in paths if shows(reader, path)} == set()
    # The same pages show the cases to somebody of their department: the marks are the right ones.
    assert {path for path in paths if shows(other, path)} == {
        "/",
        "/?done=1",
        "/board/",
        "/board/wall/",
        "/board/wall/rows/",
        "/cases/?all=1",
        "/cases/?mine=1",
        "/login/",  # which leads to the board
        "/ops/queue/",
        "/ops/queue/state/",
        "/api/v1/cases",
        "/api/v1/cases?q=zebrafish",
        "/api/v1/queue",
    }


def test_the_search_names_no_case_of_another_department_but_by_its_number(
    other: Person, reader: Person
) -> None:
    case = case_of(other.user)
    for words, is_named in (("zebrafish", False), (BED, False), (str(case.number), True)):
        found = reader.client.post("/cases/", {"q": words}, follow=True).content.decode()
        assert WORDS not in found
        assert (f"/cases/{case.id}/" in found) == is_named, words
    Opening.objects.create(
        case=case,
        at=timezone.now(),
        until=timezone.now() + timedelta(minutes=5),
        actor=reader.user,
        reason="x",
    )
    assert f"/cases/{case.id}/" in reader.read("/cases/"), "the way back to an opened case"
