"""Laws of the two lives of a case."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from triage_site.cases.clinical import (
    DISPOSITION_WORDS,
    GUIDANCE_WORDS,
    MOVES,
    STATUS_WORDS,
    ClinicalStatus,
    Disposition,
    GuidanceStatus,
    Move,
    guidance_status,
    reassess_at,
    target_of,
)
from triage_site.cases.models import CaseStatus


def test_every_status_can_be_reached_and_left() -> None:
    reached = {target for targets in MOVES.values() for target in targets.values()}
    left = {source for targets in MOVES.values() for source in targets}
    assert reached == left == set(ClinicalStatus)


def test_a_case_that_was_reopened_waits() -> None:
    assert set(MOVES[Move.REOPEN].values()) == {ClinicalStatus.WAITING}


@pytest.mark.parametrize(
    ("move", "status"),
    [
        (Move.SEE, ClinicalStatus.BEING_SEEN),
        (Move.SEE, ClinicalStatus.CLOSED),
        (Move.CLOSE, ClinicalStatus.CLOSED),
        (Move.REOPEN, ClinicalStatus.WAITING),
    ],
)
def test_what_has_happened_does_not_happen_again(move: Move, status: ClinicalStatus) -> None:
    assert target_of(move, status) is None


def test_every_value_has_words() -> None:
    assert set(STATUS_WORDS) == set(ClinicalStatus)
    assert set(DISPOSITION_WORDS) == set(Disposition)
    assert set(GUIDANCE_WORDS) == set(GuidanceStatus)


@pytest.mark.parametrize(
    ("status", "withheld", "is_stale", "is_online", "expected"),
    [
        ("received", False, False, True, "queued"),
        ("queued", False, False, True, "queued"),
        ("queued", False, False, False, "offline"),
        ("queued", False, True, True, "stale"),
        ("queued", False, True, False, "stale"),
        ("running", False, True, True, "writing"),
        ("done", False, False, False, "ready"),
        ("done", True, False, True, "withheld"),
        ("failed", False, False, True, "failed"),
        ("cancelled", False, False, True, "cancelled"),
    ],
)
def test_the_state_of_the_guidance(
    status: str, withheld: bool, is_stale: bool, is_online: bool, expected: str
) -> None:
    said = guidance_status(status, withheld=withheld, is_stale=is_stale, is_online=is_online)
    assert said == expected


def test_every_status_of_the_writing_has_a_state() -> None:
    for status, flags in product(CaseStatus.values, product((False, True), repeat=3)):
        withheld, is_stale, is_online = flags
        guidance_status(status, withheld=withheld, is_stale=is_stale, is_online=is_online)


def test_looking_again_is_due_sooner_the_more_urgent_the_level() -> None:
    now, minutes = datetime(2026, 3, 1, tzinfo=UTC), (5.0, 15.0, 30.0, 60.0, 120.0)
    assert reassess_at(now, None, minutes) is None
    assert [reassess_at(now, p, minutes) for p in range(5)] == [
        now + timedelta(minutes=m) for m in minutes
    ]
