"""Constrained decoding: before each token, the tokens that the form of the answer allows.

A walk goes through the pieces of a form. It yields what may come next and receives the token
that came. Where one token is allowed the model has no choice; where it writes freely, digits,
quotation marks and characters that it did not learn are masked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any, Final

import torch

from llm_worker.engine.local.sbar_form import Fixed, Piece, sbar_form

MAX_FREE_TOKENS: Final = 40
_PLAIN: Final = re.compile(r"[A-Za-z ,:;'./-]+")

Allowed = int | torch.Tensor  # one token, or a mask over the vocabulary
Walk = Generator[Allowed, int, None]


class Vocabulary:
    """The tokens of a tokenizer, by what a form needs of them."""

    def __init__(self, tokenizer: Any, num_tokens: int) -> None:
        self._tokenizer = tokenizer
        special = set(tokenizer.all_special_ids)
        self.texts = [
            "" if i in special or i >= len(tokenizer) else str(tokenizer.decode([i]))
            for i in range(num_tokens)
        ]
        self.eos = int(tokenizer.eos_token_id)
        self.plain = torch.tensor([bool(_PLAIN.fullmatch(text)) for text in self.texts])
        self.full_stop = self.encode(".")[0]

    def encode(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False)
        return ids


def walk(pieces: Iterable[Piece], vocabulary: Vocabulary) -> Walk:
    """Through all pieces, then the end."""
    for piece in pieces:
        if isinstance(piece, Fixed):
            yield from _fixed(vocabulary.encode(piece.text))
        else:
            yield from _free(vocabulary)
    while True:
        yield vocabulary.eos


def _fixed(ids: Sequence[int]) -> Walk:
    for token in ids:
        _ = yield token


def _free(vocabulary: Vocabulary) -> Walk:
    """Plain words up to a full stop."""
    for _ in range(MAX_FREE_TOKENS):
        token = yield vocabulary.plain
        if vocabulary.texts[token].endswith("."):
            return
    yield vocabulary.full_stop


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
    return lambda brief, num_prompt: Walker(walk(sbar_form(brief), vocabulary), num_prompt)


def restrict(scores: torch.Tensor, allowed: Allowed | None) -> None:
    """Masks a row of scores in place. `scores` has the shape [vocabulary]."""
    if allowed is None:
        return
    if isinstance(allowed, torch.Tensor):
        scores.masked_fill_(~allowed.to(scores.device), -torch.inf)
        return
    scores.fill_(-torch.inf)
    scores[allowed] = 0.0
