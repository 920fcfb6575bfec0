"""Figures of overrides, checked with examples counted by hand."""

from __future__ import annotations

import uuid
from collections import Counter

import pytest

from tests.factories import at
from triage_site.ops.monitoring.agreement import (
    agreement,
    all_pairs,
    judged_pairs,
    override_lines,
    reason_lines,
)
from triage_site.ops.monitoring.records import CaseLine, Override, Records


def case(number: int, given: int, *, needs_person: bool = False) -> CaseLine:
    return CaseLine(
        number=number,
        id=uuid.UUID(int=number),
        arrived_at=at(number),
        given=given,
        needs_person=needs_person,
        failed=False,
        facts={"text": "x"},
    )


def override(number: int, to: int, reason: str = "clinical_judgement") -> Override:
    return Override(number=number, to=to, reason=reason)


RECORDS = Records(
    cases=[case(1, 2), case(2, 2, needs_person=True), case(3, 2), case(4, 4), case(5, 1)],
    overrides=[
        override(1, 3),
        override(2, 1, "new_information"),
        override(1, 1),
        override(3, 0, "worse"),
        override(5, 1),
    ],
    failures=Counter(),
    cut=False,
)


def test_rates_count_each_case_once_by_its_last_change() -> None:
    lines = override_lines(RECORDS)
    two, everything = lines[2], lines[-1]
    assert (two.num_cases, two.num_up, two.num_down, two.num_changed) == (3, 3, 0, 3)
    assert two.changed_percent == 100
    assert two.needing_person_percent == pytest.approx(100 / 3)
    assert (everything.num_cases, everything.num_changed) == (5, 3)
    assert lines[0].changed_percent is None


def test_reasons_count_every_change_from_the_level_before_it() -> None:
    lines = {
        line.label: (line.num_up, line.num_down, line.num_same) for line in reason_lines(RECORDS)
    }
    assert lines == {
        "Clinical judgement": (1, 1, 1),
        "New information": (1, 0, 0),
        "Patient got worse": (1, 0, 0),
    }


def test_changes_of_the_patient_do_not_count_as_disagreement() -> None:
    assert RECORDS.num_patient_changed() == 1
    assert sorted(judged_pairs(RECORDS)) == [(1, 1), (2, 1), (2, 1)]
    assert sorted(all_pairs(RECORDS)) == [(1, 1), (2, 1), (2, 1), (2, 2), (4, 4)]


def test_agreement_of_two_raters() -> None:
    found = agreement([(0, 0), (0, 1), (1, 1), (2, 4)])
    assert found is not None
    assert (found.num, found.exact_percent, found.within_one_percent) == (4, 50, 75)
    assert [cell.num for cell in found.rows[0][1]] == [1, 1, 0, 0, 0]
    assert [cell.shade for cell in found.rows[0][1]] == [4, 4, 0, 0, 0]
    perfect = agreement([(0, 0), (4, 4)])
    assert perfect is not None
    assert perfect.kappa == 1
    assert agreement([]) is None
