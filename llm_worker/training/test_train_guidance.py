"""Rules of the training text and of its rows of token ids."""

from __future__ import annotations

import random
import re

import pytest
import torch

from llm_worker.engine.local.sbar_form import MAX_QUOTED_WORDS, MIN_QUOTED_WORDS, quoted
from llm_worker.training.guidance_cases import make_case, rule_labels
from llm_worker.training.guidance_complaint import vocabulary
from llm_worker.training.guidance_rows import (
    GROUP_WEIGHT,
    Exchange,
    Row,
    encode,
    text_pairs,
    to_batch,
)
from llm_worker.training.train_guidance import MODEL_FOLDER, load, lr_share
from triage_site.triage.brief import NONE_FOUND

Pairs = list[tuple[str, str]]


@pytest.fixture(scope="module")
def prompts() -> Pairs:
    """Prompts with their guidance. It takes seconds to make them."""
    return [pair for pair, _ in zip(text_pairs(8), range(120), strict=False)]


@pytest.fixture(scope="module")
def exchanged(prompts: Pairs) -> list[str]:
    """Prompts with guidance after the exchange of tokens."""
    tokenizer, _ = load(MODEL_FOLDER)
    rows, exchange, rng = encode(tokenizer, prompts), Exchange(tokenizer), random.Random(1)
    for row in rows:
        exchange.apply(rng, row)
    return [str(tokenizer.decode(row.ids)) for row in rows]


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("chest pain", "chest pain"),
        (" ".join("abcdefghijkl"), " ".join("abcdefghijkl")),
        (" ".join("abcdefghijklm"), " ".join("abcdefghijkl") + " ..."),
        ("Hello. a b c d e f g. h i j k l m", "Hello. a b c d e f g."),
        ("a b c. d e f g h i j k l m n", "a b c. d e f g h i j k l ..."),
    ],
)
def test_a_short_text_is_quoted_whole_and_a_long_one_cut(text: str, quote: str) -> None:
    assert quoted(text) == quote
    num_words = len(quote.removesuffix(" ...").split())
    assert min(len(text.split()), MIN_QUOTED_WORDS) <= num_words <= MAX_QUOTED_WORDS


def test_calls_have_no_open_placeholder() -> None:
    rng = random.Random(3)
    for _ in range(400):
        assert not set("{}") & set(make_case(rng).facts.text)


def test_the_vocabulary_is_large_and_has_the_labels_of_rules() -> None:
    assert len(vocabulary()) > 1_500
    assert "low oxygen saturation" in rule_labels()


def test_exchanged_words_are_the_same_in_brief_and_guidance(
    prompts: Pairs, exchanged: list[str]
) -> None:
    assert sum(new != old for new, old in zip(exchanged, map("".join, prompts), strict=True)) > 60
    for text, (prompt, guidance) in zip(exchanged, prompts, strict=True):
        said = re.search(r'The words (?:of the note: )?"(.*?)( \.\.\.)?"(?: suggest|\.)', guidance)
        if said and said[1] not in prompt:  # the prompt leaves out what the model cannot read
            continue
        words = re.search(r'Caller\'s words: "(.*)"\n', text)
        quote = re.search(r'The words (?:of the note: )?"(.*?)"(?: suggest|\.)', text)
        if words and quote:
            assert quote[1].removesuffix(" ...") in words[1]


def test_exchanged_danger_signs_are_the_same_and_none_found_stays(
    prompts: Pairs, exchanged: list[str]
) -> None:
    for (prompt, guidance), text in zip(prompts, exchanged, strict=True):
        if not guidance:  # of words that are not read
            continue
        in_brief, in_guidance = [*re.findall(r"Danger signs: ([^.\n]*)[.\n]", text), ""][:2]
        if f"Danger signs: {NONE_FOUND}" in prompt:
            assert in_brief == NONE_FOUND
        else:
            assert in_brief == in_guidance


def test_only_the_guidance_has_weight_and_the_group_has_more(prompts: Pairs) -> None:
    tokenizer, _ = load(MODEL_FOLDER)
    for (prompt, guidance), row in zip(prompts[:20], encode(tokenizer, prompts[:20]), strict=True):
        num_prompt = len(tokenizer.encode(prompt))
        assert set(row.weights[:num_prompt]) == {0.0}
        assert 0.0 not in row.weights[num_prompt:]
        heavy = [i for i, w in zip(row.ids, row.weights, strict=True) if w == GROUP_WEIGHT]
        assert str(tokenizer.decode(heavy)).strip() in guidance.partition("\n")[0]
        assert bool(heavy) == ('The words "' in guidance)


def test_padding_has_no_weight() -> None:
    ids, weights = to_batch([Row([5, 6, 7], [0.0, 1.0, 1.0], []), Row([8], [1.0], [])])
    assert ids.tolist() == [[5, 6, 7], [8, 0, 0]]
    assert torch.equal(weights, torch.tensor([[0.0, 1.0, 1.0], [1.0, 0.0, 0.0]]))


def test_the_learning_rate_warms_up_and_decays() -> None:
    assert lr_share(0.0) < lr_share(0.01) < lr_share(0.3) == 1.0 == lr_share(0.55)
    assert 1.0 > lr_share(0.8) > lr_share(0.99) > 0
