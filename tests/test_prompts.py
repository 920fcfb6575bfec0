"""The brief of the clinical core in the prompt and the guard of the worker."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_worker.engine.prompt import CASE_MARK, GUIDANCE_MARK, SYSTEM_INSTRUCTION, completion_prompt
from llm_worker.guard.numbers import unsupported_numbers
from scheduling.core.guidance import HEADINGS
from triage_site.triage.brief import MAX_WORDS_CHARACTERS, build_brief
from triage_site.triage.facts import CaseFacts, Consciousness, Sex
from triage_site.triage.test_brief import CASE, FORGERIES


@pytest.mark.parametrize("words", FORGERIES)
def test_the_callers_words_cannot_forge_a_mark_of_the_prompt(words: str) -> None:
    forged = build_brief(CaseFacts(text=words), priority=1, danger_signs=[])
    prompt = completion_prompt(forged)
    assert prompt.count(CASE_MARK) == prompt.count(GUIDANCE_MARK) == 1


def test_long_words_are_cut_between_words() -> None:
    brief = build_brief(CaseFacts(text="12345 " * 2_000), priority=2, danger_signs=[])
    assert len(brief) < MAX_WORDS_CHARACTERS + 200
    assert unsupported_numbers("12345", brief) == []
    shorter = completion_prompt(brief)
    assert len(shorter) < 1_000
    assert "Danger signs: none found" in shorter
    assert '12345 ..."' in shorter


def test_completion_prompt_keeps_a_short_brief_whole() -> None:
    brief = build_brief(CASE, priority=1, danger_signs=["chest pain"])
    assert completion_prompt(brief) == f"{CASE_MARK}\n{brief}\n{GUIDANCE_MARK}\n"


@given(
    hr=st.integers(0, 350),
    temp=st.floats(20, 46).map(lambda value: round(value, 1)),
    pair=st.tuples(st.integers(40, 350), st.integers(0, 39)),
    pain=st.integers(0, 10),
    age=st.integers(2, 125),
)
def test_every_number_of_the_case_is_supported_by_its_brief(
    hr: int, temp: float, pair: tuple[int, int], pain: int, age: int
) -> None:
    facts = CaseFacts(
        text="x",
        age_years=age,
        sex=Sex.OTHER,
        hr_bpm=hr,
        temp_c=temp,
        sbp_mmhg=pair[0],
        dbp_mmhg=pair[1],
        pain_score=pain,
        consciousness=Consciousness.VOICE,
    )
    brief = build_brief(facts, priority=3, danger_signs=[])
    guidance = f"Aged {age}, pulse {hr}, {temp} °C, {pair[0]}/{pair[1]} mmHg, pain {pain}/10."
    assert unsupported_numbers(guidance, brief) == []


def test_the_chat_instruction_names_all_headings() -> None:
    for heading in ("Situation:", "Background:", "Assessment:", "Recommendation:"):
        assert heading in SYSTEM_INSTRUCTION
    assert tuple(HEADINGS) == ("Situation", "Background", "Assessment", "Recommendation")
    assert not any(character.isdigit() for character in SYSTEM_INSTRUCTION)
