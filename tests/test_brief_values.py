"""What the site writes into a brief is what the guard and the embedded model read in it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from llm_worker.engine.prompt import SYSTEM_INSTRUCTION, plain_words
from llm_worker.guard.whole import fault_of
from scheduling.core.brief import read_brief
from scheduling.core.guidance import Withheld
from triage_site.triage.brief import build_brief, neutral_words
from triage_site.triage.facts import CaseFacts
from triage_site.triage.vitals import VITAL_RANGES, vital_band

NUMBERS = st.none() | st.integers(30, 90)


@given(st.text(max_size=80), st.integers(0, 4), NUMBERS, NUMBERS, st.integers(0, 90))
def test_a_brief_is_read_as_it_was_written(
    words: str, priority: int, rate: int | None, breaths: int | None, age: int
) -> None:
    taken = {"hr_bpm": rate, "rr_bpm": breaths}
    known = {name: value for name, value in taken.items() if value is not None}
    facts = CaseFacts.from_dict({"text": words, "age_years": age, **known})
    brief = read_brief(build_brief(facts, priority=priority, danger_signs=["a; b", "c: d"]))
    assert (brief.priority, brief.words) == (priority, neutral_words(words))
    bands = {VITAL_RANGES[n].label: vital_band(n, v, age_years=age) for n, v in known.items()}
    assert {reading.label: reading.band for reading in brief.readings} == bands
    assert brief.danger_signs == ("a", "b", "c: d")


def test_every_rule_of_the_instruction_is_known_to_the_guard() -> None:
    rules = [line for line in SYSTEM_INSTRUCTION.splitlines() if line.startswith("- ")]
    leaked = [rule for rule in rules if fault_of(rule, "Priority: urgent") is Withheld.INSTRUCTION]
    assert len(leaked) >= len(rules) - 3  # two are of common words, one goes on in its next line


@given(st.text(max_size=80))
def test_the_embedded_model_reads_ascii(words: str) -> None:
    assert plain_words(words).isascii()
    assert plain_words(plain_words(words)) == plain_words(words)


def test_signs_and_accents_become_letters() -> None:
    assert plain_words("naïve café: SpO2 97% @ home & pain = 3 😢") == (
        "naive cafe: SpO2 97 percent at home and pain is 3"
    )
    assert plain_words("97\uff05 \uff06 rising") == "97 percent and rising"
