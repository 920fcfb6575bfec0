"""The complaint groups: what a note names, and how."""

from __future__ import annotations

import pytest

from triage_site.triage.model.complaints import GROUPS, find_groups, is_denied
from triage_site.triage.reading.note import read


def codes(text: str) -> set[str]:
    return {group.code for group, mention in find_groups(read(text)) if mention.is_present}


def test_every_code_is_used_once_and_every_level_is_one() -> None:
    assert len({group.code for group in GROUPS}) == len(GROUPS)
    assert all(1.0 <= group.level <= 5.0 for group in GROUPS)


@pytest.mark.parametrize(
    ("text", "code"),
    [("CPR in progress", "arrest"), ("fitting at school", "seizure"), ("severe pain", "severe")],
)
def test_a_group_is_found_by_its_words(text: str, code: str) -> None:
    assert code in codes(text)


def test_a_denied_group_is_marked_as_denied() -> None:
    found = {group.code: mention for group, mention in find_groups(read("no seizures"))}
    assert is_denied(found["seizure"])
    assert "seizure" not in codes("no seizures")


def test_how_strong_or_how_long_names_no_complaint() -> None:
    by_code = {group.code: group for group in GROUPS}
    assert not by_code["severe"].names_complaint
    assert by_code["seizure"].names_complaint
    assert by_code["seizure"].bound
