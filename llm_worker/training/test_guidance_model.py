"""The shipped model on cases outside its training, and rules of its training text."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch

from llm_worker.engine.local.sbar_lines import LINES_FILE, learned
from llm_worker.guard.whole import faults_of
from llm_worker.training.evaluate_guidance import (
    HANDWRITTEN,
    HARD_NOTES,
    Judged,
    cases_of_file,
    generated_cases,
    report,
)
from llm_worker.training.guidance_cases import TrainingCase, make_case
from llm_worker.training.guidance_complaint import complaints, learned_lines
from llm_worker.training.guidance_faults import LENGTH_TOKENS, Answer, EvaluationCase, faults
from llm_worker.training.guidance_text import write_guidance
from llm_worker.training.train_guidance import MODEL_FOLDER, load
from scheduling.core.guidance import Withheld
from triage_site.triage.brief import build_brief
from triage_site.triage.model.naming import labels

LINES_OF_ANOTHER = {"blocked catheter"}


def evaluation_case_of(
    case: TrainingCase, *, danger_signs: tuple[str, ...] | None = None
) -> EvaluationCase:
    signs = case.danger_signs if danger_signs is None else danger_signs
    label = case.complaint.label if case.complaint and case.group_in_brief else None
    brief = build_brief(case.facts, priority=case.priority, danger_signs=signs, complaint=label)
    return EvaluationCase(facts=case.facts, priority=case.priority, brief=brief)


@pytest.fixture(scope="module")
def judged() -> list[Judged]:
    """Unseen cases: handwritten ones in another style, hard notes, generated ones."""
    torch.set_num_threads(2)
    tokenizer, model = load(MODEL_FOLDER)
    cases = cases_of_file(HANDWRITTEN)[:18:3] + cases_of_file(HARD_NOTES)[::6]
    return report("some", cases + generated_cases(4), model, tokenizer).judged


def test_every_answer_is_without_fault(judged: list[Judged]) -> None:
    broken = [(each.withheld, each.faults, each.answer.text) for each in judged if not each.is_good]
    assert broken == []


def test_only_a_note_in_another_script_is_withheld(judged: list[Judged]) -> None:
    assert {each.withheld for each in judged} == {None, Withheld.NOT_READ}
    assert sum(each.withheld is None for each in judged) >= len(judged) - 2


def test_answers_differ_in_length(judged: list[Judged]) -> None:
    lengths = sorted(each.answer.num_tokens for each in judged if each.withheld is None)
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


def test_the_training_text_has_no_fault_and_the_guard_passes_it() -> None:
    rng = random.Random(5)
    for _ in range(150):
        case = make_case(rng)
        brief, guidance = write_guidance(case)
        if not guidance:  # words in another script
            assert faults_of(guidance, brief)[0] is Withheld.NOT_READ
            continue
        assert faults_of(guidance, brief) == [], guidance
        answer = Answer(text=guidance, num_tokens=LENGTH_TOKENS[0], finished=True)
        assert faults(evaluation_case_of(case), answer) == [], guidance


def test_faults_are_found() -> None:
    rng = random.Random(6)
    case, other = make_case(rng), make_case(rng)
    while not (case.complaint and case.facts.value("hr_bpm")):
        case = make_case(rng)
    guidance = write_guidance(case)[1]
    evaluation_case = evaluation_case_of(case, danger_signs=("a sign it lacks",))
    answer = Answer(text=guidance.replace("Assessment:", ""), num_tokens=9, finished=False)
    found = set(faults(evaluation_case, answer))
    assert {"not finished", "headings", "length", "danger signs"} <= found
    wrong = guidance.replace(f"rate {int(case.facts.value('hr_bpm') or 0)} /min", "rate 999 /min")
    wrong_rate = Answer(text=wrong, num_tokens=100, finished=True)
    assert {"wrong vital sign", "vitals missing"} <= set(faults(evaluation_case, wrong_rate))
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


def test_an_invalid_case_file_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text('{"facts": {"text": "x"}}\n{"facts": {"text": "x", "hr_bpm": "fast"}}\n')
    with pytest.raises(ValueError, match="line 2: hr_bpm"):
        cases_of_file(path)


def test_the_lines_beside_the_weights_are_those_of_the_tables() -> None:
    assert (MODEL_FOLDER / LINES_FILE).read_text(encoding="utf-8") == learned_lines()


def test_every_complaint_that_the_classifier_names_has_lines() -> None:
    assert labels() - {""} - set(learned()) == LINES_OF_ANOTHER


def test_lines_are_short_and_have_no_number() -> None:
    for complaint, lines in learned().items():
        assert 2 <= len(lines["actions"]) <= 3, complaint
        for line in (lines["causes"], *lines["actions"]):
            assert not any(character.isdigit() for character in line), line
            assert len(line) <= 90, line
            assert not line.endswith("."), line


def test_no_generated_case_waits_without_a_breath() -> None:
    drawn = generated_cases(400)
    assert len(drawn) == 400
    assert all(case.priority == 0 for case in drawn if case.facts.value("rr_bpm") == 0)
