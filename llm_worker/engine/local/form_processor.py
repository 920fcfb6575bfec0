"""Restricts the tokens of each request of a batch to what the form of its answer allows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from transformers import LogitsProcessorList
from transformers.generation.continuous_batching.cb_logits_processors import (
    ContinuousBatchingLogitsProcessor,
    ContinuousBatchingLogitsProcessorList,
)
from transformers.generation.continuous_batching.requests import FutureRequestState

from llm_worker.engine.local.constrained import Allowed, Walker, restrict


class FormProcessor(ContinuousBatchingLogitsProcessor):
    """Called by the library's loop before and after each forward pass.

    It needs the last token on the host before the next pass: no asynchronous batching and no
    CUDA graphs.
    """

    def __init__(self) -> None:
        self.supported_kwargs, self.ignored_kwargs = {}, ()
        self._walkers: dict[str, Walker] = {}
        self._rows: list[Allowed | None] = []

    def add(self, library_id: str, walker: Walker, open_ids: Iterable[str]) -> None:
        """Adds a request, and forgets those that are not open any more."""
        known = set(open_ids)
        kept = {key: each for key, each in self._walkers.items() if key in known}
        self._walkers = {**kept, library_id: walker}

    def as_list(self) -> ContinuousBatchingLogitsProcessorList:
        chain = ContinuousBatchingLogitsProcessorList(LogitsProcessorList([self]))
        chain.tensors_required = 1
        return chain

    def fill_defaults(self, int32_tensor: torch.Tensor) -> None:
        int32_tensor.zero_()

    def prepare_tensor_args(
        self, requests_with_new_token: list[FutureRequestState]
    ) -> torch.Tensor:
        self._rows = [self._allowed(request.state) for request in requests_with_new_token]
        return torch.zeros(len(self._rows), dtype=torch.int32)

    def _allowed(self, state: Any) -> Allowed | None:
        walker = self._walkers.get(state.request_id)
        if walker is None:
            return None
        return walker.follow([*state.initial_tokens, *state.generated_tokens])

    def __call__(self, scores: torch.Tensor, tensor_arg: torch.Tensor) -> torch.Tensor:
        for row, allowed in enumerate(self._rows):
            restrict(scores[row], allowed)
        return scores
