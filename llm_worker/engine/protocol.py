"""The interface between the worker loop and an engine: jobs go in, events come out.

One thread owns an engine. Only this thread calls `events`, `add`, `release`, `cancel`,
`update` and `set_policy`. Any thread may call `stats` and `alive`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, Protocol

from scheduling.core.policies import Policy, Preemption
from scheduling.core.request import Request

UNKNOWN_TOKEN: Final = -1  # a remote server returned text without token ids


class EngineNotRunning(RuntimeError):
    """The engine is not started, is stopped, or has failed."""


class EngineUnavailable(RuntimeError):
    """The engine cannot work. The message is one sentence: the setting, its value, the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineJob:
    """One answer to generate. `max_new_tokens` counts the whole answer with its prefix.

    A resumed job has the token ids and the text of its answer so far, as in `Released`. The
    text is for engines that cannot use token ids.
    """

    request: Request
    prompt: str
    max_new_tokens: int
    prefix_token_ids: tuple[int, ...] = ()
    prefix_text: str = ""

    def __post_init__(self) -> None:
        if self.max_new_tokens < 1:
            raise ValueError("max_new_tokens: must be at least 1")
        if self.prefix_text and not self.prefix_token_ids:
            raise ValueError("prefix_token_ids: must not be empty where prefix_text is given")

    @property
    def id(self) -> str:
        return self.request.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The request has a slot for the first time."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokensOut:
    """New tokens. `prefix_text` and all `text_delta` joined are the answer so far.

    `text_delta` may be empty while a character is incomplete. `num_generated` counts all
    tokens of the answer, including the prefix and these tokens.
    """

    id: str
    text_delta: str
    token_ids: tuple[int, ...]
    num_generated: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The whole answer with its prefix, without the end token. The last event of this id."""

    id: str
    text: str
    token_ids: tuple[int, ...]
    reason: Literal["eos", "length"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """This request failed; the others continue. The last event of this id."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineFailed:
    """The engine failed and has dropped all requests. Sent once. `start` starts it again."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """An unfinished request that left the engine, with the tokens that `events` returned."""

    id: str
    token_ids: tuple[int, ...]
    text: str


Event = Started | TokensOut | Finished | Failed | EngineFailed

STATS: Final = (
    "slots_total",
    "slots_used",
    "requests",  # running and waiting in the engine
    "kv_blocks_total",  # 0 where unknown
    "kv_blocks_used",
    "tokens_per_second",  # in the last seconds
    "tokens",  # since the last start
    "steps",
)


class Engine(Protocol):
    """Generates answers, `num_slots` at a time, in the order of a policy."""

    @property
    def num_slots(self) -> int: ...

    @property
    def num_ahead(self) -> int:
        """How many more requests it should have, so that no slot stays empty between two."""

    def start(self) -> None:
        """Starts the engine, also after a stop or a failure, without requests and old events."""

    def stop(self) -> None:
        """Stops within seconds and drops all requests. May be called twice."""

    def alive(self) -> bool: ...

    def ready(self) -> str:
        """Empty where the engine can write answers now. Else one sentence for people that names
        what is wrong, with which value, and the remedy. May take seconds, not more than five."""

    def holds(self, request_id: str) -> bool:
        """Whether it has this request, or events of it that were not read yet."""

    def waiting(self) -> frozenset[str]:
        """Ids of its requests that have no slot now."""

    def add(self, job: EngineJob) -> None:
        """Adds a job. Returns at once; another thread generates the answer.

        Raises NeverFits (scheduling.core.scheduler) when prompt and answer are too long for
        the engine, ValueError when the engine already has the id, and EngineNotRunning.
        """

    def release(self, request_id: str) -> Released | None:
        """Removes a request and returns its progress. No event of it follows.

        Returns None for an unknown id, and for a request that has ended but whose last
        events are not read yet.
        """

    def cancel(self, request_id: str) -> None:
        """Removes a request and its unread events, without an event. Ignores unknown ids."""

    def update(self, request: Request) -> None:
        """Replaces a request, for example after a new priority. Ignores unknown ids."""

    def set_policy(self, policy: Policy, preemption: Preemption) -> None:
        """Changes the order of all requests from the next step on."""

    def events(self, timeout_seconds: float) -> list[Event]:
        """All unread events, oldest first. Waits up to `timeout_seconds` for the first one."""

    def count_prompt_tokens(self, prompt: str) -> int:
        """Number of tokens of the prompt with the model's chat template."""

    def stats(self) -> dict[str, float]:
        """The figures that `STATS` names."""
