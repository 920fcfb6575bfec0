"""The running requests, and the tokens that they generate in the same steps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from scheduling.core.request import Request


class RunningSet:
    """Counts steps once for all members. The count of a member is updated when it is read."""

    def __init__(self) -> None:
        self._requests: dict[str, Request] = {}
        self._counted: dict[str, int] = {}  # number of steps that each `Request` includes
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
        """Yields each member's id and its predicted tokens, prompt and answer together."""
        for request in self._requests.values():
            yield request.id, request.prompt_tokens + request.predicted_tokens

    def discard(self, request_id: str) -> None:
        del self._requests[request_id], self._counted[request_id]

    def step(self, num_tokens: int, except_ids: Iterable[str]) -> None:
        """Adds `num_tokens` to every member that is not in `except_ids`."""
        self._num_steps += num_tokens
        for request_id in except_ids:
            self._counted[request_id] += num_tokens
