"""A grave case without a danger sign says by which words it is grave."""

from __future__ import annotations

import pytest

from triage_site.triage import classify
from triage_site.triage.classify import SERIOUS_WORDS, look
from triage_site.triage.facts import CaseFacts
from triage_site.triage.signs.rules import most_urgent


def words_named(facts: CaseFacts) -> list[str]:
    return [sign for sign in classify(facts).danger_signs if sign.startswith(SERIOUS_WORDS)]


NO_SIGN = (
    "Gutter came off the ladder and went through his neck.",
    "Sleeve caught in the baler and the arm stayed in the machine.",
    "She drank what was in the brown bottle under the sink, lips peeling.",
)


def test_the_words_are_of_the_note_and_no_more_than_five() -> None:
    told = 0
    for text in NO_SIGN:
        facts = CaseFacts(text=text, age_years=40)
        if most_urgent(look(facts).fired) <= 1:
            continue  # a table knows it by now
        assert classify(facts).priority <= 1, text
        for named in words_named(facts):
            quoted = named.removeprefix(f"{SERIOUS_WORDS} '").removesuffix("'")
            assert quoted in text
            assert 0 < len(quoted.split()) <= 5
            told += 1
    assert told


@pytest.mark.parametrize("text", ["crushing chest pain", "CPR in progress"])
def test_no_words_are_told_beside_a_sign_that_says_it(text: str) -> None:
    facts = CaseFacts(text=text, age_years=60)
    assert classify(facts).danger_signs
    assert words_named(facts) == []


@pytest.mark.parametrize(
    "facts",
    [
        CaseFacts(text="sore throat", age_years=30),
        CaseFacts(text="crushing chest pain", age_years=60),
        CaseFacts(text="sore throat", age_years=60, sbp_mmhg=70, hr_bpm=140),
        CaseFacts(text="", age_years=60, hr_bpm=190),
    ],
)
def test_no_words_are_told_of_a_calm_note_or_where_a_sign_or_a_figure_decides(
    facts: CaseFacts,
) -> None:
    assert words_named(facts) == []


@pytest.mark.parametrize("text", ["sick. now", "collapsing feeling; since today", "unwell, again"])
def test_small_words_alone_are_no_serious_words(text: str) -> None:
    for named in words_named(CaseFacts(text=text, age_years=50)):
        assert not {"now", "today", "again"}.intersection(named.strip("'").split()[2:])


def test_what_is_denied_is_told_as_denied() -> None:
    facts = CaseFacts(text="☐ chest pain ☐ breathing trouble ☑ rash since: 2 days", age_years=35)
    told = {one.words[0]: one.text for one in classify(facts).reasons if one.code == "phrase"}
    assert told["chest pain"] == told["breathing trouble"] == "denied"
    facts = CaseFacts(text="no chest pain, breathlessness or collapse. Wart", age_years=35)
    told = {one.words[0]: one.text for one in classify(facts).reasons if one.code == "phrase"}
    assert told.pop("no chest pain", "the words") == "the words"
    assert told == {"breathlessness or collapse": "denied"}
