"""Constrained decoding: whatever the model prefers, the answer agrees with its brief."""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path
from typing import Any

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from llm_worker.engine.local.constrained import Vocabulary, Walker, form_of, restrict, walk
from llm_worker.engine.local.sbar_form import Fixed, quoted, sbar_form
from llm_worker.engine.local.sbar_lines import complaint_actions, learned
from scheduling.core.brief import read_brief

FOLDER = Path(__file__).parents[2] / "models" / "embedded"
BRIEF = """\
Priority: emergent
Age: 70 years
Sex: female
Caller's words: "{words}"
Medicines: warfarin
Complaint: fainting
Heart rate: 44 /min (low)
Danger signs: very slow heart"""
LATIN = st.text(
    alphabet=st.characters(codec="utf-8", exclude_characters='"', exclude_categories=("C", "Z"))
    | st.just(" "),
    max_size=60,
).map(lambda text: " ".join(text.split()))


@cache
def tokenizer() -> Any:
    return AutoTokenizer.from_pretrained(FOLDER)


@cache
def vocabulary() -> Vocabulary:
    return Vocabulary(tokenizer(), 4_096)


def written(brief: str, seed: int, num: int = 1_000) -> list[int]:
    """The tokens of a model that prefers tokens at random, without the end."""
    noise = torch.Generator().manual_seed(seed)
    walker = Walker(walk(sbar_form(brief), vocabulary()), 0)
    ids: list[int] = []
    while len(ids) < num:
        scores = torch.rand(4_096, generator=noise)
        restrict(scores, walker.follow(ids))
        token = int(scores.argmax())
        if token == vocabulary().eos:
            return ids
        ids.append(token)
    raise AssertionError("the form has no end")


@settings(deadline=None, max_examples=25)
@given(LATIN, st.integers(0, 9))
def test_every_model_writes_what_the_brief_says(words: str, seed: int) -> None:
    brief = BRIEF.format(words=words)
    text = str(tokenizer().decode(written(brief, seed)))
    at = 0
    for piece in sbar_form(brief):
        if isinstance(piece, Fixed):
            found = text.find(piece.text, at)
            assert found >= 0, piece
            at = found + len(piece.text)
    if sbar_form(brief) and words:
        assert f'"{quoted(words)}" suggest fainting' in text


def test_words_in_another_script_end_the_answer_at_once() -> None:
    assert written(BRIEF.format(words="боль в груди"), 1) == []


def actions_of(text: str) -> list[str]:
    return [line[2:] for line in text.splitlines() if line.startswith("- ")]


def known_lines() -> set[str]:
    return {f"{line}." for one in learned().values() for line in one["actions"]}


def lines_for(complaint: str, brief: str) -> set[str]:
    """Those that are learned, and those of them that are changed for the patient."""
    of_case = complaint_actions(read_brief(brief), [])
    return {f"{line}." for line in (*learned()[complaint]["actions"], *of_case)}


@settings(deadline=None, max_examples=25)
@given(st.sampled_from(sorted(learned())), st.integers(0, 99))
def test_whatever_the_model_prefers_each_action_is_a_learned_one_and_none_is_there_twice(
    complaint: str, seed: int
) -> None:
    brief = BRIEF.format(words="felt bad").replace("fainting", complaint)
    actions = actions_of(str(tokenizer().decode(written(brief, seed))))
    own = lines_for(complaint, brief)
    chosen = [line for line in actions if line in known_lines() | own]
    assert set(chosen) <= own
    assert len(chosen) == len(set(chosen)) >= 1
    fixed = "".join(piece.text for piece in sbar_form(brief) if isinstance(piece, Fixed))
    assert all(f"- {line}" in fixed for line in actions if line not in chosen)


def test_the_preferences_of_the_model_decide_between_the_lines() -> None:
    brief = BRIEF.format(words="felt faint")
    texts = {str(tokenizer().decode(written(brief, seed))) for seed in range(12)}
    assert len(texts) > 1


def test_a_walk_that_resumes_goes_on_where_it_was() -> None:
    brief, prompt = BRIEF.format(words="felt faint"), [7, 8, 9]
    ids, make = written(brief, 3), form_of(tokenizer(), 4_096)
    whole = make(brief, len(prompt))
    for cut in sorted(random.Random(1).sample(range(len(ids)), 12)):
        resumed = make(brief, len(prompt)).follow(prompt + ids[:cut])
        stepped = whole.follow(prompt + ids[:cut])
        assert torch.equal(torch.as_tensor(resumed), torch.as_tensor(stepped))


def test_after_a_token_of_another_form_everything_is_allowed() -> None:
    walker = form_of(tokenizer(), 4_096)(BRIEF.format(words="x"), 0)
    assert walker.follow([5, 6]) is None
    scores = torch.rand(8)
    before = scores.clone()
    restrict(scores, None)
    assert torch.equal(scores, before)
