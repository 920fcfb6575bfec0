"""A case that was not understood: a person is asked, in words, and it goes first in its level."""

from __future__ import annotations

from dataclasses import replace

import pytest
import redis

from scheduling import selectors as scheduling
from scheduling.models import Job
from tests.factories import at, make_case, make_user
from triage_site.cases import services
from triage_site.cases.board import build_board, render_board
from triage_site.cases.models import Case
from triage_site.triage import screen

pytestmark = pytest.mark.django_db(transaction=True)
REASON = "the text was not understood"


@pytest.fixture(autouse=True)
def _redis(redis_client: redis.Redis) -> None:
    """Every test has a real and empty Redis."""


def waiting(text: str, seconds: float, reasons: tuple[str, ...] = (), priority: int = 2) -> Case:
    case = make_case(text, seconds=seconds)
    services.begin_classification(case.id, now=at(seconds))
    said = replace(
        screen(case.case_facts),
        priority=priority,
        needs_person=bool(reasons),
        person_reasons=reasons,
    )
    services.record_classification(case.id, said, now=at(seconds))
    case.refresh_from_db()
    return case


def in_queue() -> list[str]:
    jobs = {str(job.id): str(job.case_id) for job in Job.objects.all()}
    places = scheduling.places(at(60), list(Job.objects.all()))
    return [jobs[job] for job in sorted(places, key=lambda job: places[job].position)]


def on_board() -> list[str]:
    return [str(row.case_id) for row in build_board(at(60)).open_rows]


def test_it_goes_first_within_its_level_in_queue_and_board() -> None:
    early = waiting("cough for a week", 0)
    urgent = waiting("chest pain", 1, priority=1)
    foreign = waiting("dolor fuerte en el pecho", 30, ("not_understood",))
    unsure = waiting("feels odd", 31, ("unsure",))
    expected = [str(case.id) for case in (urgent, foreign)]
    assert in_queue()[:2] == expected
    assert on_board()[:2] == expected
    assert set(on_board()[2:]) == {str(early.id), str(unsure.id)}


def test_it_goes_before_the_overdue_of_its_level() -> None:
    waiting("cough for a week", -5000)
    foreign = waiting("dolor fuerte en el pecho", 30, ("not_understood",))
    assert on_board()[0] == str(foreign.id)


def test_the_reason_stands_on_the_board_in_words() -> None:
    waiting("dolor fuerte en el pecho", 0, ("not_understood", "unsure"))
    (row,) = build_board(at(60)).open_rows
    assert row.is_not_understood
    assert row.why_person == (REASON, "several levels are about as likely")
    html = render_board(at(60))
    assert html.index("needs a person") < html.index(REASON)


def test_a_person_who_sets_the_level_ends_it() -> None:
    first = waiting("cough for a week", 0)
    foreign = waiting("dolor fuerte en el pecho", 30, ("not_understood",))
    services.override_priority(
        foreign.id, priority=2, reason="clinical_judgement", note="", actor=make_user(), now=at(40)
    )
    foreign.refresh_from_db()
    assert not foreign.is_not_understood
    assert foreign.why_person == ()
    assert on_board()[0] == str(first.id)
    assert not Job.objects.get(case_id=foreign.id).first_in_level


def test_a_note_that_is_understood_keeps_the_question_until_a_person_decides() -> None:
    foreign = waiting("dolor fuerte en el pecho", 0, ("not_understood",))
    services.add_note(foreign.id, text="has a cough", actor=make_user(), now=at(40))
    foreign.refresh_from_db()
    assert foreign.needs_person
    assert foreign.person_reasons
