"""The shipped model on cases outside its training, and rules of its training text."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch

from llm_worker.guard.numbers import unsupported_numbers
from llm_worker.training.evaluate_guidance import (
    HANDWRITTEN,
    LENGTH_TOKENS,
    Answer,
    EvaluationCase,
    cases_of_file,
    faults,
    generated_cases,
    pattern_of,
    write_answers,
)
from llm_worker.training.guidance_cases import TrainingCase, make_case
from llm_worker.training.guidance_complaint import complaints
from llm_worker.training.guidance_text import CLOSING, write_guidance
from llm_worker.training.train_guidance import MODEL_FOLDER, load
from triage_site.triage.brief import build_brief

SEVERE = {
    "headings",
    "not finished",
    "closing",
    "wrong vital sign",
    "withheld (number)",
    "repeat loop",
    "length",
}


def evaluation_case_of(
    case: TrainingCase, *, patterns: tuple[str, ...], danger_signs: tuple[str, ...] | None = None
) -> EvaluationCase:
    signs = case.danger_signs if danger_signs is None else danger_signs
    brief = build_brief(case.facts, priority=case.priority, danger_signs=signs)
    return EvaluationCase(facts=case.facts, priority=case.priority, brief=brief, patterns=patterns)


@pytest.fixture(scope="module")
def answered() -> list[tuple[EvaluationCase, Answer, list[str]]]:
    """Twelve unseen cases: six handwritten ones in another style, six generated."""
    torch.set_num_threads(2)
    tokenizer, model = load(MODEL_FOLDER)
    cases = cases_of_file(HANDWRITTEN)[:18:3] + generated_cases(6)
    answers = write_answers(model, tokenizer, [case.brief for case in cases])
    return [(case, got, faults(case, got)) for case, got in zip(cases, answers, strict=True)]


def test_no_answer_has_a_severe_fault(
    answered: list[tuple[EvaluationCase, Answer, list[str]]],
) -> None:
    broken = [(got.text, set(found) & SEVERE) for _, got, found in answered]
    assert [entry for entry in broken if entry[1]] == []


def test_complaint_vitals_and_danger_signs_are_those_of_the_case(
    answered: list[tuple[EvaluationCase, Answer, list[str]]],
) -> None:
    minor = [set(found) - SEVERE - {"pattern"} for _, _, found in answered]
    assert sum(map(bool, minor)) <= 1, minor


def test_the_group_of_the_complaint_is_mostly_right(
    answered: list[tuple[EvaluationCase, Answer, list[str]]],
) -> None:
    assert sum("pattern" in found for _, _, found in answered) <= 4


def test_answers_differ_in_length(answered: list[tuple[EvaluationCase, Answer, list[str]]]) -> None:
    lengths = sorted(got.num_tokens for _, got, _ in answered)
    assert lengths[-1] >= lengths[0] + 50


def test_the_shipped_model_is_small_and_greedy() -> None:
    assert sum(path.stat().st_size for path in MODEL_FOLDER.iterdir()) <= 30_000_000
    tokenizer, model = load(MODEL_FOLDER)
    assert model.generation_config.do_sample is False
    assert model.generation_config.eos_token_id == tokenizer.eos_token_id
    assert 3_000_000 <= model.num_parameters() <= 12_000_000
    config = model.config
    assert config.num_attention_heads % (config.num_key_value_heads or 1) == 0
    assert len(tokenizer.encode("1408")) == 4


def test_the_training_text_has_no_fault() -> None:
    rng = random.Random(5)
    for _ in range(150):
        case = make_case(rng)
        brief, guidance = write_guidance(case)
        assert unsupported_numbers(guidance, brief) == []
        label = case.complaint.label if case.complaint else ""
        evaluation_case = evaluation_case_of(case, patterns=(label,))
        answer = Answer(text=guidance, num_tokens=LENGTH_TOKENS[0], finished=True)
        assert faults(evaluation_case, answer) == [], guidance


def test_faults_are_found() -> None:
    rng = random.Random(6)
    case, other = make_case(rng), make_case(rng)
    while not (case.complaint and case.facts.value("hr_bpm")):
        case = make_case(rng)
    guidance = write_guidance(case)[1]
    evaluation_case = evaluation_case_of(
        case, patterns=("burn",), danger_signs=("a sign it lacks",)
    )
    answer = Answer(text=guidance.replace("Assessment:", ""), num_tokens=9, finished=False)
    found = set(faults(evaluation_case, answer))
    assert {"not finished", "headings", "length", "danger signs", "pattern"} <= found
    wrong = guidance.replace(f"rate {int(case.facts.value('hr_bpm') or 0)} /min", "rate 999 /min")
    wrong_rate = Answer(text=wrong, num_tokens=100, finished=True)
    assert {"wrong vital sign", "vitals missing", "withheld (number)"} <= set(
        faults(evaluation_case, wrong_rate)
    )
    looped = Answer(text=guidance + " and so on again now" * 9, num_tokens=100, finished=True)
    assert {"repeat loop", "closing"} <= set(faults(evaluation_case, looped))
    swapped = Answer(text=write_guidance(other)[1], num_tokens=100, finished=True)
    assert {"complaint", "patient or priority"} <= set(faults(evaluation_case, swapped))


def test_every_group_has_utterances_and_actions() -> None:
    labels = [complaint.label for complaint in complaints()]
    assert len(labels) == len(set(labels)) >= 40
    for complaint in complaints():
        assert len(complaint.actions) == 3
        assert complaint.utterances
        advice = " ".join((complaint.think, *complaint.actions))
        assert not any(character.isdigit() for character in advice)


def test_the_pattern_comes_from_the_first_line_only() -> None:
    text = f'Man, urgent. The words "x suggest y" suggest fall.\nMore suggest burn.\n{CLOSING}'
    assert pattern_of(text) == "fall"


def test_an_invalid_case_file_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text('{"facts": {"text": "x"}}\n{"facts": {"text": "x", "hr_bpm": "fast"}}\n')
    with pytest.raises(ValueError, match="line 2: hr_bpm"):
        cases_of_file(path)
