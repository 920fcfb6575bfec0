"""Live streams and departments: what a board shows, and when a stream ends."""

from __future__ import annotations

from datetime import timedelta

import httpx
from django.utils import timezone

from tests.factories import make_case, make_department, make_user
from triage_site.cases import services
from triage_site.cases.board_changes import unpacked
from triage_site.cases.models import Case
from triage_site.cases.test_streams import signed_in, watching


def test_a_stream_of_a_case_ends_with_the_opening(live_app: str) -> None:
    other, anna = make_user(), make_user()
    make_department("PAED", other)
    make_department("SURG", anna)
    case = make_case("zebrafish bite", actor=other)
    url = f"{live_app}/live/cases/{case.id}/"
    assert httpx.get(url, headers=signed_in(anna)).status_code == 403
    # It was opened an hour less six seconds ago.
    begun = timezone.now() - timedelta(minutes=60) + timedelta(seconds=6)
    services.open_with_reason(case.id, reason="helps", actor=anna, now=begun)
    with watching(url, anna) as page, watching(url, other) as own:
        page.next("case")
        page.next("signed-out", seconds=20)
        assert timezone.now() - begun >= timedelta(minutes=60)
        own.next("case")
    assert httpx.get(url, headers=signed_in(anna)).status_code == 403


def test_a_board_shows_the_cases_of_the_departments_of_its_person(live_app: str) -> None:
    carla, anna, nurse = make_user(), make_user(), make_user("charge nurse")
    make_department("PAED", carla)
    make_department("SURG", anna)
    url = f"{live_app}/live/board/"
    with watching(url, anna) as board, watching(url, nurse) as whole:
        board.next("board")
        whole.next("board")
        for actor, words in ((carla, "zebrafish bite"), (anna, "sore toe")):
            services.classify_without_model(
                make_case(words, actor=actor).id, why="test", now=timezone.now()
            )
        shown = ""
        while "sore toe" not in shown:
            shown += str(unpacked(board.next("changes").data))
        assert "zebrafish" not in shown
        seen = ""
        while not ("sore toe" in seen and "zebrafish" in seen):
            seen += str(unpacked(whole.next("changes").data))
        case = Case.objects.get(facts__text="zebrafish bite")
        services.open_with_reason(case.id, reason="helps", actor=anna, now=timezone.now())
        while "opened case" not in seen:
            seen += str(unpacked(whole.next("changes").data))


def test_another_department_ends_the_stream_of_the_board(live_app: str) -> None:
    carla = make_user()
    make_department("PAED", carla)
    surgery = make_department("SURG")
    with watching(f"{live_app}/live/board/", carla) as page:
        page.next("board")
        carla.departments.set([surgery])
        page.next("signed-out", seconds=20)


def test_streams_end_for_people_without_the_new_department_of_a_case(live_app: str) -> None:
    carla, anna, nurse = make_user(), make_user(), make_user("charge nurse")
    make_department("PAED", carla)
    make_department("SURG", anna)
    case = make_case("zebrafish bite", actor=anna)
    services.classify_without_model(case.id, why="test", now=timezone.now())
    url, board_url = f"{live_app}/live/cases/{case.id}/", f"{live_app}/live/board/"
    with (
        watching(url, anna) as page,
        watching(url, nurse) as other,
        watching(board_url, anna) as board,
        watching(board_url, carla) as new_board,
    ):
        for one in (page, other):
            one.next("case")
        new_board.next("board")
        shown = str(unpacked(board.next("board").data))
        while "zebrafish" not in shown:  # the first board may be of a moment before
            shown += str(unpacked(board.next("changes").data))
        services.transfer_case(
            case.id, department="PAED", reason="a child", actor=nurse, now=timezone.now()
        )
        page.next("signed-out", seconds=20)
        while "Department PAED" not in other.next("case").data:
            pass
        shown_names = {name := f"case-{case.number}"}
        while name in shown_names:
            change = unpacked(board.next("changes").data)
            if "order" in change:
                shown_names = {one for run in change["order"] for one in run}
        new = ""
        while "zebrafish" not in new:
            new += str(unpacked(new_board.next("changes").data))
    assert httpx.get(url, headers=signed_in(anna)).status_code == 403
    with watching(url, carla) as page:
        page.next("case")
