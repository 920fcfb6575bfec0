"""Each view and act is on record once, no row changes afterwards, and the chain proves it."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone

from scheduling import append_only
from scheduling.services import switch_policy
from tests.factories import PASSWORD, at, make_case, make_job, make_queued_case, make_user, token_of
from tests.site_map import addresses
from triage_site.audit.models import AuditRecord, AuditSeal
from triage_site.audit.services import record, seal_all
from triage_site.audit.verification import faults
from triage_site.cases.audit_middleware import VIEW_LASTS
from triage_site.cases.models import Case, CaseEvent
from triage_site.cases.roles import AUDITOR, CHARGE_NURSE
from triage_site.cases.services import open_with_reason

pytestmark = pytest.mark.django_db
Kind = AuditRecord.Kind


@pytest.fixture
def nurse() -> User:
    return make_user(CHARGE_NURSE)


@pytest.fixture
def page(client: Client, nurse: User) -> Client:
    client.force_login(nurse)
    return client


# -- views and acts, once each


@pytest.mark.parametrize(
    ("path", "headers", "via"),
    [
        ("/cases/{id}/", {}, "page"),
        ("/cases/{id}/print/", {}, "page"),
        ("/cases/{id}/vitals/", {}, "page"),
        ("/cases/{id}/facts/", {"HX-Request": "true"}, "fragment"),
        ("/cases/{id}/panel/", {"HX-Request": "true"}, "fragment"),
        ("/cases/{id}/guidance/", {"HX-Request": "true"}, "fragment"),
        ("/live/cases/{id}/", {"Accept": "text/event-stream"}, "stream"),
        ("/api/v1/cases/{id}", {}, "api"),
        ("/api/v1/cases/{id}/fhir", {}, "api"),
    ],
)
def test_each_way_to_see_a_case_leaves_one_record(
    page: Client, nurse: User, path: str, headers: dict[str, str], via: str
) -> None:
    case = make_case(actor=nurse)
    if via == "api":
        headers = {"Authorization": f"Bearer {token_of(nurse)}"}
    assert page.get(path.format(id=case.id), headers=headers).status_code == 200
    (event,) = CaseEvent.objects.filter(kind=CaseEvent.Kind.VIEWED)
    assert (event.actor, event.data["via"], event.data["version"]) == (nurse, via, case.version)
    assert event.data["guidance_shown"] is False
    assert not AuditRecord.objects.filter(kind__in=[Kind.VIEWED, Kind.ACTED]).exists()


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/board/", "/live/board/", "/api/v1/cases", "/api/v1/queue"),
        *("/ops/queue/", "/ops/queue/state/", "/ops/openings/", "/ops/openings/alerts/"),
    ],
)
def test_each_list_of_cases_leaves_one_record(page: Client, nurse: User, path: str) -> None:
    headers = {"Authorization": f"Bearer {token_of(nurse)}"} if "api" in path else None
    assert page.get(path, headers=headers).status_code == 200
    (found,) = AuditRecord.objects.filter(kind=Kind.VIEWED)
    assert found.actor == nurse


def test_every_answer_that_names_a_case_leaves_one_record(page: Client, nurse: User) -> None:
    """A new view that lists cases fails here until it is recorded."""
    case_id = make_queued_case(2, 0, actor=nurse).case_id
    case = Case.objects.get(id=case_id)
    other = make_user()
    opening = open_with_reason(case.id, reason="a look", actor=other, now=timezone.now())
    headers = {"Authorization": f"Bearer {token_of(nurse)}"}
    named = (str(case.id), f"case {case.number}", f"opening-{opening.pk}")
    found: dict[str, int] = {}
    for address in addresses("GET"):
        before = num_views()
        path = address.path({"case_id": case.id, "opening_id": opening.pk})
        answer = page.get(path, headers=headers if path.startswith("/api/") else None)
        if answer.status_code == 200 and not answer.streaming:
            text = answer.content.decode().lower()
            if any(one in text for one in named):
                found[address.name] = num_views() - before
    assert {"board", "ops_queue", "ops_queue_state", "opening_alerts", "case"} <= set(found)
    assert {name: num for name, num in found.items() if num != 1} == {}


def num_views() -> int:
    seen = CaseEvent.objects.filter(kind=CaseEvent.Kind.VIEWED).count()
    return seen + AuditRecord.objects.filter(kind=Kind.VIEWED).count()


@pytest.mark.parametrize("path", ["/ops/queue/state/", "/ops/openings/alerts/"])
def test_what_a_page_repeats_by_itself_is_one_view(page: Client, nurse: User, path: str) -> None:
    fragment = {"HX-Request": "true"}
    for _ in range(3):
        assert page.get(path, headers=fragment).status_code == 200
    assert num_views() == 1
    page.get(path)  # somebody asks for it by hand
    assert num_views() == 2
    with append_only.unlocked():
        AuditRecord.objects.update(at=timezone.now() - VIEW_LASTS)
    page.get(path, headers=fragment)
    assert num_views() == 3


def test_the_updates_of_the_queue_page_belong_to_its_view(page: Client) -> None:
    page.get("/ops/queue/")
    page.get("/ops/queue/state/", headers={"HX-Request": "true"})
    assert num_views() == 1
    page.post("/ops/queue/", {"action": "pause", "reason": ""})  # 422: the list comes back
    assert num_views() == 2


def test_what_was_not_shown_is_not_recorded_as_seen(client: Client) -> None:
    case = make_case()
    client.get(f"/cases/{case.id}/")
    client.force_login(make_user(None))
    assert client.get(f"/cases/{case.id}/").status_code == 403
    assert not CaseEvent.objects.filter(kind=CaseEvent.Kind.VIEWED).exists()
    (found,) = AuditRecord.objects.filter(kind=Kind.REFUSED)
    assert found.data["case"] == case.number


def test_an_act_is_recorded_once(page: Client, nurse: User) -> None:
    case = make_case(actor=nurse)
    before = CaseEvent.objects.count()
    page.post(f"/cases/{case.id}/note/", {"text": "more pain", "version": case.version})
    assert CaseEvent.objects.filter(kind=CaseEvent.Kind.NOTE).count() == 1
    page.post("/stay/")
    page.post("/preview/", {"text": "chest pain"})
    assert not AuditRecord.objects.filter(kind=Kind.ACTED).exists()
    page.post("/ops/comparisons/", {})  # 422: nothing was done
    assert not AuditRecord.objects.filter(kind=Kind.ACTED).exists()
    assert CaseEvent.objects.count() > before


def test_sign_ins_are_recorded_without_what_was_typed(
    client: Client, nurse: User, caplog: pytest.LogCaptureFixture
) -> None:
    url = "/login/"
    client.post(url, {"username": "Mrs Canary secret", "password": "canary"})
    client.post(url, {"username": nurse.username, "password": "canary"})
    client.post(url, {"username": nurse.username, "password": PASSWORD})
    client.post("/logout/")
    found = AuditRecord.objects.exclude(kind=Kind.VIEWED).values_list("kind", "actor")
    assert list(found) == [
        (Kind.SIGN_IN_FAILED, None),
        (Kind.SIGN_IN_FAILED, nurse.id),
        (Kind.SIGNED_IN, nurse.id),
        (Kind.SIGNED_OUT, nurse.id),
    ]
    kept = f"{list(AuditRecord.objects.values())}".lower()
    assert "canary" not in kept


# -- append-only


def sql(text: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(text)


@pytest.mark.parametrize("model", append_only.append_only_models(), ids=lambda m: m.__name__)
def test_every_append_only_table_is_protected(model: Any) -> None:
    assert model._meta.db_table not in append_only.unprotected()


@pytest.mark.parametrize(
    "text",
    [
        "UPDATE {table} SET kind = 'closed'",
        "DELETE FROM {table}",
        "UPDATE {table} SET id = id + 1000",
    ],
)
def test_the_database_refuses_to_change_a_history(text: str) -> None:
    make_case()
    before = list(CaseEvent.objects.values())
    with pytest.raises(DatabaseError, match="append-only"):
        sql(text.format(table="cases_caseevent"))
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        CaseEvent.objects.update(kind="closed")
    assert list(CaseEvent.objects.values()) == before


def test_the_database_refuses_to_replace_or_empty_a_history() -> None:
    make_case()
    row = CaseEvent.objects.values_list("id", flat=True)[0]
    if connection.vendor == "sqlite":
        columns = "id, case_id, kind, at, data"
        text = (
            f"INSERT OR REPLACE INTO cases_caseevent ({columns}) "
            f"SELECT id, case_id, 'closed', at, data FROM cases_caseevent WHERE id = {row}"
        )
    else:
        connection.check_constraints()  # the checks of the rows of this test are done
        text = "TRUNCATE cases_caseevent CASCADE"
    with pytest.raises(DatabaseError, match="append-only"):
        sql(text)


def test_the_database_refuses_to_replace_a_row_by_another_unique_value() -> None:
    make_case()
    seal_all(at(10))
    if connection.vendor != "sqlite":
        pytest.skip("only SQLite has REPLACE")
    others = 'at, "table", columns, rows, first_id, last_id, previous, digest'
    with pytest.raises(DatabaseError, match="append-only"):
        sql(
            f"INSERT OR REPLACE INTO audit_auditseal (id, {others}) "
            f"SELECT id + 1000, {others} FROM audit_auditseal WHERE previous = ''"
        )


# -- the chain


@pytest.fixture
def sealed() -> list[int]:
    """The ids of a history that is sealed."""
    for number in range(3):
        make_case(f"case {number}")
    while seal_all(at(10)):
        pass
    return list(CaseEvent.objects.order_by("id").values_list("id", flat=True))


def tampered(text: str) -> list[str]:
    """The faults after somebody switched the triggers off and on again."""
    with append_only.unlocked():
        sql(text)
    return list(faults())


def test_an_untouched_audit_is_intact(sealed: list[int]) -> None:
    assert list(faults()) == []
    out = io.StringIO()
    make_case("one more")
    call_command("verify_audit", stdout=out)
    newest = AuditSeal.objects.latest("id")
    assert f"Head: {newest.digest}" in out.getvalue()
    assert (
        str(CaseEvent.objects.latest("id").pk)
        in AuditSeal.objects.filter(table="cases_caseevent").latest("id").rows
    )


def test_a_changed_row_is_found(sealed: list[int]) -> None:
    (fault,) = tampered(f"UPDATE cases_caseevent SET kind = 'closed' WHERE id = {sealed[1]}")
    assert fault == f"cases_caseevent: row {sealed[1]} was changed"


def test_a_removed_row_is_found(sealed: list[int]) -> None:
    (fault,) = tampered(f"DELETE FROM cases_caseevent WHERE id = {sealed[1]}")
    assert fault == f"cases_caseevent: row {sealed[1]} is missing"


def test_a_removed_seal_is_found(sealed: list[int]) -> None:
    make_case("later")
    seal_all(at(20))
    first = AuditSeal.objects.earliest("id")
    found = tampered(f"DELETE FROM audit_auditseal WHERE id = {first.id}")
    assert any("does not follow" in fault for fault in found)


def test_a_cut_chain_is_found_with_a_noted_head(sealed: list[int]) -> None:
    make_case("later")
    seal_all(at(20))
    last = AuditSeal.objects.latest("id")
    with append_only.unlocked():
        sql(f"DELETE FROM audit_auditseal WHERE id = {last.id}")
    assert list(faults(last.digest)) == ["the noted head is not in the chain; seals were removed"]


def test_a_changed_seal_is_found(sealed: list[int]) -> None:
    last = AuditSeal.objects.latest("id")
    found = tampered(f"UPDATE audit_auditseal SET \"table\" = 'x' WHERE id = {last.id}")
    assert f"seal {last.id}: was changed" in found


def test_missing_triggers_are_found_and_end_the_command(sealed: list[int]) -> None:
    append_only.remove()
    with pytest.raises(CommandError, match="damaged"):
        call_command("verify_audit", stderr=io.StringIO())
    append_only.install()
    call_command("verify_audit", stdout=io.StringIO())


def test_triggers_that_do_nothing_are_found(sealed: list[int]) -> None:
    name = "cases_caseevent"
    if connection.vendor == "sqlite":
        sql(f"DROP TRIGGER {name}_no_update")
        sql(f"CREATE TRIGGER {name}_no_update BEFORE UPDATE ON {name} WHEN 0 BEGIN SELECT 1; END")
    else:
        connection.check_constraints()
        sql(
            "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql "
            "AS $$ BEGIN RETURN NEW; END $$"
        )
    assert f"{name}: the triggers that keep it append-only are missing or changed" in list(faults())


def test_a_row_that_was_committed_late_is_sealed_as_well(sealed: list[int]) -> None:
    case = Case.objects.earliest("number")
    last = max(sealed)
    CaseEvent.objects.create(id=last + 5, case=case, kind="queued", at=at(11))
    seal_all(at(12))
    CaseEvent.objects.create(id=last + 3, case=case, kind="queued", at=at(11))
    seal_all(at(13))
    newest = AuditSeal.objects.filter(table="cases_caseevent").latest("id")
    assert list(newest.rows) == [str(last + 3)]
    assert list(faults()) == []


def test_two_processes_cannot_fork_the_chain(sealed: list[int]) -> None:
    newest = AuditSeal.objects.latest("id")
    values = {"at": at(1), "table": "x", "columns": [], "rows": {}, "first_id": 0, "last_id": 0}
    with pytest.raises(DatabaseError), transaction.atomic():
        AuditSeal.objects.create(**values, previous=newest.previous, digest="d")


def test_a_seal_takes_many_rows(sealed: list[int]) -> None:
    for _ in range(620):
        record(Kind.VIEWED, timezone.now() - timedelta(seconds=1), what="board")
    assert seal_all(at(20)) == 500
    assert seal_all(at(21)) == 120
    assert seal_all(at(22)) == 0
    assert list(faults()) == []


def test_only_auditors_of_the_site_read_the_audit(client: Client) -> None:
    client.force_login(make_user())
    assert client.get("/ops/audit/").status_code == 403
    client.force_login(make_user(AUDITOR))
    assert client.get("/ops/audit/").status_code == 200


# -- the log


@pytest.fixture
def auditor(client: Client) -> Client:
    client.force_login(make_user(AUDITOR, username="vera"))
    return client


def test_the_log_shows_views_acts_and_sign_ins(auditor: Client, nurse: User) -> None:
    case = make_case(actor=nurse)
    CaseEvent.objects.create(case=case, kind="note", actor=nurse, data={"note": "canary"})
    auditor.get(f"/cases/{case.id}/")
    text = auditor.get("/ops/audit/").content.decode()
    assert all(words in text for words in ("<td>Signed in", "Viewed", "Note added", nurse.username))
    assert "canary" not in text
    only = auditor.get("/ops/audit/", {"person": "VERA", "kind": "views"}).content.decode()
    assert "Viewed" in only
    assert "Note added" not in only
    of_case = auditor.get("/ops/audit/", {"case": case.number}).content.decode()
    assert "Note added" in of_case
    assert "<td>Signed in" not in of_case


def test_moves_in_the_queue_are_found_by_case_and_switches_by_kind(
    auditor: Client, nurse: User
) -> None:
    cases = [make_case(actor=nurse, seconds=number) for number in range(2)]
    for case in cases:
        make_job(2, case_id=case.id, arrival_at=timezone.now(), now=timezone.now())
    switch_policy("fcfs", actor=nurse, reason="drill at noon", now=timezone.now())
    mine = auditor.get(f"/ops/audit/?kind=queue&case={cases[0].number}").content.decode()
    assert "<td>Queued for guidance</td>" in mine
    assert f">{cases[0].number}<" in mine
    assert "place 1 of 1, policy Semantic" in mine
    assert f">{cases[1].number}<" not in mine
    waited = auditor.get(f"/ops/audit/?kind=switches&case={cases[0].number}").content.decode()
    assert "drill at noon" in waited
    other = make_case(actor=nurse)
    none = auditor.get(f"/ops/audit/?kind=switches&case={other.number}").content.decode()
    assert "drill at noon" not in none
    switches = auditor.get("/ops/audit/", {"kind": "switches"}).content.decode()
    assert "Semantic to First come. drill at noon" in switches
    assert "Queued" not in switches
    assert "drill at noon" not in auditor.get("/ops/audit/", {"kind": "queue"}).content.decode()


def test_pages_of_the_log_neither_repeat_nor_leave_out(auditor: Client) -> None:
    now = timezone.now()
    for number in range(150):
        record(Kind.ACTED, now, what=f"act-{number:03}")
    found: list[str] = []
    for number in (1, 2):
        text = auditor.get("/ops/audit/", {"kind": "acts", "page": f"{number}"}).content.decode()
        found += [part[:3] for part in text.split("act-")[1:]]
    assert sorted(found) == [f"{number:03}" for number in range(150)]


def test_the_export_has_every_line_and_no_formula(auditor: Client) -> None:
    record(Kind.ACTED, timezone.now(), what="ops_promote", actor=make_user(username="@SUM"))
    answer = auditor.get("/ops/audit/audit.csv", {"kind": "acts"})
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    assert text.splitlines()[0] == "at,person,what,case,detail,through,code"
    assert text.splitlines()[1].endswith(",'@SUM,Promoted a classifier,,,,acted ops_promote")


@pytest.mark.parametrize(
    "query",
    [
        {"since": "x"},
        {"since": "0001-01-01"},
        {"until": "0001-01-01"},
        {"until": "9999-12-31"},
        {"case": "-1"},
        {"kind": "all"},
    ],
)
def test_a_wrong_limit_is_said(auditor: Client, query: dict[str, str]) -> None:
    answer = auditor.get("/ops/audit/", query)
    assert answer.status_code == 422
    assert b"There is a problem" in answer.content
