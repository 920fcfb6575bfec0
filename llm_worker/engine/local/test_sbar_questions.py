"""What the note answers is not asked; what it leaves open still is."""

from __future__ import annotations

import pytest

from llm_worker.engine.local.sbar_lines import learned
from llm_worker.engine.local.sbar_questions import without_answered
from scheduling.core.brief import Brief, read_brief


def brief_of(words: str, *lines: str) -> Brief:
    told = "\n".join(["Priority: urgent", f'Caller\'s words: "{words}"', *lines])
    return read_brief(f"{told}\nDanger signs: none found")


@pytest.mark.parametrize(
    ("line", "words", "left"),
    [
        ("Ask about vomiting, memory loss and falls", "vomited, no LOC", "Ask about falls"),
        ("Ask about history, medicines and allergies", "NKDA", "Ask about history and medicines"),
        ("Ask what is worst, when it began and what has changed", "pain since 3 am",
         "Ask what is worst and what has changed"),
        ("Ask how long, how fast it grows, and about fever", "lump for 3 weeks",
         "Ask how fast it grows and about fever"),
        ("Clean, look for glass and ask about tetanus cover", "tetanus up to date",
         "Clean and look for glass"),
        ("Ask what, how much and when; call the poisons service",
         "took 20 paracetamol tablets an hour ago", "Call the poisons service"),
        ("Ask how much blood and keep a sample", "a teaspoon of blood", "Keep a sample"),
        ("Ask when it began, how it spread, and about bladder and bowel",
         "numb since 9, passes urine",
         "Ask how it spread and about bowel"),
        ("Feel for a rigid belly and ask where the pain began and moved", "RIF pain",
         "Feel for a rigid belly"),
        ("Ask the parent about birth, vaccinations and medicines", "imms done, born at term",
         "Ask the parent about medicines"),
        ("Mental health team; ask about drugs and missed medicines", "missed his clozapine",
         "Mental health team; ask about drugs"),
        ("Call the stroke team and fix the time the patient was last well", "last seen well 9 pm",
         "Call the stroke team"),
        ("Note the time of onset", "pain began at 4", ""),
        ("Ask about pain, fever, bleeding and the last period", "no pain, afebrile, LMP 2/52 ago",
         "Ask about bleeding"),
    ],
)  # fmt: skip
def test_a_question_that_the_note_answers_is_not_asked(line: str, words: str, left: str) -> None:
    assert without_answered(line, brief_of(words)) == left


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("Ask about fever, flank pain and pregnancy", "may be pregnant? does not know"),
        ("Ask about tetanus cover and the animal", "bitten on the hand, tetanus status unknown"),
        ("Ask about diabetes and fever", "mum has diabetes"),
        ("Ask about vomiting, memory loss and blood thinners", "hit his head"),
        ("Ask what is worst, when it began and what has changed", "8 month old, unwell"),
        ("Ask what is worst, when it began and what has changed", "heart attack 3 years ago"),
        ("Ask about hearing loss, new medicines and black stools", "on medicines for his heart"),
        ("Ask how much blood and keep a sample", "coughed up blood"),
        ("Ask in private whether it is safe to go home", "punched at home"),
    ],
)
def test_what_is_unknown_or_of_a_relative_or_not_told_is_asked(line: str, words: str) -> None:
    assert without_answered(line, brief_of(words)) == line


@pytest.mark.parametrize(
    ("line", "told", "left"),
    [
        ("Ask about diabetes and fever", "Temperature: 36.9 °C", "Ask about diabetes"),
        ("Ask about exertion and injury", "Injury: no", "Ask about exertion"),
        ("Ask about vomiting and blood thinners", "Blood thinners: apixaban", "Ask about vomiting"),
        ("Ask about food, tablets and allergies", "Allergies: latex", "Ask about food and tablets"),
    ],
)
def test_a_question_that_a_line_of_the_brief_answers_is_not_asked(
    line: str, told: str, left: str
) -> None:
    assert without_answered(line, brief_of("unwell", told)) == left


def test_without_an_answer_every_learned_line_stays_as_it_is() -> None:
    lines = [line for told in learned().values() for line in told["actions"]]
    assert lines == [without_answered(line, brief_of("unwell")) for line in lines]
