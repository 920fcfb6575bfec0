"""Constrained decoding: before each token, the tokens that the form of the answer allows.

A walk goes through the pieces of a form. It yields what may come next and receives the token
that came. Where one token is allowed the model has no choice; where the form has several lines to
choose from, only tokens are allowed that go on with one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any

import torch

from llm_worker.engine.local.sbar_form import Fixed, Piece, sbar_form

Allowed = int | torch.Tensor  # one token, or a mask over the vocabulary
Walk = Generator[Allowed, int, None]


class Vocabulary:
    """The tokens of a tokenizer."""

    def __init__(self, tokenizer: Any, num_tokens: int) -> None:
        self._tokenizer = tokenizer
        self._num_tokens = num_tokens
        self.eos = int(tokenizer.eos_token_id)

    def mask(self, ids: Iterable[int]) -> torch.Tensor:
        """Over the vocabulary: true for `ids`."""
        mask = torch.zeros(self._num_tokens, dtype=torch.bool)
        mask[list(ids)] = True
        return mask

    def encode(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False)
        return ids


def walk(pieces: Iterable[Piece], vocabulary: Vocabulary) -> Walk:
    """Through all pieces, then the end."""
    chosen: set[str] = set()
    for piece in pieces:
        if isinstance(piece, Fixed):
            yield from _fixed(vocabulary.encode(piece.text))
        else:
            rest = [line for line in piece.choices if line not in chosen]
            chosen.add((yield from _one_of(rest, vocabulary)))
    while True:
        yield vocabulary.eos


def _fixed(ids: Sequence[int]) -> Walk:
    for token in ids:
        _ = yield token


def _one_of(lines: Sequence[str], vocabulary: Vocabulary) -> Generator[Allowed, int, str]:
    """One of `lines`, which are not empty and differ; returns it."""
    left = {line: vocabulary.encode(f" {line}.") for line in lines}
    at = 0
    while True:
        ends = next((line for line, ids in left.items() if len(ids) == at), None)
        if ends is not None:
            return ends
        nexts = {ids[at] for ids in left.values()}
        token = yield nexts.pop() if len(nexts) == 1 else vocabulary.mask(nexts)
        left = {line: ids for line, ids in left.items() if ids[at] == token}
        at += 1


class Walker:
    """A walk with its place. After a token that it does not allow it allows everything."""

    def __init__(self, steps: Walk, num_prompt_tokens: int) -> None:
        self._steps, self._num_prompt = steps, num_prompt_tokens
        self._count = 0
        self.allowed: Allowed | None = next(steps)

    def follow(self, tokens: Sequence[int]) -> Allowed | None:
        """What may come after `tokens`, the prompt and the answer so far."""
        for token in tokens[self._num_prompt + self._count :]:
            self._count += 1
            if self.allowed is None:
                continue
            if not _allows(self.allowed, token):
                self.allowed = None
                continue
            self.allowed = self._steps.send(token)
        return self.allowed


def _allows(allowed: Allowed, token: int) -> bool:
    if isinstance(allowed, torch.Tensor):
        return bool(allowed[token])
    return token == allowed


def form_of(tokenizer: Any, num_tokens: int) -> Callable[[str, int], Walker]:
    """Makes the walker for a brief and the length of its prompt in tokens."""
    vocabulary = Vocabulary(tokenizer, num_tokens)

    def count(text: str) -> int:
        return len(vocabulary.encode(text))

    return lambda brief, num_prompt: Walker(walk(sbar_form(brief, count), vocabulary), num_prompt)


def restrict(scores: torch.Tensor, allowed: Allowed | None) -> None:
    """Masks a row of scores in place. `scores` has the shape [vocabulary]."""
    if allowed is None:
        return
    if isinstance(allowed, torch.Tensor):
        scores.masked_fill_(~allowed.to(scores.device), -torch.inf)
        return
    scores.fill_(-torch.inf)
    scores[allowed] = 0.0
