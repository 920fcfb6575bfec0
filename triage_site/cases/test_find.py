"""Finding cases in the whole archive, on the page and through selectors."""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.factories import START, at, make_user, token_of
from triage_site.cases import board, services
from triage_site.cases.departments import EVERYTHING
from triage_site.cases.find import PAGE_SIZE, Wanted, find_cases, number_in
from triage_site.cases.models import Case, CaseNote
from triage_site.cases.roles import AUDITOR
from triage_site.cases.standing import standing_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    return make_user()


@pytest.fixture
def client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def made(user: User, text: str = "cough", seconds: float = 0, **values: Any) -> Case:
    return Case.objects.create(
        facts={"text": text},
        created_by=user,
        submission_key=f"{Case.objects.count()}",
        arrived_at=at(seconds),
        assessed_at=at(seconds),
        **{"priority": 2, "suggested_priority": 2, "status": "done", **values},
    )


def found(**wanted: Any) -> list[int]:
    cases = find_cases(Wanted(**wanted), at(3600), EVERYTHING, is_online=True)
    return [case.number for case in cases]


def test_a_number_is_found_in_each_form_and_comes_first(user: User) -> None:
    case = made(user)
    bed = made(user, label=f"Bed {case.number}", seconds=9)
    assert found(words=f"{case.number}") == [case.number, bed.number]
    assert found(words=f" #{case.number}")[0] == case.number
    assert found(words=f"Case {case.number}")[0] == case.number
    assert number_in("12 steps") is None


def test_every_word_must_stand_somewhere(user: User) -> None:
    case = made(user, "fell from a ladder", label="Bed 3")
    made(user, "fell off a horse")
    assert found(words="ladder fell") == [case.number]
    assert found(words="LADDER bed") == [case.number]
    assert found(words="ladder horse") == []
    assert found(words="100%") == found(words="_") == []


def test_words_of_notes_and_letters_of_other_languages_are_found(user: User) -> None:
    case = made(user, "MÜLLER says that he fell")
    other = made(user, "cough", seconds=9)
    CaseNote.objects.create(case=other, at=at(10), author=user, text="takes warfarin")
    assert found(words="müller") == [case.number]
    assert found(words="Warfarin") == [other.number]


def test_a_bed_that_is_named_comes_before_words_of_the_text(user: User) -> None:
    bed = made(user, label="Bed 9123", seconds=0)
    plain = made(user, label="9123", seconds=1)
    named = made(user, label="Smith, BED 9123", seconds=2)
    word = made(user, "moved from bed 9123 to a chair", label="Bed 3", seconds=3)
    longer = made(user, label="Bed 19123", seconds=4)
    best = [plain.number, bed.number, named.number]
    expected = [*best, longer.number, word.number]
    assert found(words="bed 9123") == found(words="Bed  9123") == expected
    assert found(words="9123") == [*best, longer.number]


def test_a_bed_with_a_letter_comes_first_whatever_its_case(user: User) -> None:
    bed = made(user, label="Bed A1")
    for n in range(3):
        made(user, "HbA1c was high, lies in bed", label="Bay 2", seconds=n + 1)
    assert found(words="bed a1")[0] == found(words="BED A1")[0] == bed.number
    assert len(found(words="bed a1")) == 4
    assert found(words="bed a1 high")[0] != bed.number  # every word must stand somewhere


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Müller fell", "muller"),
        ("Muller fell", "MÜLLER"),
        ("Mu\u0308ller fell", "müller"),
        ("allergic to pen\u200bici\u00adllin", "penicillin"),
        ("allergic to penicillin", "peni\u2060cillin"),
        ("took Zyrtec™ twice", "zyrtec twice"),
        ("O’Brien", "o'brien"),
        ("Łukasz Sørensen", "lukasz sorensen"),
        ("fiﬁ", "FIFI"),
        ("straße", "STRASSE"),
        ("O'Neil", "oneil"),
        ("ONeil", "o’neil"),
        ("O`Neil", "Oneil"),
        ("D'Arcy-O'Neill", "darcy-oneill"),
        ("doesn't walk", "doesnt walk"),
        ("N'Golo fell", "ngolo"),
    ],
)
def test_accents_case_and_invisible_marks_make_no_difference(
    user: User, text: str, words: str
) -> None:
    in_text, in_note, in_label = made(user, text), made(user), made(user, label=text)
    CaseNote.objects.create(case=in_note, at=at(10), author=user, text=text)
    expected = {in_text.number, in_note.number, in_label.number}
    assert set(found(words=words)) == expected


def test_words_that_nobody_sees_find_nothing(user: User) -> None:
    made(user)
    assert found(words="\u200b") == []


def test_a_note_that_a_person_adds_is_found(user: User) -> None:
    case = made(user, "cough")
    services.add_note(case.id, text="Seen by Dr Öz", actor=user, now=at(60))
    assert found(words="cough oz") == [case.number]


def test_a_bed_is_found_through_an_index(user: User) -> None:
    plan = Case.objects.filter(search_label=" 12 ").order_by().explain()
    assert "search_label" in plan or "Seq Scan" in plan  # PostgreSQL scans a tiny table


def test_a_mark_beside_a_number_stays(user: User) -> None:
    case = made(user, "he is 5'10 tall")
    assert found(words="5'10") == [case.number]
    assert found(words="tall 510") == []


def test_old_cases_are_filled_in(transactional_db: None, user: User) -> None:
    case = made(user, "Müller fell", label="Bed 12")
    CaseNote.objects.create(case=case, at=at(10), author=user, text="pen\u200bicillin")
    filled = Case.objects.values_list("search_label", "search_text")
    before = filled.get()
    assert before == (" 12 ", "bed 12\nmuller fell\npenicillin")
    Case.objects.update(search_label="", search_text="")
    import_module("triage_site.cases.migrations.0020_search_columns").fill(apps, None)
    assert filled.get() == before


def test_all_that_is_given_must_hold(user: User) -> None:
    case = made(user, priority=1, needs_person=True)
    made(user, priority=1, needs_person=True, clinical_status="closed")
    made(user, priority=3, needs_person=True)
    made(make_user(), priority=1, needs_person=True)
    assert found(priority=1, clinical_status="waiting", needs_person=True, user_id=user.pk) == [
        case.number
    ]


def test_a_time_of_arrival_limits_the_list(user: User) -> None:
    numbers = [made(user, seconds=60 * minute).number for minute in range(4)]
    assert found(arrived_from=at(60), arrived_until=at(180)) == [numbers[2], numbers[1]]


@pytest.mark.parametrize("seconds", [0, 599, 600, 1799, 1800, 3600, 7200])
def test_the_overdue_filter_agrees_with_the_clock(user: User, seconds: float) -> None:
    for priority in (None, 0, 1, 2, 3, 4):
        made(user, priority=priority)
    made(user, priority=0, clinical_status="closed")
    cases = list(Case.objects.all())
    late = {c.number for c in cases if standing_of(c, at(seconds), is_online=True).is_overdue}
    wanted = find_cases(Wanted(is_overdue=True), at(seconds), EVERYTHING, is_online=True)
    assert {case.number for case in wanted} == late


# -- the page


def search(client: Client, **fields: str) -> tuple[str, str]:
    """Returns the address of the results and the page."""
    response = client.post("/cases/", fields)
    assert response.status_code == 302, response.content
    return response["Location"], client.get(response["Location"]).content.decode()


def rows_of(page: str) -> list[int]:
    return [int(number) for number in re.findall(r'c-number">(\d+)<', page)]


def test_words_never_stand_in_the_address(client: Client, user: User) -> None:
    case = made(user, "Wilhelmina has chest pain", label="Wilhelmina")
    made(user, "cough")
    address, page = search(client, q="wilhelmina CHEST", level="2", state="waiting")
    assert "wilhelmina" not in address.lower()
    assert "level=2" in address
    assert rows_of(page) == [case.number]
    assert "1</strong> case found" in page
    assert 'value="wilhelmina CHEST"' in page


def test_a_number_stands_in_the_address(client: Client, user: User) -> None:
    case = made(user)
    made(user)
    address, page = search(client, q=f"#{case.number}")
    assert address == f"/cases/?number={case.number}"
    assert rows_of(page) == [case.number]


def test_words_of_an_ended_session_are_asked_for_again(client: Client, user: User) -> None:
    made(user)
    page = client.get("/cases/?words=abcd1234").content.decode()
    assert "Enter them again" in page
    assert rows_of(page) == []


def test_pages_cover_the_archive_without_gaps(client: Client, user: User) -> None:
    numbers = [made(user, seconds=n).number for n in range(103)]
    address, page = search(client, level="2")
    shown = rows_of(page)
    for number in (2, 3):
        page = client.get(f"{address}&page={number}").content.decode()
        shown += rows_of(page)
    assert shown == numbers[::-1]
    assert "103</strong> cases found" in page
    assert "Page 3 of 3" in page
    assert "Newer" in page
    assert "Older" not in page


def test_closed_cases_are_found_with_how_they_ended(client: Client, user: User) -> None:
    made(user, clinical_status="closed", disposition="admitted", closed_at=at(60))
    _, page = search(client, state="closed")
    assert "Admitted" in page
    assert f"{START.day} {START:%b} " in page  # another day: the date is shown


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"since": "yesterday"}, "Enter “from” as a date and time"),
        ({"since": "2026-03-02T10:00", "until": "2026-03-01T10:00"}, "must be later"),
        ({"q": "x" * 201}, "201 characters; the limit is 200"),
        ({"level": "7"}, "not one of the available choices"),
    ],
)
def test_a_wrong_entry_is_kept_and_named(
    client: Client, fields: dict[str, str], reason: str
) -> None:
    response = client.post("/cases/", fields)
    assert response.status_code == 422
    page = response.content.decode()
    assert reason in page
    assert 'aria-invalid="true"' in page


def test_nothing_is_listed_before_a_search_and_nothing_found_is_said(client: Client) -> None:
    assert 'id="found"' not in client.get("/cases/").content.decode()
    _, page = search(client, q="nobody")
    assert "No case matches" in page


def test_an_auditor_may_search_and_a_stranger_may_not() -> None:
    auditor = Client()
    auditor.force_login(make_user(AUDITOR))
    assert auditor.get("/cases/").status_code == 200
    assert Client().get("/cases/").status_code == 302


def test_names_found_are_escaped(client: Client, user: User) -> None:
    made(user, "<script>alert(1)</script>", label="<b>Bed</b>")
    _, page = search(client, q="<b>")
    assert "<b>Bed" not in page
    assert "&lt;script&gt;" in page


def test_a_level_is_found_through_an_index(user: User) -> None:
    made(user)
    query = find_cases(Wanted(priority=1), at(0), EVERYTHING, is_online=True)[:50]
    plan = query.explain()
    assert "priority" in plan.lower() or "Seq Scan" in plan  # PostgreSQL scans a tiny table


def num_queries(client: Client) -> int:
    with CaptureQueriesContext(connection) as queries:
        client.get("/cases/?level=2")
    return len(queries)


def test_each_found_row_costs_no_query(client: Client, user: User) -> None:
    seer = make_user()
    values: dict[str, Any] = {"clinical_status": "being_seen", "seen_by": seer, "seen_at": at(60)}
    made(user, **values)
    first = num_queries(client)
    for n in range(20):
        made(user, seconds=n, **values)
    assert num_queries(client) == first


def test_searches_of_several_tabs_are_kept(client: Client, user: User) -> None:
    made(user, "alpha")
    made(user, "beta")
    first, _ = search(client, q="alpha")
    search(client, q="beta")
    assert "alpha" in client.get(first).content.decode()
    for n in range(12):
        search(client, q=f"word{n}")
    assert "Enter them again" in client.get(first).content.decode()


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York"])
@pytest.mark.parametrize("moment", ["0001-01-01T00:00", "9999-12-31T23:59"])
def test_a_time_that_not_every_zone_has_is_refused(
    client: Client, settings: Any, zone: str, moment: str
) -> None:
    settings.TIME_ZONE = zone
    for name in ("since", "until"):
        assert "Enter a year" in client.get("/cases/", {name: moment}).content.decode()


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:00-12:00"])
def test_the_api_refuses_such_a_time(client: Client, user: User, moment: str) -> None:
    headers = {"Authorization": f"Bearer {token_of(user)}"}
    for name in ("arrived_from", "arrived_until"):
        answer = client.get("/api/v1/cases", {name: moment}, headers=headers)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, name)


def test_a_waiting_patient_waits_once(client: Client, user: User) -> None:
    for number, priority in enumerate((0, 2)):
        made(user, f"croup {number}", priority=priority, status="done")
    html = client.post("/cases/", {"q": "croup"}, follow=True).content.decode()
    states = re.findall(r'<td class="c-state[^>]*>(.*?)</td>', html, re.DOTALL)
    words = [" ".join(re.sub(r"<[^>]+>", " ", state).split()) for state in states]
    assert len(words) == 2
    assert all(one.lower().count("wait") == 1 for one in words), words


def listed(client: Client, query: str) -> list[int]:
    text = client.get(f"/cases/?{query}").content.decode()
    return [int(number) for number in re.findall(r'c-number">(\d+)<', text)]


def test_waiting_cases_have_the_order_of_the_board(client: Client, user: User) -> None:
    first, second, third = (made(user, priority=p, seconds=p) for p in (3, 1, 2))
    closed = made(user, clinical_status="closed", seconds=99)
    assert listed(client, "state=waiting") == [second.number, third.number, first.number]
    assert listed(client, "state=waiting&level=3") == [first.number]
    assert "in the order of the board" in client.get("/cases/?state=waiting").content.decode()
    assert listed(client, "all=1")[0] == closed.number


def test_the_link_of_a_long_board_opens_those_left_out(
    client: Client, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board, "NUM_OPEN_SHOWN", PAGE_SIZE)
    numbers = [made(user, seconds=second).number for second in range(PAGE_SIZE + 3)]
    address = re.search(r'<a href="/cases/[?]([^"]+)" data-find', client.get("/").content.decode())
    assert address is not None
    left_out = listed(client, address[1].replace("&amp;", "&"))
    on_board = re.findall(r'<tr id="case-(\d+)"', client.get("/").content.decode())
    assert len(left_out) == 3
    assert sorted([*map(int, on_board), *left_out]) == numbers


def test_with_words_the_named_bed_is_first_among_waiting_patients_too(
    client: Client, user: User
) -> None:
    bed = made(user, label="Bed 9123", priority=4)
    made(user, "worse, moved from bed 9123 to a chair", label="Bay 2", priority=0, seconds=5)
    client.force_login(user)
    text = client.post(
        "/cases/", {"q": "bed 9123", "state": "waiting"}, follow=True
    ).content.decode()
    assert re.findall(r'href="/cases/([0-9a-f-]{36})/"', text)[0] == str(bed.id)
    assert "the named bed or number first" in text
