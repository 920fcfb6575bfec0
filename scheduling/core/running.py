"""The requests that have a slot, and the tokens that they are given alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from scheduling.core.request import Request


class RunningSet:
    """Counts steps once for all members; a member's own count is brought up to date on sight."""

    def __init__(self) -> None:
        self._requests: dict[str, Request] = {}
        self._counted: dict[str, int] = {}  # the steps that each `Request` has counted in
        self._num_steps = 0

    def __len__(self) -> int:
        return len(self._requests)

    def __contains__(self, request_id: str) -> bool:
        return request_id in self._requests

    def __iter__(self) -> Iterator[str]:
        return iter(self._requests)

    def ids(self) -> tuple[str, ...]:
        return tuple(self._requests)

    def __getitem__(self, request_id: str) -> Request:
        request = self._requests[request_id]
        if steps := self._num_steps - self._counted[request_id]:
            request = request.with_progress(request.generated_tokens + steps)
            self[request_id] = request
        return request

    def __setitem__(self, request_id: str, request: Request) -> None:
        self._requests[request_id] = request
        self._counted[request_id] = self._num_steps

    def up_to_date(self) -> tuple[Request, ...]:
        return tuple(self[request_id] for request_id in self._requests)

    def predicted_tokens(self) -> Iterator[tuple[str, int]]:
        """Each member's id, and the tokens of prompt and answer that are predicted for it."""
        for request in self._requests.values():
            yield request.id, request.prompt_tokens + request.predicted_tokens

    def discard(self, request_id: str) -> None:
        del self._requests[request_id], self._counted[request_id]

    def step(self, num_tokens: int, but: Iterable[str]) -> None:
        """Every member but those of `but` has `num_tokens` more."""
        self._num_steps += num_tokens
        for request_id in but:
            self._counted[request_id] += num_tokens
