"""Training cases as rows of token ids, with loss weights and exchanged tokens."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from llm_worker.engine.prompt import completion_prompt
from llm_worker.training.guidance_cases import make_case
from llm_worker.training.guidance_text import write_guidance
from triage_site.triage.brief import NONE_FOUND

EOS: Final = "<|end|>"
EXCHANGED_ROWS: Final = 0.6
EXCHANGED_TOKENS: Final = 0.3
# The caller's words and the danger signs, in the brief and in the guidance.
_WORDS: Final = re.compile(r"""(?:Caller's words: "|The words (?:of the note: )?")([^"]*)\"""")
_SIGNS: Final = re.compile(r"Danger signs: ([^.\n]*)[.\n]")
GROUP_WEIGHT: Final = 3.0  # loss weight of the complaint group: few but important tokens


@dataclass(frozen=True, slots=True)
class Row:
    """Token ids of a prompt with its guidance, and their loss weights (0 in the prompt).

    `copied` are the positions of tokens that the guidance copies from the brief.
    """

    ids: list[int]
    weights: list[float]
    copied: list[int]


def text_pairs(seed: int) -> Iterator[tuple[str, str]]:
    """An endless series of prompts with their guidance."""
    rng = random.Random(seed)
    while True:
        brief, guidance = write_guidance(make_case(rng))
        yield completion_prompt(brief, is_plain=True), guidance


def encode(tokenizer: PreTrainedTokenizerFast, pairs: list[tuple[str, str]]) -> list[Row]:
    """Token ids and loss weights of prompts with guidance. The complaint group weighs more."""
    encoded = tokenizer([p + g for p, g in pairs], return_offsets_mapping=True)
    return [
        Row(
            list(ids),
            _weights(len(prompt), _group_span(prompt, guidance), offsets),
            copied_tokens(prompt + guidance, offsets),
        )
        for (prompt, guidance), ids, offsets in zip(
            pairs, encoded["input_ids"], encoded["offset_mapping"], strict=True
        )
    ]


def copied_tokens(text: str, offsets: list[tuple[int, int]]) -> list[int]:
    """Positions of tokens that the guidance copies unchanged: words, signs, mentions."""
    kinds = (_WORDS,) if f"Danger signs: {NONE_FOUND}" in text else (_WORDS, _SIGNS)
    spans = [found.span(found.lastindex or 0) for kind in kinds for found in kind.finditer(text)]
    return [
        at
        for at, (start, end) in enumerate(offsets)
        if any(low <= start and end <= high for low, high in spans)
    ]


def _group_span(prompt: str, guidance: str) -> range:
    """Character positions of the complaint group in prompt and guidance together."""
    situation = guidance.partition("\n")[0]
    _, quote, group = situation.rpartition('" ')
    start = len(prompt) + len(situation) - len(group) if quote else 0
    return range(start, start + len(group) if quote else 0)


def _weights(num_prompt: int, group: range, offsets: list[tuple[int, int]]) -> list[float]:
    """Loss weights. `offsets` are the characters `[start, end)` of each token."""
    return [
        0.0 if start < num_prompt else GROUP_WEIGHT if end - 1 in group else 1.0
        for start, end in offsets
    ]


def _sometimes_shortened(rng: random.Random, prompt: str, guidance: str) -> tuple[str, str]:
    """Cuts most texts after an early section.

    The first line has the caller's words and the complaint group and is the hardest to learn.
    The recommendation is the easiest.
    """
    end = rng.choices(("\nBackground:", "\nRecommendation:", ""), (30, 30, 40))[0]
    if end:
        return prompt, guidance.partition(end)[0]
    return prompt, guidance + EOS


class Exchange:
    """Replaces copied tokens by random ones, in the same way in brief and guidance.

    The model then learns to copy independently of meaning, so that it also copies words that
    are not in the training text. Digits and punctuation do not change.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        tokens = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
        self._starts = [i for i, token in enumerate(tokens) if re.fullmatch(r"Ġ[a-zA-Z]+", token)]
        self._parts = [i for i, token in enumerate(tokens) if re.fullmatch(r"[a-zA-Z]+", token)]
        self._kind = dict.fromkeys(self._starts, self._starts)
        self._kind |= dict.fromkeys(self._parts, self._parts)

    def apply(self, rng: random.Random, row: Row) -> None:
        """Changes `row.ids`."""
        known = sorted({row.ids[at] for at in row.copied} & set(self._kind))
        chosen = [token for token in known if rng.random() < EXCHANGED_TOKENS]
        other = {token: rng.choice(self._kind[token]) for token in chosen}
        for at in row.copied:
            row.ids[at] = other.get(row.ids[at], row.ids[at])


def to_batch(rows: list[Row]) -> tuple[Tensor, Tensor]:
    """Ids and weights, both [rows, longest row], padded on the right with weight 0."""
    longest = max(len(row.ids) for row in rows)
    ids = torch.zeros(len(rows), longest, dtype=torch.long)
    weights = torch.zeros(len(rows), longest)
    for index, row in enumerate(rows):
        ids[index, : len(row.ids)] = torch.tensor(row.ids)
        weights[index, : len(row.ids)] = torch.tensor(row.weights)
    return ids, weights


def batches(
    tokenizer: PreTrainedTokenizerFast, *, batch_cases: int, seed: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """An endless series of batches of cases of similar length, in random order."""
    pairs, exchange = text_pairs(seed), Exchange(tokenizer)
    rng = random.Random(seed + 1)
    while True:
        texts = [next(pairs) for _ in range(batch_cases * 16)]
        rows = encode(tokenizer, [_sometimes_shortened(rng, *pair) for pair in texts])
        for row in rows:
            if rng.random() < EXCHANGED_ROWS:
                exchange.apply(rng, row)
        rows.sort(key=lambda row: len(row.ids))
        groups = [rows[at : at + batch_cases] for at in range(0, len(rows), batch_cases)]
        rng.shuffle(groups)
        for group in groups:
            yield to_batch(group)
