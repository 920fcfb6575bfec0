"""What the words of a case say where nothing was entered, for the pages. A reading of a note takes
milliseconds and boards have hundreds of rows, so the newest are kept."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Final

from triage_site.triage.facts import CaseFacts, Sex
from triage_site.triage.reading.measured import Measured, measure
from triage_site.triage.reading.note import read
from triage_site.triage.reading.person import spoken_sex, written_age

_KEPT: Final = 2048


@lru_cache(maxsize=_KEPT)
def person_told(facts: CaseFacts) -> CaseFacts:
    """The facts with the age and sex that the words state, where they were not entered. A rough
    age ("in his 70s") is none."""
    if facts.age_years is not None and facts.sex is not Sex.UNKNOWN:
        return facts
    note = read(facts.text)
    age, sex = facts.age_years, facts.sex
    return replace(
        facts,
        age_years=written_age(note) if age is None else age,
        sex=(spoken_sex(facts, note) or sex) if sex is Sex.UNKNOWN else sex,
    )


@lru_cache(maxsize=_KEPT)
def measured_told(facts: CaseFacts) -> Measured:
    """The facts as the classifier sees them: figures of the words fill fields that are empty, and
    values of the words that differ from entered ones are named."""
    return measure(facts, read(facts.text))
