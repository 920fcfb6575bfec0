"""Every rule against its own cases, and the guards against ways of not meaning it."""

from __future__ import annotations

import pytest

from triage_site.triage.facts import CaseFacts
from triage_site.triage.reading.note import Mention, read
from triage_site.triage.signs.rule_types import TextRule, VitalRule
from triage_site.triage.signs.rules import TEXT_RULES, VITAL_RULES, matches, text_rule_fires


@pytest.mark.parametrize("rule", TEXT_RULES, ids=lambda rule: rule.code)
def test_text_rule_fires_on_its_positive_cases(rule: TextRule) -> None:
    assert rule.fires
    assert [text for text in rule.fires if not _fires(rule, text)] == []


@pytest.mark.parametrize("rule", TEXT_RULES, ids=lambda rule: rule.code)
def test_text_rule_is_silent_on_its_negative_cases(rule: TextRule) -> None:
    assert rule.silent
    assert [text for text in rule.silent if _fires(rule, text)] == []


@pytest.mark.parametrize("rule", VITAL_RULES, ids=lambda rule: rule.code)
def test_vital_rule_holds_on_its_positive_cases_only(rule: VitalRule) -> None:
    assert rule.fires
    assert rule.silent
    assert [case for case in rule.fires if not rule.holds(_facts(case))] == []
    assert [case for case in rule.silent if rule.holds(_facts(case))] == []


def test_codes_are_unique_and_labels_hold_no_digits() -> None:
    rules: list[TextRule | VitalRule] = [*TEXT_RULES, *VITAL_RULES]
    assert len({rule.code for rule in rules}) == len(rules)
    assert [rule.label for rule in rules if any(char.isdigit() for char in rule.label)] == []


def _fires(rule: TextRule, text: str) -> tuple[Mention, ...]:
    note = read(text)
    return text_rule_fires(rule, note, matches(note))


def _facts(case: dict[str, object]) -> CaseFacts:
    return CaseFacts.from_dict({"text": "", **case})
