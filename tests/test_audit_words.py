"""The audit log speaks to people: every name that the site can write has its words."""

from __future__ import annotations

import csv
import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from scheduling.append_only import append_only_models
from scheduling.models import AdmissionChange, AppendOnly
from scheduling.services import switch_policy
from tests.factories import make_case, make_user, token_of
from tests.site_map import addresses
from tests.test_roles import RULES
from triage_site.audit.models import AuditRecord
from triage_site.audit.services import record, record_removal
from triage_site.cases import audit_words
from triage_site.cases.models import CaseEvent
from triage_site.cases.roles import AUDITOR, CHARGE_NURSE

# Names of earlier releases, which stay in old records.
OLD = frozenset({"api:cancel", "api:read"})
CODE = re.compile(r"_|\bvia\b|\bapi:|\bops\b")


def models() -> list[type[AppendOnly]]:
    """Tables whose rows the log shows."""
    return [
        model
        for model in append_only_models()
        if any(field.name == "actor" for field in model._meta.fields)
    ]


def kinds() -> list[tuple[str, str, str]]:
    """Table, kind and label of every kind of record."""
    return [
        (model._meta.label, kind, str(label))
        for model in models()
        if hasattr(model, "Kind")
        for kind, label in model.Kind.choices
    ]


def test_every_address_has_words_and_no_words_are_left_over() -> None:
    names = {one.name for one in addresses()}
    assert names - audit_words.ADDRESSES.keys() == set()
    assert audit_words.ADDRESSES.keys() - names - OLD == set()


def test_no_two_routes_of_the_api_share_a_name_but_not_an_address() -> None:
    """Else the words of one would be said of the other."""
    patterns: dict[str, set[str]] = {}
    for one in addresses():
        patterns.setdefault(one.name, set()).add(one.pattern)
    assert {name: found for name, found in patterns.items() if len(found) > 1} == {}


def test_whatever_takes_a_form_says_what_was_done() -> None:
    by_pattern: dict[str, list[str]] = {}
    for one in addresses():
        by_pattern.setdefault(one.pattern, []).append(one.name)
    silent = {
        name
        for rule in RULES
        if rule.startswith("POST ")
        for name in by_pattern.get(rule.removeprefix("POST "), ())
        if name in audit_words.ADDRESSES and name != "api:api-root"
    }
    # Several routes of the API share an address: one of their names has the words.
    unsaid = {name for name in silent if not audit_words.ADDRESSES[name].did}
    assert {name for name in unsaid if not name.startswith("api:")} == set()
    assert unsaid <= {"api:list_cases", "api:policy", "api:admission"}


@pytest.mark.parametrize("name", sorted(audit_words.ADDRESSES))
def test_words_are_plain(name: str) -> None:
    words = audit_words.ADDRESSES[name]
    assert words.shows
    for text in (words.shows, words.did):
        assert not CODE.search(text), text
        assert not text.endswith(".")


@pytest.mark.parametrize(("table", "kind", "label"), kinds())
def test_every_kind_has_words(table: str, kind: str, label: str) -> None:
    words = audit_words.what_words(table, kind, label, "")
    assert words.strip()
    assert not CODE.search(words), words


def test_the_words_of_one_kind_are_not_those_of_another_table() -> None:
    """ "Started" alone would be a replay or guidance."""
    found: dict[str, set[str]] = {}
    for table, kind, label in kinds():
        found.setdefault(audit_words.what_words(table, kind, label, ""), set()).add(table)
    shared = {words: tables for words, tables in found.items() if len(tables) > 1}
    assert shared.keys() <= {"viewed "}, shared


def test_every_table_has_words() -> None:
    without_kind = [model for model in models() if not hasattr(model, "Kind")]
    for model in without_kind:
        known = model is AdmissionChange or model._meta.label in audit_words.TABLES
        assert known, model
    for table in (model._meta.db_table for model in append_only_models()):
        assert audit_words.removed(table) != table, table


@pytest.mark.django_db
def test_the_page_says_what_and_how_and_the_export_keeps_the_names(client: Client) -> None:
    nurse, auditor = make_user(CHARGE_NURSE, username="ines"), make_user(AUDITOR, username="vera")
    case = make_case(actor=nurse)
    client.force_login(nurse)
    client.get("/ops/queue/")
    client.get(f"/cases/{case.id}/print/")
    client.get(f"/cases/{case.id}/facts/", headers={"HX-Request": "true"})
    client.get("/api/v1/queue", headers={"Authorization": f"Bearer {token_of(nurse)}"})
    assert client.get("/ops/audit/audit.csv").status_code in (200, 403)
    switch_policy("fcfs", actor=nurse, reason="surge", now=timezone.now())
    record_removal(CaseEvent, [1], timezone.now(), actor=None, why="retention")
    client.force_login(auditor)
    client.get("/ops/triage/promote/")
    lines = told(client)
    assert {
        ("ines", "Viewed the queue page", "page"),
        ("ines", "Viewed the print of the case", "page"),
        ("ines", "Viewed the facts of the case", "part of a page"),
        ("ines", "Viewed the queue", "API"),
        ("ines", "Policy switched", "–"),
        ("–", "Old records removed: histories of cases", "–"),
    } <= {(line[1], line[2], line[5]) for line in lines}
    assert not [line for line in lines if CODE.search(" ".join(line[2:]))]
    switched = next(line for line in lines if line[2] == "Policy switched")
    assert switched[4].startswith("Semantic to First come. surge")
    answer = client.get("/ops/audit/audit.csv")
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    codes = {(row["what"], row["code"]) for row in csv.DictReader(text.splitlines())}
    assert ("Viewed the queue page", "viewed ops_queue page") in codes
    assert ("Viewed the queue", "viewed api:queue api") in codes


def told(client: Client) -> list[list[str]]:
    """The cells of each line of the log."""
    page = client.get("/ops/audit/").content.decode()
    rows = re.findall(r"<tr>(<td.*?)</tr>", page)
    return [
        [re.sub(r"<.*?>", "", cell).strip() for cell in re.findall(r"<td.*?</td>", row)]
        for row in rows
    ]


@pytest.mark.django_db
def test_a_name_of_another_release_is_shown_as_it_is(client: Client) -> None:
    kind: Any = AuditRecord.Kind.VIEWED
    record(kind, timezone.now(), what="page-of-tomorrow", data={"via": "telepathy"})
    client.force_login(make_user(AUDITOR))
    (line,) = (one for one in told(client) if "tomorrow" in one[2])
    assert (line[2], line[5]) == ("Viewed page-of-tomorrow", "telepathy")
