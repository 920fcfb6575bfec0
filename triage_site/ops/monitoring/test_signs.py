"""The page of the danger signs: the tables, what fired, what people changed, and who may look."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from tests.factories import make_case, make_user
from triage_site.cases import services
from triage_site.cases.models import Case
from triage_site.cases.roles import AUDITOR, CHARGE_NURSE, CLINICIAN
from triage_site.ops.monitoring.records import Span
from triage_site.ops.monitoring.sign_lines import Counts, sign_page
from triage_site.triage import screen
from triage_site.triage.signs.tables import signs
from triage_site.triage.signs.vital_rules import VITAL_RULES

pytestmark = pytest.mark.django_db
PAGE = "/ops/triage/signs/"


def classified(text: str, priority: int = 1, **facts: Any) -> Case:
    now = timezone.now()
    case = make_case(text, age_years=50, **facts)
    Case.objects.filter(id=case.id).update(arrived_at=now - timedelta(hours=1))
    said = replace(screen(case.case_facts), priority=priority, needs_person=False)
    services.begin_classification(case.id, now=now)
    services.record_classification(case.id, said, now=now)
    return case


def override(case: Case, priority: int, reason: str = "clinical_judgement") -> None:
    services.override_priority(
        case.id,
        priority=priority,
        reason=reason,
        note="",
        actor=make_user(),
        now=timezone.now(),
    )


def counts(code: str) -> Counts:
    now = timezone.now()
    page = sign_page(Span(since=now - timedelta(days=1), until=now), "")
    lines = [*page["rules"], *(line for table in page["tables"] for line in table.lines)]
    return next(line.counts for line in lines if line.row.code == code)


def shown(client: Client, **query: str) -> str:
    return str(client.get(PAGE, query).content.decode())


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(make_user(CHARGE_NURSE))
    return client


def test_every_sign_and_rule_stands_on_the_page(client: Client) -> None:
    text = shown(client)
    assert all(f'id="sign-{sign.code}"' in text for sign in signs())
    assert all(rule.code in text for rule in VITAL_RULES)
    assert text.count("To be confirmed by a clinician") == 1


def test_a_search_leaves_the_signs_that_hold_the_words(client: Client) -> None:
    text = shown(client, sign="cauda equina")
    assert 'id="sign-cord_cauda"' in text
    assert 'id="sign-choking"' not in text
    assert "No sign or rule holds" in shown(client, sign="zebrafish")
    assert "&lt;b&gt;" in shown(client, sign="<b>")


def test_counts_say_how_often_a_sign_fired_and_people_changed_the_level() -> None:
    override(classified("facial droop since noon"), 0)
    override(classified("facial droop, slurred speech"), 3)
    override(classified("facial droop again"), 2, reason="better")
    classified("facial droop", hr_bpm=150)
    assert counts("stroke") == Counts(num_fired=4, num_up=1, num_down=1)
    assert counts("stroke").changed_percent == 50
    assert counts("V1-HR-HIGH") == Counts(num_fired=1)
    assert counts("choking") == Counts()


def test_the_page_shows_no_words_of_patients(client: Client) -> None:
    classified("facial droop at the zebrafish aquarium")
    assert "aquarium" not in shown(client)


def test_the_number_of_queries_does_not_grow_with_the_cases(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for _ in range(3):
        classified("facial droop")
    now = timezone.now()
    with django_assert_max_num_queries(1):
        sign_page(Span(since=now - timedelta(days=1), until=now), "")


@pytest.mark.parametrize(
    ("role", "status"), [(AUDITOR, 200), (CHARGE_NURSE, 200), (CLINICIAN, 403), (None, 403)]
)
def test_auditors_and_charge_nurses_see_it(role: str | None, status: int) -> None:
    client = Client()
    client.force_login(make_user(role))
    assert client.get(PAGE).status_code == status


def test_the_classifier_page_leads_to_it(client: Client) -> None:
    assert f'href="{PAGE}"' in client.get("/ops/triage/").content.decode()
